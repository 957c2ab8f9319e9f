// SPDX-License-Identifier: MPL-2.0

package access

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Lines returns what a floor says, a line for each setting, in the words of the configuration: for
// who reads what changed.
func (f *Floor) Lines() []string {
	if f == nil {
		return nil
	}
	var lines []string
	say := func(name, text string) {
		if text != "" {
			lines = append(lines, name+": "+text)
		}
	}
	for _, slug := range slices.Sorted(maps.Keys(f.Levels)) {
		say("levels."+slug, f.Levels[slug])
	}
	say("unwaivable", strings.Join(f.Unwaivable, ", "))
	for _, t := range slices.Sorted(maps.Keys(f.MaxLifetime)) {
		say("max_lifetime."+string(t), f.MaxLifetime[t].String())
	}
	for _, length := range []struct {
		name  string
		value Span
	}{
		{"max_waiver", f.MaxWaiver}, {"max_issued", f.MaxIssued}, {"review_every", f.ReviewEvery},
		{"dormant_after", f.DormantAfter}, {"warn_before", f.WarnBefore},
	} {
		say(length.name, length.value.String())
	}
	say("min_fixed_segments", numberOf(f.MinFixedSegments))
	say("max_grants", numberOf(f.MaxGrants))
	say("owner_domains", listOf(f.OwnerDomains))
	say("environments", listOf(f.Environments))
	say("shared", listOf(f.Shared))
	if f.Partners != nil && len(f.Partners) == 0 {
		say("partners", "none")
	}
	for _, name := range slices.Sorted(maps.Keys(f.Partners)) {
		say("partners."+name, f.Partners[name].line())
	}
	for i := range f.Deciders {
		say("deciders."+f.Deciders[i].Address, f.Deciders[i].line())
	}
	say("require_signed", strings.Join(f.RequireSigned, ", "))
	say("set_by", f.SetBy)
	return lines
}

func numberOf(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// listOf returns a list as a text: none where it is set and empty, and nothing where it is not set.
func listOf[S ~string](values []S) string {
	if values != nil && len(values) == 0 {
		return "none"
	}
	texts := make([]string, 0, len(values))
	for _, v := range values {
		texts = append(texts, string(v))
	}
	return strings.Join(texts, ", ")
}

func (p FloorPartner) line() string {
	parts := []string{"known"}
	if len(p.Domains) > 0 {
		parts = append(parts, "domains "+strings.Join(p.Domains, ", "))
	}
	if p.Agreement != nil {
		parts = append(parts, fmt.Sprintf("agreement %s until %s", p.Agreement.Reference, p.Agreement.EndsAt))
	}
	if p.AWSAccounts != nil {
		parts = append(parts, "accounts "+listOf(p.AWSAccounts))
	}
	return strings.Join(parts, "; ")
}

// line says who decides on what, until when, with which keys: by their fingerprints.
func (d *Decider) line() string {
	parts := []string{fmt.Sprintf("until %s", d.Until)}
	if len(d.Partners) > 0 {
		parts = append(parts, "on "+strings.Join(d.Partners, ", "))
	}
	if len(d.Owners) > 0 {
		parts = append(parts, "of what "+strings.Join(d.Owners, ", ")+" owns")
	}
	if d.DecidesOwn {
		parts = append(parts, "also on their own")
	}
	for i := range d.Keys {
		parts = append(parts, d.Keys[i].line())
	}
	return strings.Join(parts, "; ")
}

func (k *DeciderKey) line() string {
	text := "a key that cannot be read"
	if key, err := ParseDeciderKey(k.Key); err == nil {
		text = ssh.FingerprintSHA256(key.PublicKey)
	}
	if !k.ValidAfter.IsZero() {
		text += fmt.Sprintf(" after %s", k.ValidAfter)
	}
	if !k.ValidBefore.IsZero() {
		text += fmt.Sprintf(" before %s", k.ValidBefore)
	}
	if k.Revoked {
		text += " revoked"
	}
	return text
}
