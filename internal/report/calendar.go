package report

import (
	"cmp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// notice is how long before an end the calendar reminds: long enough for a review, short enough to be acted on.
const notice = "-P14D"

// Calendar is the ends of all access as RFC 5545 has it, an event each, to be subscribed to. The event of an item keeps
// its UID from report to report, so that a renewal moves it.
func (r *Report) Calendar() string {
	var c calendar
	c.line("BEGIN", "VCALENDAR")
	c.line("VERSION", "2.0")
	c.line("PRODID", "-//partner-access//terraform-provider-partner//EN")
	c.line("CALSCALE", "GREGORIAN")
	c.line("METHOD", "PUBLISH")
	c.text("X-WR-CALNAME", r.Title)
	for i := range r.Inventory.Items {
		if item := &r.Inventory.Items[i]; !item.EndsAt.IsZero() {
			c.event(r.Inventory, item)
		}
	}
	c.line("END", "VCALENDAR")
	return c.out.String()
}

type calendar struct{ out strings.Builder }

func (c *calendar) event(inv *inventory.Inventory, i *inventory.Item) {
	summary := label(i) + " ends (" + string(i.Type) + ", " + inv.System + ")"
	c.line("BEGIN", "VEVENT")
	c.line("UID", uuid("end", inv.System, string(i.Type), cmp.Or(i.ID, i.NativeID)))
	c.line("DTSTAMP", utc(inv.At))
	c.line("DTSTART", utc(i.EndsAt))
	// A calendar takes a moved event only where its sequence is the higher one.
	c.line("SEQUENCE", strconv.FormatInt(max(0, i.Renewals), 10))
	c.text("SUMMARY", summary)
	c.text("DESCRIPTION", details(i))
	c.line("TRANSP", "TRANSPARENT")
	c.line("BEGIN", "VALARM")
	c.line("ACTION", "DISPLAY")
	c.line("TRIGGER", notice)
	c.text("DESCRIPTION", summary)
	c.line("END", "VALARM")
	c.line("END", "VEVENT")
}

// details say who is to act on the end.
func details(i *inventory.Item) string {
	var all []string
	for _, d := range [][2]string{
		{"Owner", i.Owner}, {"Contact", i.Contact}, {"Purpose", i.Purpose}, {"Reaches", i.Resource}, {"Stack", i.Stack},
		{"Status", i.Status}, {"Ended by", i.EnforcedBy},
	} {
		if d[1] != "" {
			all = append(all, d[0]+": "+d[1])
		}
	}
	return strings.Join(all, "\n")
}

func utc(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// text writes a property whose value is text: what has a meaning in RFC 5545 is escaped (3.3.11).
func (c *calendar) text(name, value string) {
	escaped := strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(visible(value))
	c.line(name, escaped)
}

// line writes a property, folded so that no line is longer than 75 octets and no rune is cut (3.1).
func (c *calendar) line(name, value string) {
	rest := name + ":" + value
	for limit := 75; len(rest) > limit; limit = 74 { // those that go on begin with a blank
		cut := limit
		for !utf8.RuneStart(rest[cut]) {
			cut--
		}
		c.out.WriteString(rest[:cut] + "\r\n ")
		rest = rest[cut:]
	}
	c.out.WriteString(rest + "\r\n")
}
