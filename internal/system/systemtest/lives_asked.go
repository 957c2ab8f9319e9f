// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// question is what is asked of the enforcement, and what the model says.
type question struct {
	Probe
	want bool
}

// ask asks the enforcement as many things as questions has, and compares the answers with the model. It asks nothing
// near an end: the enforcement's clock is not the model's to the millisecond.
func (l *life) ask() {
	now := l.now()
	if l.near(now) {
		return
	}
	questions := l.questions(now)
	var probes []Probe
	for _, q := range questions {
		probes = append(probes, q.Probe)
	}
	answers := l.answers(probes)
	if l.near(l.now()) {
		return
	}
	for n, q := range questions {
		if q.want {
			l.answered[0].Add(1)
		} else {
			l.answered[1].Add(1)
		}
		if answers[n] != q.want {
			l.fail("%s asks to %s %s at %s: %v, and the model says %v: %s", q.Credential.Ref(), q.Action, q.Path, now,
				answers[n], q.want, l.said())
		}
	}
	l.askSessions(now, questions)
}

// answers asks all at once if the harness can, which saves a gateway's start for each.
func (l *life) answers(probes []Probe) (answers []bool) {
	if l.AllowsAll != nil {
		return l.AllowsAll(l.test, probes)
	}
	for _, p := range probes {
		answers = append(answers, l.Allows(l.test, p))
	}
	return answers
}

// askBefore asks for one thing with each session of before.
func (l *life) askBefore(action, name string, now time.Time) {
	granted := l.granted(name, action, l.path(name), now)
	for _, may := range l.sessions {
		l.answered[2].Add(1)
		if may(action, l.path(name)) && !granted && !l.near(l.now()) {
			l.fail("a session of before may %s %s: %s", action, l.path(name), l.said())
		}
	}
}

// askSessions asks with sessions that were opened before: nothing that the model does not grant is given, also to them.
func (l *life) askSessions(now time.Time, questions []question) {
	if l.Session == nil {
		return
	}
	for _, name := range []string{"daily", "weekly"} {
		for _, action := range []string{"read", "list"} {
			l.askBefore(action, name, now)
		}
	}
	for _, q := range questions {
		if q.want && len(l.sessions) < 2 {
			l.sessions = append(l.sessions, l.Session(l.test, q.Probe))
			return
		}
	}
}

// questions returns some to each thing that was ever issued, and a few to what was revoked.
func (l *life) questions(now time.Time) (all []question) {
	add := func(p Probe, alive bool) {
		name := []string{"daily", "weekly"}[l.dice.IntN(2)]
		action := []string{"read", "list"}[l.dice.IntN(2)]
		p.Action, p.Path = action, l.path(name)
		if l.dice.IntN(4) == 0 {
			p.Path = strings.Replace(l.path(name), "/1.csv", "/archive/1.csv", 1)
		}
		all = append(all, question{p, alive && l.granted(name, action, p.Path, now)})
	}
	for _, kind := range l.Proves {
		c := l.credential(l.name+"-sub", kind, 1)
		e := l.model[c.Ref()]
		if e == nil {
			if !kind.Issues() {
				add(Probe{Credential: c}, false)
			}
			continue
		}
		if !kind.Issues() {
			add(Probe{Credential: e.object.(*access.Credential)}, l.end(e).After(now))
		}
		for _, i := range e.items {
			add(i.probe, i.end(l.end(e)).After(now))
		}
	}
	for _, p := range l.gone[max(0, len(l.gone)-3):] {
		add(p, false)
	}
	return all
}

// granted reports whether the model gives an action on a path to who has proven to be the identity.
func (l *life) granted(name, action, path string, now time.Time) bool {
	g := l.model[l.grant(l.name+"-sub", name, 1).Ref()]
	if g == nil || l.model.cut(g.object) || !l.end(g).After(now) {
		return false
	}
	declared := g.object.(*access.Grant)
	return slices.Contains(declared.Actions, action) && declared.Resource.Contains(access.Pattern(path))
}
