// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// walker is somebody who wants to keep a partner's access and looks at nothing, or hardly ever: it names, removes,
// makes and renews at random.
type walker struct {
	*core
	*rand.Rand
	units map[string]*unit
	looks []time.Time // when somebody really looked
	made  int         // how many reviews were made up
	log   []string
	// decided are the lineages: of each key, and of each path of the partner.
	decided map[string]*lineage
}

// unit is an identity with a credential and a grant.
type unit struct {
	name, subject, resource string
	ends, granted           time.Time
	review                  time.Time
}

// lineage is access of one key, or of the partner on one path, under whatever names.
type lineage struct {
	at    time.Time // when it began, or when somebody decided on it last
	until time.Time // the latest end that was decided on
	last  time.Time // when it was there last
}

var walkedPaths = []string{"orders/acme/daily/1", "orders/acme/weekly/1", "orders/acme/weekly/2"}

func (w *walker) config() map[string]wanted {
	config := map[string]wanted{}
	for label, u := range w.units {
		id := "acme/prod/" + u.name
		terms := func(ends time.Time, more map[string]any) map[string]any {
			more["owner"], more["expires_at"] = "jane.doe@example.com", access.At(ends).String()
			return more
		}
		i := terms(u.ends, map[string]any{
			"partner": "acme",
			"name":    u.name,
			"purpose": "Nightly order feed into the ERP",
		})
		if !u.review.IsZero() {
			i["review"] = map[string]any{
				"at":     access.At(u.review).String(),
				"by":     "joe@example.com",
				"reason": "Still feeds the ERP",
			}
		}
		config["partner_identity."+label] = wanted{"partner_identity", i}
		config["partner_credential."+label] = wanted{"partner_credential", terms(u.ends, map[string]any{
			"identity_id": id, "federated": map[string]any{
				"issuer":    "https://login.acme.test",
				"subject":   u.subject,
				"audiences": []string{"orders"},
			},
		})}
		config["partner_grant."+label] = wanted{"partner_grant", terms(u.granted, map[string]any{
			"identity_id": id, "resource": u.resource, "actions": []string{"read"},
			"purpose": "Read the daily order files",
		})}
	}
	return config
}

// step changes something at random.
func (w *walker) step() {
	now := w.world.clock()
	pick := func(all ...string) string { return all[w.IntN(len(all))] }
	ends := func(u *unit) {
		u.ends = now.AddDate(0, 0, 5+w.IntN(170)).Truncate(time.Second)
		u.granted = u.ends
	}
	label := pick("a", "b")
	u := w.units[label]
	switch n := w.IntN(15); {
	case u == nil:
		u = &unit{
			name:     pick("feed-1", "feed-2", "feed-3", "feed-4"),
			subject:  pick("svc-1", "svc-2"),
			resource: pick("orders/acme/daily/*", "orders/acme/weekly/*", "orders/acme/*", "orders/acme/weekly/1"),
		}
		ends(u)
		w.units[label] = u
	case n < 2:
		delete(w.units, label)
	case n == 14: // the state forgets something, which is declared again, perhaps as something else
		delete(w.state, pick("partner_identity.", "partner_credential.", "partner_grant.")+label)
		if w.IntN(2) == 0 {
			u.subject, u.resource = pick("svc-1", "svc-2"),
				pick("orders/acme/daily/*", "orders/acme/weekly/*", "orders/acme/*", "orders/acme/weekly/1")
		}
	case n < 4:
		u.name = pick("feed-1", "feed-2", "feed-3", "feed-4", "feed-5")
		if w.IntN(2) == 0 {
			ends(u)
		}
	case n < 5:
		u.subject = pick("svc-1", "svc-2")
	case n < 6:
		u.resource = pick("orders/acme/daily/*", "orders/acme/weekly/*", "orders/acme/*", "orders/acme/weekly/1")
	case n < 8:
		ends(u)
	case n < 11: // a review that nobody made, or one that was made long ago
		w.made++
		u.review = time.Date(2001, 1, w.made, 0, 0, 0, 0, time.UTC) // each is newer than the one before it
		if len(w.looks) > 0 && w.IntN(4) == 0 {
			u.review = w.looks[w.IntN(len(w.looks))]
		}
		ends(u)
	case n < 12 && w.IntN(4) == 0: // somebody looks
		w.looks = append(w.looks, now.Add(-time.Hour).Truncate(time.Second))
		u.review = w.looks[len(w.looks)-1]
		ends(u)
	default:
		w.world.passes([]time.Duration{time.Hour, 26 * time.Hour, 12 * day, 50 * day}[w.IntN(4)])()
	}
}

// violation is what lasts longer than anybody decided.
func (w *walker) violation() string {
	now := w.world.clock()
	records, err := w.world.system().List(w.world.t.Context())
	if err != nil {
		w.world.t.Fatal(err)
	}
	ends := map[string]time.Time{}
	looked := map[string]time.Time{}
	for _, r := range records {
		var names []string
		switch o := r.Object.(type) {
		case *access.Credential:
			names = []string{"key " + o.Federated.Subject}
		case *access.Grant:
			for _, path := range walkedPaths {
				if o.Resource.Matches(path) {
					names = append(names, "path "+path)
				}
			}
		}
		for _, name := range names {
			if r.EndsAt.After(ends[name]) {
				ends[name] = r.EndsAt
			}
			if slices.Contains(w.looks, r.ReviewedAt) && r.ReviewedAt.After(looked[name]) {
				looked[name] = r.ReviewedAt
			}
		}
	}
	for name, until := range ends {
		l := w.decided[name]
		if l == nil || !now.Before(l.last.AddDate(1, 0, 0)) {
			w.decided[name] = &lineage{at: now, until: until, last: now}
			continue
		}
		most := 184 * day
		if strings.HasPrefix(name, "key") {
			most = 366 * day
		}
		if looked[name].After(l.at.Add(-7*day)) && until.After(l.until) {
			l.at, l.until = now, until
		}
		if until.After(l.until) && until.After(l.at.Add(most)) {
			return fmt.Sprintf("%s lasts until %s, and was decided on on %s, until %s", name, until, l.at, l.until)
		}
		if until.After(now) {
			l.last = now
		} else if until.After(l.last) {
			l.last = until
		}
	}
	return ""
}

// walk is a sequence of applies, and what lasts too long after one of them.
func walk(t *testing.T, directory string, seed uint64, steps int, guardrails map[string]any) (violation string,
	log []string, applied int) {
	dice := rand.New(rand.NewPCG(seed, 4))
	w := &walker{
		Rand: dice, units: map[string]*unit{}, decided: map[string]*lineage{},
		core: &core{
			world:      &world{t: t, directory: filepath.Join(directory, fmt.Sprint(seed)), now: dawn},
			guardrails: guardrails, state: map[string]held{},
			shuffle: func(all []string) { dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) },
		},
	}
	for range steps {
		before := map[string]*unit{}
		for label, u := range w.units {
			same := *u
			before[label] = &same
		}
		for range 1 + w.IntN(2) {
			w.step()
		}
		refused := w.apply(w.config(), w.IntN(2) == 0)
		line := fmt.Sprintf("%s:", w.world.clock().Format(time.RFC3339))
		for label, u := range w.units {
			line += fmt.Sprintf(" %s %+v", label, *u)
		}
		if len(refused) > 0 {
			line += "\n\trefused: " + refused[0]
			w.units = before // it is put right, as people do
		} else {
			applied++
		}
		w.log = append(w.log, line)
		if v := w.violation(); v != "" {
			return v, w.log, applied
		}
	}
	return "", w.log, applied
}

// No access of one partner, key or trust lasts longer than the rules allow unless somebody looks, whatever is created,
// renamed, removed and renewed in whichever order. Without the rule about relabelling it does.
func TestNoWayAroundAReview(t *testing.T) {
	thorough(t)
	t.Parallel()
	const walks, steps = 16, 30
	directory := t.TempDir()
	total := 0
	for seed := range walks {
		violation, log, applied := walk(t, directory, uint64(seed), steps, nil)
		total += applied
		if violation != "" {
			t.Fatalf("walk %d: %s\n%s", seed, violation, strings.Join(log, "\n"))
		}
		_ = os.RemoveAll(filepath.Join(directory, fmt.Sprint(seed)))
	}
	t.Logf("%d applies went through", total)
	if total < walks*steps/5 {
		t.Errorf("only %d of %d applies went through: the walks prove little", total, walks*steps)
	}
	for seed := range walks { // the first that shows it is enough
		off := map[string]any{"levels": map[string]any{"expiry/relabelled": "off"}}
		if violation, _, _ := walk(t, directory, 1000+uint64(seed), steps, off); violation != "" {
			t.Logf("without the rule, walk %d: %s", seed, violation)
			return
		}
	}
	t.Error("without the rule nothing lasts too long either: the walks prove nothing")
}
