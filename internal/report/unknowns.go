// SPDX-License-Identifier: MPL-2.0

package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// What a report is of, and what it does not know. Every limit is a sentence on the first page: a reader takes silence
// for "none".

// own returns the report's own system, without what has to be counted.
func (r *Report) own() Source {
	own := r.Source
	own.System, own.At = r.Inventory.System, r.Inventory.At
	own.Unchecked = r.Inventory.Unchecked
	own.OwnersUnknown = r.Inventory.OwnersUnknown
	own.From, own.To = r.From, r.To
	return own
}

// sources returns the systems that the report holds, its own one first. Those of included reports stand as these
// counted them. If nobody said when the journal begins, its first line says it.
func (r *Report) sources() []Source {
	own := r.own()
	r.count(&own)
	if own.Since.IsZero() && len(r.Lines) > 0 {
		own.Since = r.Lines[0].Time
	}
	return append([]Source{own}, r.included...)
}

// count counts what the report's own system holds; what is of another system is counted there.
func (r *Report) count(own *Source) {
	own.Objects = 0
	own.Stacks = nil
	own.UseUnknown = 0
	own.Judged = 0
	judged := map[string]bool{}
	for _, id := range r.Judged {
		judged[id] = true
	}
	for n := range r.Inventory.Items {
		i := &r.Inventory.Items[n]
		if i.System != "" {
			continue
		}
		own.Objects++
		if judged[i.ID] {
			own.Judged++
		}
		if i.Stack != "" && !slices.Contains(own.Stacks, i.Stack) {
			own.Stacks = append(own.Stacks, i.Stack)
		}
		if i.Type == "credential" && i.UseUnknown {
			own.UseUnknown++
		}
	}
	slices.Sort(own.Stacks)
}

// unchecked reports whether nobody looked for a flag in this system.
func (s Source) unchecked(f inventory.Flag) bool { return slices.Contains(s.Unchecked, f) }

// Label returns what a source is called in a row: its environment and its kind of system.
func (s Source) Label() string {
	if s.Environment == "" {
		return s.System
	}
	return s.Environment + " (" + s.System + ")"
}

// Describe says which system a source is, and what was looked at there.
func (s Source) Describe() string {
	text := s.Label()
	if s.Place != "" {
		text += ", " + s.Place
	}
	if s.ID != "" {
		text += ", id " + s.ID
	}
	text += ": " + plural(s.Objects, "object") + " of "
	switch len(s.Stacks) {
	case 0:
		text += "no stack"
	case 1:
		text += "the stack " + s.Stacks[0]
	default:
		text += "the stacks " + strings.Join(s.Stacks, ", ")
	}
	if s.Floor != "" {
		text += ", " + s.Floor
	}
	return text + ", at " + moment(s.At)
}

// checks say in words what nobody looked for, where a flag is unchecked.
var checks = map[inventory.Flag]string{
	inventory.Ungoverned: "for logins that nobody declared",
	inventory.Drifted:    "whether the system holds more than was declared",
	inventory.Dormant:    "whether access lies unused",
	inventory.Unused:     "whether access was ever used",
	inventory.Orphaned:   "whether an owner left",
}

// unknowns say, a sentence each, what the report does not know. There is always one: it holds what it looked at.
func (r *Report) unknowns() []string {
	all := []string{"Other systems, environments and OpenBao namespaces were not looked at."}
	if r.Partner != "" {
		all = append(all, "Only the access of "+r.Partner+" and of its subcontractors is shown.")
	}
	if r.Owner != "" {
		all = append(all, "Only the identities of which "+r.Owner+
			" owns something are shown, and no login that nobody declared.")
	}
	for _, s := range r.sources() {
		all = append(all, r.unknownOf(s)...)
	}
	for _, g := range r.groups() {
		if g.Slug == missing && len(g.Changes) > 0 {
			all = append(all, "What became of "+plural(len(g.Changes), "change")+": the journal has no outcome.")
		}
	}
	if n := len(r.Gaps); n > 0 {
		all = append(all, "What happened in "+plural(n, "gap")+" of the journal: see Gaps in the period.")
	}
	return append(all, "How many sessions are open now, and what a partner did with its access: the logs of the "+
		"gateways tell.")
}

// unknownOf says what is not known of one system. An included report that is more than a day older than this one is
// told, with its age.
func (r *Report) unknownOf(s Source) []string {
	var all []string
	at := s.Label()
	for _, f := range s.Unchecked {
		all = append(all, "Nobody looked in "+at+" "+checkOf(f)+".")
	}
	if s.OwnersUnknown {
		all = append(all, "Which owners in "+at+" left: active_owners is not set.")
	}
	if s.UseUnknown > 0 {
		all = append(all, fmt.Sprintf("When %s in %s last acted: the system does not see every use.",
			plural(s.UseUnknown, "credential"), at))
	}
	if s.Judged < s.Objects {
		all = append(all, fmt.Sprintf("Whether a rule is broken by %s of %d in %s: the rules were not applied there.",
			plural(s.Objects-s.Judged, "object"), s.Objects, at))
	}
	switch {
	case s.Since.IsZero():
		all = append(all, "What was changed in "+at+": no journal was read.")
	case s.From.IsZero() || s.From.Before(s.Since):
		all = append(all, "What was changed in "+at+" before "+moment(s.Since)+", where the journal begins.")
	}
	if s.SHA256 != "" && r.now().Sub(s.At) > 24*time.Hour {
		all = append(all, fmt.Sprintf("What changed in %s since %s: its report is %d days old.", at, moment(s.At),
			int(r.now().Sub(s.At).Hours()/24)))
	}
	return all
}

// plural returns a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// checkOf says in words what a flag looks for; a flag that is not in the table by its name.
func checkOf(f inventory.Flag) string {
	if text, ok := checks[f]; ok {
		return text
	}
	return "what is " + string(f)
}

// judged returns to how many of all objects, included systems' among them, the rules were applied.
func (r *Report) judged() (n, of int) {
	for _, s := range r.sources() {
		n, of = n+s.Judged, of+s.Objects
	}
	return n, of
}
