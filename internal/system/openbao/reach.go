// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// What a grant reaches. It is judged by what is mounted, and by the table of the engine's type (engines.go), since no
// list of forbidden words knows the next name of a mount. The listing is read once and again at an apply; from there on
// a pure function judges, so a plan judges thousands of grants without a request.
//
// Each verdict is a sentence for the plan: why it is refused (System), that it gives out access (Privileged), that
// nobody knows (Unknown), or that it opens nothing (Nothing), and what to write instead.

// scout tells what a grant reaches, and what was got by it.
type scout struct {
	*server
	store    *policies
	sessions *sessions
}

// ground is all that a grant can reach: what is mounted in our namespace, and what lies below that. It is not changed
// once it is claimed, so it may be used concurrently.
type ground struct {
	// mounts are sorted by path.
	mounts []place
	// namespaces are the children of ours, by their names without a slash.
	namespaces map[string]bool
	// unlisted: this login may not see the children, so any first segment without a mount may be one.
	unlisted bool
	// roles are the names of partners' roles, in whatever authority they are.
	roles map[string]access.IdentityID
}

// place is a mount. kind is the type of its engine, as the table names it.
type place struct {
	path []string
	kind string
	// ours: partner access is made of it, and whoever may use it logs in as a partner.
	ours bool
}

// String returns the path as OpenBao writes it, with a slash at its end.
func (p place) String() string { return strings.Join(p.path, "/") + "/" }

// lay returns the ground by what the server lists. ids are the identities whose roles an authority may have.
func (s *scout) lay(engines map[string]mounted, children []string, unlisted bool, ids []access.IdentityID) *ground {
	g := &ground{namespaces: map[string]bool{}, unlisted: unlisted, roles: map[string]access.IdentityID{}}
	for _, child := range children {
		g.namespaces[strings.TrimSuffix(child, "/")] = true
	}
	for _, id := range ids {
		g.roles[roleOf(id)] = id
	}
	// Ours are there before they are made: whoever was granted them would have them then. The usual one may be that of
	// another configuration.
	ours := map[string]bool{s.options.Mounts.PKI + "/": true, defaultMounts().PKI + "/": true}
	for path, m := range engines {
		g.mounts = append(g.mounts, place{path: segments(path), kind: m.kind(), ours: s.isOurs(path, m)})
	}
	for path := range ours {
		if _, there := engines[path]; !there {
			g.mounts = append(g.mounts, place{path: segments(path), kind: "pki", ours: true})
		}
	}
	order.Sort(g.mounts, func(a, b place) int { return slices.Compare(a.path, b.path) })
	return g
}

// claim makes ours what holds an authority that signed for a partner: that of another configuration, whatever it is
// called, and whether or not it is described as such (see TestAnAuthorityOfAnotherConfigurationIsToldByWhatItSigned).
func (g *ground) claim(authorities map[string][]string, signed map[string]bool) {
	for i, m := range g.mounts {
		g.mounts[i].ours = m.ours ||
			slices.ContainsFunc(authorities[m.String()], func(serial string) bool { return signed[serial] })
	}
}

// segments returns the segments of a mount's path.
func segments(path string) []string { return strings.Split(strings.TrimSuffix(path, "/"), "/") }

// kind returns the type of an engine, as engines names it. A plugin that somebody registered under the name of an
// engine of OpenBao's own is another engine: it is named so that no table has it.
func (m mounted) kind() string {
	switch {
	case m.External != "" && shipped[m.Type]:
		return m.Type + ", run by a plugin of that name instead of OpenBao itself"
	case m.Type == "kv" && m.Options["version"] == "2":
		return "kv2"
	}
	return m.Type
}

// own are the paths below auth/ that are a holder's own business: they pass nothing on.
var own = []access.Pattern{"auth/token/renew-self", "auth/token/lookup-self", "auth/token/revoke-self"}

// reserved are the mounts that every namespace has, and why a grant may not reach them.
var reserved = map[string]string{
	"sys":       "it reaches sys/, which administers OpenBao",
	"auth":      "it reaches auth/, which issues tokens and credentials",
	"identity":  "it reaches identity/, which decides who may do what",
	"cubbyhole": "it reaches cubbyhole/, which is private to each token",
}

// reach judges a grant by the mounts that its pattern reaches, and names the things that it reaches there.
func (g *ground) reach(p access.Pattern, actions []string) access.Reach {
	r := g.judge(p, actions)
	r.Targets = g.targets(p, actions)
	return r
}

// judge says what a pattern may not reach, in the order of how grave it is: the namespace's own mounts and its
// children, what partner access is made of, several mounts at once, no mount, and then what the one mount's engine does
// there.
func (g *ground) judge(p access.Pattern, actions []string) access.Reach {
	if slices.Contains(own, p) {
		return access.Reach{}
	}
	if why := g.foreign(p.Segments()[0]); why != "" {
		return access.Reach{System: why}
	}
	at, certain := g.at(p.Segments())
	if i := slices.IndexFunc(at, func(m place) bool { return m.ours }); i >= 0 {
		return access.Reach{System: fmt.Sprintf("it reaches %s, which signs what partners log in with", at[i])}
	}
	switch {
	case len(at) > 1:
		return access.Reach{System: fmt.Sprintf("it spans several mounts, %s and %s among them, which cannot be "+
			"judged as one", at[0], at[1])}
	case len(at) == 0 && g.unlisted:
		return access.Reach{System: fmt.Sprintf("nothing is mounted there, and %s/ may be a child namespace: this "+
			"login may not list namespaces. Give it the guide's policy plan, which may list sys/namespaces",
			p.Segments()[0])}
	case len(at) == 0:
		return access.Reach{Nothing: "nothing is mounted there", Absent: true, Instead: g.elsewhere()}
	}
	r := g.within(at[0], p, actions)
	if !certain && r.System == "" && r.Nothing == "" {
		r.Nothing = fmt.Sprintf("its wildcard is in the name of a mount. It reaches %s, and anything mounted beside "+
			"it later", at[0])
		r.Instead = fmt.Sprintf("Begin resource with %s.", at[0])
	}
	return r
}

// foreign says why a first segment is no place of ours for data; "" if it may be one.
func (g *ground) foreign(first string) string {
	switch {
	case first == "+" || first == "*":
		return "it begins with a wildcard, so it reaches sys/, auth/ and identity/"
	case g.namespaces[first]:
		return fmt.Sprintf("it reaches into the child namespace %s/, with its own sys/, auth/ and identity/", first)
	}
	return reserved[first]
}

// at returns the mounts that a pattern reaches, as OpenBao routes: a path belongs to the longest mount that it begins
// with (internal/vault/routing/router.go, LongestPrefix; see TestTheLongestMountDecides). certain: every path of the
// pattern belongs to the one. With mounts a/ and a/b/, "a/b/*" reaches the second for certain, and "a/*" reaches both.
func (g *ground) at(p []string) (reached []place, certain bool) {
	longest := 0
	for _, m := range g.mounts {
		some, all := begins(p, m.path)
		if some {
			reached = append(reached, m)
		}
		if all {
			longest = max(longest, len(m.path))
		}
	}
	reached = slices.DeleteFunc(reached, func(m place) bool { return len(m.path) < longest })
	return reached, longest > 0 && len(reached) == 1
}

// begins reports whether some paths of a pattern lie in a mount, and whether all do: "a/+/x" may lie in "a/b/", and
// "a/b/*" does.
func begins(p, mount []string) (some, all bool) {
	all = true
	for i, s := range mount {
		switch {
		case i < len(p) && p[i] == "*":
			return true, false
		case i >= len(p) || (p[i] != "+" && p[i] != s):
			return false, false
		case p[i] == "+":
			all = false
		}
	}
	return true, all
}

// below returns what is left of a pattern below a mount: "data/x" of "secret/data/x", "*" of "*", and "" if it is the
// mount itself.
func below(p access.Pattern, m place) access.Pattern {
	segments := p.Segments()
	if len(segments) <= len(m.path) && segments[len(segments)-1] == "*" {
		return "*"
	}
	return access.Pattern(strings.Join(segments[len(m.path):], "/"))
}

// within judges what a pattern reaches of one mount. Place is how many segments of it are the mount's, or fixed by the
// engine: a rule asks how much a grant has fixed beyond that (see TestTheNameOfAPlaceFixesAsMuchAsOneSegment).
func (g *ground) within(m place, p access.Pattern, actions []string) access.Reach {
	rest := below(p, m)
	e, known := engines()[m.kind]
	switch {
	case !known:
		return access.Reach{Unknown: fmt.Sprintf("the engine at %s is of the type %q, which this provider "+
			"does not know", m, m.kind), Place: len(m.path)}
	case rest == "" && m.kind != "kv" && m.kind != "generic":
		return access.Reach{
			Nothing: fmt.Sprintf("it is the mount %s itself, not a path of its engine", m),
			Instead: e.instead(m, "", actions),
			Place:   len(m.path),
		}
	case rest == "":
		return access.Reach{Place: len(m.path)}
	case m.kind == "pki" && g.signer(rest) != "":
		return access.Reach{System: fmt.Sprintf("it signs in the name of %s, and can log in as it", g.signer(rest))}
	}
	return e.judgeBelow(m, rest, actions)
}

// judgeBelow judges what a pattern reaches of an engine, below its mount. A KV store of version 2 has no data outside
// of its data/ and metadata/ paths, and somebody who leaves the word out is told so.
func (e engine) judgeBelow(m place, rest access.Pattern, actions []string) access.Reach {
	of, by, beyond := e.judge(rest, actions)
	switch {
	case of == privileged:
		return access.Reach{Privileged: e.gives, Place: len(m.path) + by.head()}
	case of == administration &&
		m.kind == "kv2" &&
		!rest.Overlaps("config") &&
		!e.meets(rest):
		return access.Reach{
			Nothing: fmt.Sprintf("%s is a KV store of version 2, which has nothing at that path", m),
			Instead: e.instead(m, rest, actions), Place: len(m.path),
		}
	case of == administration:
		return access.Reach{
			System: fmt.Sprintf("it administers the engine at %s, of the type %s: %s%s is not data", m, m.kind, m,
				beyond),
			Instead: e.instead(m, rest, actions), Place: len(m.path),
		}
	}
	return access.Reach{Place: len(m.path) + by.head()}
}

// head returns how many literal segments a route begins with, but for one that is nothing but a name.
func (r route) head() int {
	if r.path == "" || r.path == "*" {
		return 0
	}
	n, wild := r.path.Fixed()
	if !wild {
		return n - 1
	}
	return n
}

// signer returns the identity in whose name a path of an authority signs, by the last segment; "" if it is none's.
func (g *ground) signer(below access.Pattern) string {
	all := below.Segments()
	if id, ok := g.roles[all[len(all)-1]]; ok {
		return id.String()
	}
	return ""
}

// instead says what to write for data of a KV store of version 2; "" for other engines, since the rule's remedy says
// all.
func (e engine) instead(m place, rest access.Pattern, actions []string) string {
	if m.kind != "kv2" {
		return ""
	}
	if head, tail, deeper := strings.Cut(string(rest), "/"); head == "+" && deeper {
		rest = access.Pattern(tail) // its wildcard stands where data/ belongs
	}
	if rest == "" || rest == "+" || rest == "data" || rest == "config" {
		rest = "*"
	}
	text := fmt.Sprintf("For the values, write %sdata/%s", m, rest)
	if slices.Contains(actions, "list") {
		text += fmt.Sprintf(". For the names, write %smetadata/%s with list in another grant", m, rest)
	}
	return text + "."
}

// elsewhere names mounts that data may be in; "" if there are none.
func (g *ground) elsewhere() string {
	const most = 8
	var names []string
	for _, m := range g.mounts {
		if !m.ours && reserved[m.path[0]] == "" {
			names = append(names, m.String())
		}
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		names = append(names[:most], "others")
	}
	return fmt.Sprintf("Begin resource with what is mounted (%s), or mount the engine first.",
		strings.Join(names, ", "))
}

// unseen refuses everything: nobody has looked at the mounts.
func unseen(access.Pattern, []string) access.Reach {
	return access.Reach{System: "nobody looked at what is mounted there"}
}

// Reaching returns how grants are judged, by what was mounted at a moment or later; the zero moment takes what is
// known. It asks OpenBao only if what is known is older than that. The function that it returns asks nothing.
func (s *scout) Reaching(ctx context.Context, since time.Time) (access.Reaching, error) {
	at, err := s.lookOnce(ctx)
	if err != nil {
		return nil, fmt.Errorf("what is mounted: %w", err)
	}
	snap, err := s.store.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("what is mounted: %w", err)
	}
	s.probing.Lock()
	defer s.probing.Unlock()
	if at.looked.Before(since) {
		if err := s.lookAround(ctx, at); err != nil {
			return nil, fmt.Errorf("what is mounted: %w", err)
		}
	}
	on := s.lay(at.engines, at.children, at.unlisted, slices.Collect(maps.Keys(snap.Documents)))
	signed := signersOf(snap.Ledger)
	if at.authorities == nil {
		at.authorities = s.authoritiesIn(ctx, at.engines, signed)
	}
	on.claim(at.authorities, signed)
	return on.reach, nil
}
