// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"errors"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// formerCases returns the cases about what a system remembers of access that is gone (access.Rememberer). The rule
// expiry/relabelled goes by it, so that access does not go on under a new name without a review.
func formerCases() []contract {
	return []contract{
		{
			name:  "what was removed is remembered, and its identity's removal forgets nothing of it",
			kinds: []access.Kind{access.Federated},
			run:   remembersRemoved,
		},
		{name: "what a change takes away is remembered", kinds: []access.Kind{access.Federated}, run: remembersChanged},
		{
			name:  "what never gave access is not remembered",
			kinds: []access.Kind{access.Federated},
			run:   remembersNothing,
		},
		{name: "since when access goes on is kept", run: keepsSince},
		{
			name:  "uids that ended are told from those that never were",
			kinds: []access.Kind{access.Federated},
			run:   remembersUIDs,
		},
	}
}

// formers returns what every handle remembers, by what is remembered of each.
func (w *world) formers() []access.Former {
	w.Helper()
	all, _ := w.bygones()
	return all
}

// bygones returns the uids that ended beside.
func (w *world) bygones() (all []access.Former, ended []access.Bygone) {
	w.Helper()
	for n, s := range []access.System{w.System, w.Second()} {
		rememberer, able := access.As[access.Rememberer](s)
		if !able {
			w.Fatal("it remembers nothing")
		}
		formers, uids, err := rememberer.Formers(w.ctx())
		if err != nil {
			w.Fatal(err)
		}
		if n > 0 && (len(formers) != len(all) || len(uids) != len(ended)) {
			w.Errorf("one handle remembers %d, another one %d", len(all), len(formers))
		}
		all, ended = formers, uids
	}
	return all, ended
}

// remembers claims which access is remembered, in no order.
func (w *world) remembers(when string, refs ...access.Ref) {
	w.Helper()
	var got []string
	for _, f := range w.formers() {
		got = append(got, f.Object.Ref().String())
	}
	var want []string
	for _, ref := range refs {
		want = append(want, ref.String())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("%s: remembered are %v, want %v", when, got, want)
	}
}

// isFormer claims that what is remembered of a grant is its reach and its end, and not what people wrote.
func (w *world) isFormer(f access.Former, g *access.Grant) {
	w.Helper()
	actions := slices.Sorted(slices.Values(g.Actions))
	if former := f.Object.(*access.Grant); former.Resource != g.Resource ||
		!slices.Equal(former.Actions, actions) ||
		former.Owner+former.Purpose != "" {
		w.Errorf("remembered of %+v is %+v", g, former)
	}
	if !f.EndsAt.Equal(g.ExpiresAt.Time) {
		w.Errorf("remembered is the end %s of %+v", f.EndsAt, g)
	}
}

// remembersRemoved: what was removed is remembered with its end, through every removal and creation that follows.
func remembersRemoved(w *world) {
	review := &access.Review{At: w.in(-2), By: "jane.doe@example.com", Reason: "Needed"}
	i := w.put(w.identity("etl", 60, func(i *access.Identity) { i.Review = review }))
	c := w.credential("etl", access.Federated, 80)
	g := w.grant("etl", "daily", 30)
	c.Owner = "john.roe@example.com"
	g.Owner = "john.roe@example.com"
	g.Purpose = "Said in confidence"
	there, granted := w.put(c), w.put(g)
	w.remembers("before")
	before := w.now()
	w.remove(granted)
	w.remembers("after the grant", g.Ref())
	if _, ended := w.bygones(); !slices.ContainsFunc(ended,
		func(b access.Bygone) bool { return b.Ref() == g.Ref() && b.UID == granted.UID }) {
		w.Errorf("the uid %s of the grant is not among those that ended: %+v", granted.UID, ended)
	}
	f := w.formers()[0]
	w.between("removed_at", f.RemovedAt, before)
	if w.isFormer(f, g); !f.History.CreatedAt.Equal(granted.CreatedAt) || !f.History.ReviewedAt.Equal(review.At.Time) {
		w.Errorf("remembered is the history %+v of %+v", f.History, granted)
	}
	again := w.put(g)
	w.remove(again)
	w.remembers("after it was there again", g.Ref())
	w.put(g)
	if swept := w.remove(i); len(swept) != 2 {
		w.Errorf("swept were %v", swept)
	}
	w.remembers("after the identity", c.Ref(), g.Ref())
	for _, f := range w.formers() {
		if former, ok := f.Object.(*access.Credential); ok &&
			(former.Federated.Subject != c.Federated.Subject || !f.EndsAt.Equal(w.in(60).Time)) {
			w.Errorf("remembered of %+v is %+v until %s", there, former, f.EndsAt)
		}
	}
	w.put(w.identity("etl", 60))
	w.remembers("under a new identity of that id", c.Ref(), g.Ref())
	w.remove(w.get(id("etl").Ref()))
	w.remembers("and after it", c.Ref(), g.Ref())
}

// remembersChanged claims that a change that takes a partner's way in or reach away, and gives another one, is
// remembered like a removal. An earlier end is not: the object itself still says all of it.
func remembersChanged(w *world) {
	w.put(w.identity("etl", 60))
	c := w.credential("etl", access.Federated, 40)
	g := w.grant("etl", "daily", 30)
	first, granted := w.put(c), w.put(g)
	c.ExpiresAt, g.ExpiresAt = w.in(35), w.in(25)
	w.put(c, known(first.UID))
	w.put(g, known(granted.UID))
	w.remembers("after an earlier end")
	c.Federated = &access.FederatedTrust{
		Issuer:    c.Federated.Issuer,
		Subject:   "svc-other",
		Audiences: c.Federated.Audiences,
	}
	w.put(c, known(first.UID))
	w.remembers("after another subject", c.Ref())
	g.Resource = access.Pattern(w.Place + "orders/acme/elsewhere/*")
	w.put(g, known(granted.UID))
	w.remembers("after another reach", c.Ref(), g.Ref())
}

// remembersNothing claims that a grant without a credential, and a credential without a grant, are forgotten: nobody
// had access by either.
func remembersNothing(w *world) {
	w.put(w.identity("etl", 60))
	granted := w.put(w.grant("etl", "daily", 30))
	w.remove(granted)
	there := w.put(w.credential("etl", access.Federated, 40))
	w.remove(there)
	w.remove(w.get(id("etl").Ref()))
	w.remembers("of a grant that nobody could use, and a way in to nothing")
}

// keepsSince claims that the moment at which access began under another name goes on with the object through its
// changes.
func keepsSince(w *world) {
	w.put(w.identity("etl", 60))
	since := w.now().Add(-1000 * time.Hour).Truncate(time.Second)
	g := w.grant("etl", "daily", 30)
	r, err := w.System.Put(w.ctx(), access.Change{Object: g, Stack: ours, EndsAt: g.ExpiresAt.Time, Since: since})
	if err != nil {
		w.Fatal(err)
	}
	g.ExpiresAt = w.in(20)
	w.put(g, known(r.UID))
	if got := w.get(g.Ref()); !got.Since.Equal(since) || !got.Began().Equal(since) {
		w.Errorf("the access goes on since %s, and not %s", got.Since, since)
	}
}

// whose asks every handle what has a uid, or had it.
func (w *world) whose(of access.Ref, uid string) (ref access.Ref, until time.Time, err error) {
	w.Helper()
	for _, s := range []access.System{w.System, w.Second()} {
		rememberer, able := access.As[access.Rememberer](s)
		if !able {
			w.Fatal("it remembers nothing")
		}
		ref, until, err = rememberer.Whose(w.ctx(), of, uid)
	}
	return ref, until, err
}

// remembersUIDs follows one grant through being taken up, removed, made again, and removed with its identity. Each uid
// that was ever given is told with what it was of, and one that never was is not found: that is how an edited state is
// told from an old one.
func remembersUIDs(w *world) {
	i := w.identity("etl", 60)
	g := w.grant("etl", "daily", 30)
	c := w.credential("etl", access.Federated, 30)
	w.put(i)
	w.put(c)
	first := w.put(g)
	has := func(when, uid string, want access.Ref, ended bool) {
		w.Helper()
		ref, until, err := w.whose(g.Ref(), uid)
		if err != nil || ref != want || until.IsZero() == ended {
			w.Errorf("%s: the uid is of %v until %v, %v", when, ref, until, err)
		}
	}
	never := func(when, uid string) {
		w.Helper()
		if ref, until, err := w.whose(g.Ref(), uid); !errors.Is(err, access.ErrNotFound) {
			w.Errorf("%s: a uid that was never given is of %v until %v, %v", when, ref, until, err)
		}
	}
	has("in force", first.UID, g.Ref(), false)
	never("in force", access.NewUID())
	never("in force", "")
	second := w.put(g) // taken up by its own stack
	has("taken up", first.UID, g.Ref(), true)
	has("taken up", second.UID, g.Ref(), false)
	w.remove(second)
	has("removed", second.UID, g.Ref(), true)
	third, now := w.put(g), w.put(i)
	has("made again", second.UID, g.Ref(), true)
	w.remove(now)
	for uid, of := range map[string]access.Ref{first.UID: g.Ref(), third.UID: g.Ref(), now.UID: i.Ref()} {
		has("removed with its identity", uid, of, true)
	}
	w.put(i)
	has("its identity made again", first.UID, g.Ref(), true)
	has("its identity made again", now.UID, i.Ref(), true)
	never("its identity made again", access.NewUID())
}
