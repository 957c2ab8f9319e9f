// SPDX-License-Identifier: MPL-2.0

package report

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Text has to stand out as WCAG 2.2 AA has it (1.4.3, 4.5 to 1), and what is drawn too (1.4.11, 3 to 1); in the light,
// in the dark and on paper.
func TestAllTextStandsOutFromItsGround(t *testing.T) {
	css, err := files.ReadFile("style.css")
	if err != nil {
		t.Fatal(err)
	}
	palettes := regexp.MustCompile(`:root \{[^}]*\}`).FindAllString(string(css), -1)
	if len(palettes) != 3 {
		t.Fatalf("%d palettes", len(palettes))
	}
	for n, palette := range palettes {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{3,6});`).FindAllStringSubmatch(palette, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for ground, texts := range map[string]string{"bg": "ink soft link", "card": "ink soft link past soon"} {
			for text := range strings.FieldsSeq(texts) {
				contrast(t, n, colours, text, ground, 4.5)
			}
		}
		for shape := range strings.FieldsSeq("fine soon past open ink") {
			contrast(t, n, colours, shape, "bg", 3)
		}
		contrast(t, n, colours, "soon", "under", 3)
		contrast(t, n, colours, "past", "past-under", 3)
	}
}

func contrast(t *testing.T, palette int, colours map[string]float64, a, b string, least float64) {
	t.Helper()
	light := max(colours[a], colours[b])
	dark := min(colours[a], colours[b])
	if ratio := (light + 0.05) / (dark + 0.05); ratio < least {
		t.Errorf("palette %d: %s on %s is %.2f to 1", palette, a, b, ratio)
	}
}

// luminance is WCAG's relative luminance of #rgb or #rrggbb.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = hex[:1] + hex[:1] + hex[1:2] + hex[1:2] + hex[2:] + hex[2:]
	}
	sum := 0.0
	for n, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(hex[2*n:2*n+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(v) / 255
		if c <= 0.04045 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}
