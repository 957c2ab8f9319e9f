// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// Terraform tells a call nothing of the other calls of its walk: not that it is an apply, not what was read, planned or
// made before. So each call leaves here what others have to know.

// walk is what one walk of Terraform, a plan or an apply, has seen and done so far. mu guards all of it; nothing here
// asks the system.
type walk struct {
	mu sync.Mutex
	// applying says that it is an apply. It is set by the first change, since nothing says so before.
	applying bool
	// seen is what Read found of each object, vanished what it did not find before its end.
	seen     map[access.Ref]kept
	vanished map[access.Ref]bool
	// done is what this apply has created or changed.
	done map[access.Ref]bool
	// keptIssued are the credentials that this apply has created, and that kept what was issued for them. The deletion
	// of what they replaced then issues anew (takeover.go).
	keptIssued map[access.Ref]bool
	// findings are what the rules said last of each resource; an empty list if they said nothing.
	findings map[access.Ref][]guardrail.Finding
	// lacks is what is missing in the system, such as a mount, and was said.
	lacks map[string]bool
	// keptNames are names of this stack's grants that are not made of what they grant now, by grantKey: such a grant
	// kept the name that it was given, or was made with.
	keptNames map[string]string
	// owns says that this stack has something in the system.
	owns bool
}

// newWalk returns a walk that has seen nothing.
func newWalk() *walk {
	return &walk{
		seen: map[access.Ref]kept{}, vanished: map[access.Ref]bool{}, done: map[access.Ref]bool{},
		keptIssued: map[access.Ref]bool{},
		findings:   map[access.Ref][]guardrail.Finding{}, lacks: map[string]bool{}, keptNames: map[string]string{},
	}
}

// lists takes note of what the system holds of a stack, once, from the listing that the portfolio is loaded with.
func (w *walk) lists(records []*access.Record, stack string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		if r.Stack != stack {
			continue
		}
		w.owns = true
		if g, ok := r.Object.(*access.Grant); ok && g.Name != access.GrantName(g.Resource, g.Actions) {
			w.keptNames[grantKey(g)] = g.Name
		}
	}
}

// does remembers that this apply has created or changed an object.
func (w *walk) does(ref access.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done[ref] = true
}

// keepsIssued remembers that the creation of a credential kept what was issued for it.
func (w *walk) keepsIssued(ref access.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keptIssued[ref] = true
}

// stands reports whether this stack has something in the system, so that there is something to offboard.
func (w *walk) stands() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.owns
}

// leftBehind returns the name under which this stack holds the same grant already, if that is not its usual one: what
// was forgotten and is declared again keeps its name, and with it its history.
func (w *walk) leftBehind(g *access.Grant) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name, ok := w.keptNames[grantKey(g)]
	return name, ok
}

// vanish remembers that Read did not find an object before its end: creating it again is judged at apply.
func (w *walk) vanish(ref access.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.vanished[ref] = true
}

// lacking notes that something is missing in the system, and reports whether that is news: twelve credentials that lack
// one mount are one error.
func (w *walk) lacking(what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	news := !w.lacks[what]
	w.lacks[what] = true
	return news
}

// applies remembers that this walk is an apply: something is being changed.
func (w *walk) applies() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.applying = true
}

// isApplying reports whether something of this walk has been changed, or was about to be.
func (w *walk) isApplying() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.applying
}

// phase returns in which phase the rules judge a plan. Terraform plans again just before it makes a change, so in an
// apply this is Apply for all plans but those before its first change.
func (w *walk) phase() guardrail.Phase {
	if w.isApplying() {
		return guardrail.Apply
	}
	return guardrail.Plan
}

// isDone reports whether this apply has created or changed an object.
func (w *walk) isDone(ref access.Ref) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done[ref]
}

// hasVanished reports whether Read did not find an object before its end.
func (w *walk) hasVanished(ref access.Ref) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.vanished[ref]
}

// see remembers what Read found. A tainted resource is planned like a new one, and Terraform hands in nothing of its
// state: this is how it is known for what it is.
func (w *walk) see(ref access.Ref, k kept) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[ref] = k
}

// hasSeen returns what Read found of an object in this walk; not ok with -refresh=false, and for what is new.
func (w *walk) hasSeen(ref access.Ref) (kept, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k, ok := w.seen[ref]
	return k, ok
}

// withheld returns what the reading of this walk knows of an object that is created again, and of which Terraform hands
// in nothing: it is tainted. creates says that there was no state; k is the private part that there was.
func (w *walk) withheld(ref access.Ref, k kept, creates bool) (kept, bool) {
	if !creates || k.History.UID != "" {
		return kept{}, false
	}
	return w.hasSeen(ref)
}

// isKept reports whether this apply created an object that kept what was issued for it.
func (w *walk) isKept(ref access.Ref) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keptIssued[ref]
}

// found returns the findings of this walk, sorted by id: those that were made so far.
func (w *walk) found() []guardrail.Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []guardrail.Finding
	for _, ref := range order.Sorted(maps.Keys(w.findings),
		func(a, b access.Ref) int { return strings.Compare(a.String(), b.String()) }) {
		all = append(all, w.findings[ref]...)
	}
	return all
}

// record keeps the findings of one resource for partner_guardrails and partner_report, in place of earlier ones.
func (w *walk) record(ref access.Ref, findings []guardrail.Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.findings[ref] = findings
}

// judged returns those of some ids about which the rules were asked in this walk, sorted. For any other, a report says
// that the rules were not applied.
func (w *walk) judged(ids []string) (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ref := range w.findings {
		if slices.Contains(ids, ref.ID) {
			all = append(all, ref.ID)
		}
	}
	slices.Sort(all)
	return all
}

// recorded returns the findings of one resource so far, as a copy.
func (w *walk) recorded(ref access.Ref) []guardrail.Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.findings[ref])
}
