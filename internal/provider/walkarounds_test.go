// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// moves is somebody who tries one way around a review, step by step.
type moves struct {
	*core
	config map[string]wanted
}

func newMoves(t *testing.T) *moves {
	t.Helper()
	dice := rand.New(rand.NewPCG(16, 4))
	return &moves{config: map[string]wanted{}, core: &core{
		world: &world{t: t, directory: filepath.Join(t.TempDir(), "partner"), now: dawn}, state: map[string]held{},
		shuffle: func(all []string) { dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) },
	}}
}

// in is a moment so many days after the world began, as a configuration writes it.
func in(days int) string { return access.At(dawn.Add(time.Duration(days) * day)).String() }

type fields map[string]any

// declare writes a block, or changes some arguments of it.
func (m *moves) declare(kind, label string, change fields) {
	address := "partner_" + kind + "." + label
	arguments := map[string]any{}
	maps.Copy(arguments, m.config[address].arguments)
	if len(arguments) == 0 {
		arguments["owner"] = "jane.doe@example.com"
		if kind != "credential" {
			arguments["purpose"] = "Nightly order feed into the ERP"
		}
	}
	maps.Copy(arguments, change)
	m.config[address] = wanted{"partner_" + kind, arguments}
}

func lookedAt(days int) map[string]any {
	return map[string]any{"at": in(days), "by": "joe@example.com", "reason": "The feed is still used daily"}
}

func trustIn(issuer, subject string) fields {
	return fields{"federated": map[string]any{"issuer": issuer, "subject": subject, "audiences": []string{"orders"}}}
}

func sealedTo(recipient string) fields {
	return fields{"secret": map[string]any{"recipient": recipient},
		"rotation": map[string]any{"every": "480h", "overlap": "48h"}}
}

// unit declares an identity with a credential and a grant.
func (m *moves) unit(label, id string, ends int, proof fields, resource string, actions ...string) {
	part := strings.Split(id, "/")
	m.declare("identity", label, fields{
		"partner":     part[0],
		"environment": part[1],
		"name":        part[2],
		"expires_at":  in(ends),
	})
	if proof != nil {
		of := fields{"identity_id": id, "expires_at": in(ends)}
		maps.Copy(of, proof)
		m.declare("credential", label, of)
	}
	if resource != "" {
		m.declare("grant", label, fields{
			"identity_id": id,
			"expires_at":  in(ends),
			"resource":    resource,
			"actions":     actions,
		})
	}
}

// remove takes blocks out of the configuration, and forget takes them out of the state.
func (m *moves) remove(label string) {
	for _, kind := range []string{"identity", "credential", "grant"} {
		delete(m.config, "partner_"+kind+"."+label)
	}
}

func (m *moves) forget(label string, kinds ...string) {
	for _, kind := range kinds {
		delete(m.state, "partner_"+kind+"."+label)
	}
}

func (m *moves) passes(days int) { m.world.passes(time.Duration(days) * day)() }

// applies says that an apply goes through.
func (m *moves) applies() {
	m.world.t.Helper()
	if refused := m.apply(m.config, false); len(refused) > 0 {
		m.world.t.Fatalf("refused: %s", strings.Join(refused, "\n"))
	}
}

// refused says that a plan or an apply is refused by a rule.
func (m *moves) refused(rule string) {
	m.world.t.Helper()
	refused := m.apply(m.config, false)
	if len(refused) == 0 {
		m.world.t.Errorf("it goes through, want %s", rule)
	}
	for _, why := range refused {
		if !strings.HasPrefix(why, rule) {
			m.world.t.Errorf("refused, but not by %s: %s", rule, why)
		}
	}
}

const (
	daily = "orders/acme/daily/*"
	ends1 = 127 // 2027-03-31
)

// Each is one way to keep access without anybody looking at it, or by a look that was used before. After the name comes
// what refuses it; nothing, where it takes nothing more than was decided.
func TestEachWayAroundAReview(t *testing.T) {
	t.Parallel()
	svc := trustIn("https://login.acme.test", "svc")
	const fed1, fed2 = "acme/prod/feed-1", "acme/prod/feed-2"
	// gone is access that was removed so many days ago.
	gone := func(m *moves, days int, proof fields) {
		m.unit("a", fed1, ends1, proof, daily, "read")
		m.applies()
		m.passes(30)
		m.remove("a")
		m.applies()
		m.passes(days)
	}
	for _, c := range []struct {
		name, rule string
		does       func(m *moves)
	}{
		{"another partner with the trust", "expiry/relabelled", func(m *moves) {
			gone(m, 2, svc)
			m.unit("b", "acme-2027/prod/feed", 150, svc, "orders/acme-2027/*", "read")
		}},
		{"another partner with the recipient", "expiry/relabelled", func(m *moves) {
			gone(m, 2, sealedTo(partnerRecipient))
			m.unit("b", "acme-2027/prod/feed", 150, sealedTo(partnerRecipient), "orders/acme-2027/*", "read")
		}},
		{"the trust with the port that goes without saying", "expiry/relabelled", func(m *moves) {
			gone(m, 2, svc)
			m.unit("b", fed2, 150, trustIn("https://login.acme.test:443", "svc"), "", "")
		}},
		{"the trust with a slash", "expiry/relabelled", func(m *moves) {
			gone(m, 2, svc)
			m.unit("b", fed2, 150, trustIn("https://login.acme.test/", "svc"), "", "")
		}},
		{"another subject, and other reach", "", func(m *moves) {
			gone(m, 2, svc)
			m.unit("b", fed2, 150, trustIn("https://login.acme.test", "svc2"), "orders/acme/weekly/*", "read")
		}},
		{"another subject", "expiry/relabelled", func(m *moves) {
			gone(m, 2, svc)
			m.unit("b", fed2, 150, trustIn("https://login.acme.test", "svc2"), daily, "read")
		}},
		{"another kind", "expiry/relabelled",
			func(m *moves) { gone(m, 2, svc); m.unit("b", fed2, 150, sealedTo(partnerRecipient), daily, "read") }},
		{"the reach in two halves", "expiry/relabelled", func(m *moves) {
			gone(m, 2, svc)
			m.unit("b", fed2, 150, nil, "orders/acme/daily/one", "read")
			m.unit("c", "acme/prod/feed-3", 150, nil, "orders/acme/daily/two", "read")
		}},
		{"the union of two", "expiry/relabelled", func(m *moves) {
			m.unit("c", "acme/prod/feed-3", ends1, trustIn("https://login.acme.test", "svc3"), "orders/acme/weekly/*",
				"read")
			gone(m, 2, svc)
			m.remove("c")
			m.applies()
			m.unit("b", fed2, 150, nil, "orders/acme/*", "read")
		}},
		{"a pattern across it", "expiry/relabelled",
			func(m *moves) { gone(m, 2, svc); m.unit("b", fed2, 150, nil, "orders/acme/+/one", "read") }},
		{"more actions", "expiry/relabelled",
			func(m *moves) { gone(m, 2, svc); m.unit("b", fed2, 150, nil, daily, "read", "list") }},
		{"other actions", "", func(m *moves) { gone(m, 2, svc); m.unit("b", fed2, 150, nil, daily, "list") }},
		{"after 364 days", "expiry/relabelled",
			func(m *moves) { gone(m, 364, svc); m.unit("b", fed2, 500, svc, daily, "read") }},
		{"after a year", "", func(m *moves) { gone(m, 365, svc); m.unit("b", fed2, 500, svc, daily, "read") }},
		{"the same name, too late", "expiry/relabelled",
			func(m *moves) { gone(m, 2, svc); m.unit("b", fed1, ends1, svc, daily, "read") }},
		{"another environment of the system", "expiry/relabelled", func(m *moves) {
			m.guardrails = map[string]any{"environments": []string{"dr"}}
			gone(m, 2, svc)
			m.unit("b", "acme/dr/feed", 150, svc, daily, "read")
		}},
		{"another stack", "expiry/relabelled",
			func(m *moves) { gone(m, 2, svc); m.world.stack = "others"; m.unit("b", fed2, 150, svc, daily, "read") }},
		{"made suspended", "expiry/relabelled", func(m *moves) {
			gone(m, 2, svc)
			m.unit("b", fed2, 150, svc, daily, "read")
			m.declare("identity", "b", fields{"suspended": true})
		}},
		{"a terminal in the place of a login", "expiry/relabelled", func(m *moves) {
			m.unit("a", fed1, 20, svc, "ssh/backup", "login")
			m.applies()
			m.passes(21)
			m.unit("b", fed2, 45, nil, "ssh/backup", "login-pty")
		}},
		{"a login in the place of forwarding", "expiry/relabelled", func(m *moves) {
			m.unit("a", fed1, 20, svc, "ssh/backup", "login-forward")
			m.applies()
			m.passes(21)
			m.unit("b", fed2, 45, nil, "ssh/backup", "login")
		}},
		{"a terminal that hides the end of a login", "scope/overlap", func(m *moves) {
			m.unit("a", fed1, 20, svc, "ssh/backup", "login")
			m.declare("grant", "pty", fields{
				"identity_id": fed1,
				"expires_at":  in(20),
				"resource":    "ssh/backup",
				"actions":     []string{"login-pty"},
			})
			m.declare("grant", "a", fields{"expires_at": in(10)})
		}},
		{"a terminal for a part of the login's time", "", func(m *moves) {
			m.unit("a", fed1, 100, svc, "ssh/backup", "login")
			m.declare("grant", "pty", fields{
				"identity_id": fed1,
				"expires_at":  in(20),
				"resource":    "ssh/backup",
				"actions":     []string{"login-pty"},
			})
		}},
		{"forgotten, and declared with another reach", "expiry/relabelled", func(m *moves) {
			m.unit("b", fed2, 150, nil, "orders/acme/weekly/*", "read")
			m.declare("grant", "b", fields{"name": "feed"})
			gone(m, 2, svc)
			m.forget("b", "grant")
			m.declare("grant", "b", fields{"resource": daily})
		}},
		{"forgotten, and declared with another workload", "expiry/relabelled", func(m *moves) {
			m.unit("b", fed2, 150, trustIn("https://login.acme.test", "svc2"), "orders/acme/weekly/*", "read")
			gone(m, 2, svc)
			m.forget("b", "credential")
			m.declare("credential", "b", svc)
		}},
		{"forgotten, and declared as it was", "", func(m *moves) {
			m.unit("b", fed2, 150, trustIn("https://login.acme.test", "svc2"), "orders/acme/weekly/*", "read")
			m.applies()
			m.passes(30)
			m.forget("b", "identity", "credential", "grant")
		}},
		{"forgotten, and made beside under another name", "expiry/relabelled", func(m *moves) {
			m.unit("a", fed1, ends1, svc, daily, "read")
			m.applies()
			m.passes(100)
			m.forget("a", "identity", "credential", "grant")
			m.remove("a")
			m.unit("b", fed2, 250, trustIn("https://login.acme.test", "svc2"), daily, "read")
		}},
		{"two grants that swap their reach", "expiry/relabelled", func(m *moves) {
			m.unit("a", fed1, 150, svc, daily, "read")
			m.declare("grant", "a", fields{"name": "a", "expires_at": in(20)})
			m.applies()
			m.passes(15)
			m.declare("grant", "b", fields{
				"name":        "b",
				"identity_id": fed1,
				"expires_at":  in(190),
				"resource":    "orders/acme/weekly/*",
				"actions":     []string{"read"},
			})
			m.declare("identity", "a", fields{"expires_at": in(200), "review": lookedAt(14)})
			m.applies()
			m.declare("identity", "a", fields{"review": nil})
			m.passes(4)
			m.declare("grant", "a", fields{"resource": "orders/acme/other/*"})
			m.declare("grant", "b", fields{"resource": daily})
		}},
		{"renamed each day, to the same end", "", func(m *moves) {
			for n := range 8 {
				m.unit("a", fmt.Sprintf("acme/prod/feed-%d", n), ends1, svc, daily, "read")
				m.applies()
				m.passes(1)
			}
		}},
		{"renamed, and then longer", "expiry/rolling", func(m *moves) {
			m.unit("a", fed1, ends1, svc, daily, "read")
			m.applies()
			m.passes(20)
			m.unit("a", fed2, ends1, svc, daily, "read")
			m.applies()
			m.unit("a", fed2, 150, svc, daily, "read")
		}},
		{"one look for two extensions", "expiry/rolling", func(m *moves) {
			m.unit("a", fed1, 60, svc, daily, "read")
			m.applies()
			m.passes(20)
			m.unit("a", fed1, 100, svc, daily, "read")
			m.declare("identity", "a", fields{"review": lookedAt(19)})
			m.applies()
			m.passes(10)
			m.unit("a", fed1, 140, svc, daily, "read")
		}},
		{"a look of before the last extension", "expiry/rolling", func(m *moves) {
			m.unit("a", fed1, 60, svc, daily, "read")
			m.applies()
			m.passes(20)
			m.unit("a", fed1, 100, svc, daily, "read")
			m.declare("identity", "a", fields{"review": lookedAt(15)})
			m.applies()
			m.passes(10)
			m.unit("a", fed1, 140, svc, daily, "read")
			m.declare("identity", "a", fields{"review": lookedAt(18)})
		}},
		{"one look for two extensions, renamed between them", "expiry/rolling", func(m *moves) {
			m.unit("a", fed1, 60, svc, daily, "read")
			m.applies()
			m.passes(20)
			m.unit("a", fed1, 100, svc, daily, "read")
			m.declare("identity", "a", fields{"review": lookedAt(19)})
			m.applies()
			m.declare("identity", "a", fields{"review": nil})
			m.passes(1)
			m.unit("a", fed2, 100, svc, daily, "read")
			m.applies()
			m.unit("a", fed2, 140, svc, daily, "read")
			m.declare("identity", "a", fields{"review": lookedAt(19)})
		}},
		{"a look eight days before the creation", "expiry/rolling", func(m *moves) {
			m.unit("a", fed1, 60, svc, daily, "read")
			m.applies()
			m.unit("a", fed1, 100, svc, daily, "read")
			m.declare("identity", "a", fields{"review": lookedAt(-8)})
		}},
		{"a look of tomorrow", "review/future", func(m *moves) {
			m.unit("a", fed1, 60, svc, daily, "read")
			m.applies()
			m.unit("a", fed1, 100, svc, daily, "read")
			m.declare("identity", "a", fields{"review": lookedAt(1)})
		}},
		{"shortened, and then as it was", "expiry/rolling", func(m *moves) {
			m.unit("a", fed1, 60, svc, daily, "read")
			m.applies()
			m.unit("a", fed1, 30, svc, daily, "read")
			m.applies()
			m.unit("a", fed1, 60, svc, daily, "read")
		}},
		{"the look goes after the extension", "expiry/rolling", func(m *moves) {
			m.unit("a", fed1, 60, svc, daily, "read")
			m.applies()
			m.passes(20)
			m.unit("a", fed1, 100, svc, daily, "read")
			m.declare("identity", "a", fields{"review": lookedAt(19)})
			m.applies()
			m.declare("identity", "a", fields{"review": nil})
			m.applies()
			m.unit("a", fed1, 140, svc, daily, "read")
			m.declare("identity", "a", fields{"review": lookedAt(19)})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMoves(t)
			if c.does(m); c.rule == "" {
				m.applies()
				return
			}
			m.refused(c.rule)
		})
	}
}
