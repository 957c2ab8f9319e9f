// SPDX-License-Identifier: MPL-2.0

package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/partner-access/terraform-provider-partner/internal/shown"
)

// The report as a calendar to be subscribed to, so that ends are seen by those who look at no page. The numbers in
// brackets are sections of RFC 5545.

// notice is how long before an end the calendar reminds: long enough for a review, short enough to be acted on.
const notice = "-P14D"

// Calendar returns the ends of all identities and agreements as RFC 5545 has them, an event each, to be subscribed to.
// An event keeps its UID from report to report, so that a renewal moves it.
func (r *Report) Calendar() string {
	var c calendar
	c.line("BEGIN", "VCALENDAR")
	c.line("VERSION", "2.0")
	c.line("PRODID", "-//partner-access//terraform-provider-partner//EN")
	c.line("CALSCALE", "GREGORIAN")
	c.line("METHOD", "PUBLISH")
	c.text("X-WR-CALNAME", r.Title)
	for _, p := range r.partners() {
		for _, h := range p.Holdings {
			if !h.EndsAt().IsZero() {
				c.write(r.end(h))
			}
		}
		if p.Agreement != nil && p.Name != "" && !p.Agreement.EndsAt.IsZero() {
			c.write(r.agreementEnd(p))
		}
	}
	c.line("END", "VCALENDAR")
	return c.out.String()
}

// calendar is the text in the making.
type calendar struct{ out strings.Builder }

// event is an end: of an identity, or of a partner's agreement.
type event struct {
	// uid is made of what ends and not of when (3.8.4.7), so a later end moves the event instead of making another one.
	// stamped is the report's moment and not the clock's, so the same report gives the same bytes. sequence is how
	// often it was renewed (3.8.7.4).
	uid               string
	stamped, at       time.Time
	sequence          int64
	summary, describe string
}

// end returns the end of an identity, with what ends before it.
func (r *Report) end(h *holding) event {
	i := h.Items()[0]
	e := event{
		uid: uuid("end", r.key(h.System), string(i.Type), cmp.Or(i.ID, i.NativeID)), stamped: r.Inventory.At,
		at:       h.EndsAt(),
		sequence: i.Renewals, summary: h.Holder + " ends, in " + r.label(h.System),
	}
	all := [][2]string{
		{"Owner", i.Owner}, {"Contact", i.Contact}, {"Purpose", i.Purpose}, {"Stands", string(h.Standing)},
		{"Stack", i.Stack}, {"Ended by", i.EnforcedBy},
	}
	for _, part := range slices.Concat(h.Credentials, h.Grants) {
		if !part.EndsAt.IsZero() && part.EndsAt.Before(h.EndsAt()) {
			all = append(all, [2]string{"Ends before it", label(part) + ", " + moment(part.EndsAt)})
		}
	}
	e.describe = details(all)
	return e
}

// agreementEnd returns the end of a partner's agreement.
func (r *Report) agreementEnd(p *partner) event {
	a := p.Agreement
	return event{
		uid: uuid("agreement", p.Name, a.Reference), stamped: r.Inventory.At, at: a.EndsAt.Time,
		summary: "Agreement " + a.Reference + " with " + p.Name + " ends",
		describe: details([][2]string{
			{"Contact", p.Contact}, {"Identities", strconv.Itoa(len(p.Holdings))},
			{"Can act now", strconv.Itoa(p.CanAct())},
		}),
	}
}

// key returns what a system's ends are told apart by in every report: its id, or its kind if it has none.
func (r *Report) key(system string) string {
	if system == "" {
		return cmp.Or(r.own().ID, r.own().System)
	}
	for _, s := range r.included {
		if s.Label() == system {
			return cmp.Or(s.ID, s.System)
		}
	}
	return system
}

// write writes an event with one alarm, which rings before it (notice). It takes no time of the reader's (TRANSPARENT).
func (c *calendar) write(e event) {
	c.line("BEGIN", "VEVENT")
	c.line("UID", e.uid)
	c.line("DTSTAMP", utc(e.stamped))
	c.line("DTSTART", utc(e.at))
	// A calendar takes a moved event only where its sequence is the higher one.
	c.line("SEQUENCE", strconv.FormatInt(max(0, e.sequence), 10))
	c.text("SUMMARY", e.summary)
	c.text("DESCRIPTION", e.describe)
	c.line("TRANSP", "TRANSPARENT")
	c.line("BEGIN", "VALARM")
	c.line("ACTION", "DISPLAY")
	c.line("TRIGGER", notice)
	c.text("DESCRIPTION", e.summary)
	c.line("END", "VALARM")
	c.line("END", "VEVENT")
}

// details say who is to act on the end.
func details(all [][2]string) string {
	var said []string
	for _, d := range all {
		if d[1] != "" {
			said = append(said, d[0]+": "+d[1])
		}
	}
	return strings.Join(said, "\n")
}

// utc returns a moment as form 2 of a DATE-TIME, in UTC (3.3.5).
func utc(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// text writes a property whose value is text: what has a meaning in RFC 5545 is escaped (3.3.11).
func (c *calendar) text(name, value string) {
	escaped := strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(shown.Visible(value))
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
