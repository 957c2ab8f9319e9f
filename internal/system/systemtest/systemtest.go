// SPDX-License-Identifier: MPL-2.0

// Package systemtest is the contract that every access system keeps, as one suite of tests in the language of package
// access. Each system's own test runs it on the real thing.
//
// It has three parts. The cases are sentences, each with a store of its own (declaration.go to floor.go). Random
// changes are compared with a model, which is a map (model.go). Random lives ask the enforcement after each step
// (lives.go); they are run by systems whose enforcement can be asked often enough.
package systemtest

import (
	"crypto"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Clock is a clock that a test moves. Systems with a clock of their own ignore it.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that stands at a moment.
func NewClock(at time.Time) *Clock { return &Clock{now: at.UTC()} }

// Now returns the moment at which the clock stands. It is an [access.Clock].
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Harness is one empty store of a system, and what a test can do to it.
type Harness struct {
	// System is a handle on the store.
	System access.System
	// Second opens another handle on it, as another process has.
	Second func() access.System
	// Break makes the store unavailable to every handle, until repair. Nil where a test cannot do that.
	Break func() (repair func())
	// Advance lets time pass: it moves the clock, or waits. Nil moves the clock that was given to open.
	Advance func(time.Duration)
	// Unit is the span in which the suite counts: ends are some units ahead, and one unit passes in Advance. A system
	// with a clock of its own makes it as short as its ends are exact. An hour when zero.
	Unit time.Duration
	// ModelUnit is the unit of the random changes, where it is another: they let no unit pass, and may run for long.
	ModelUnit time.Duration
	// Place begins every pattern and path, where a system's resources are not plain paths: arn:aws:s3:::.
	Place string
	// Allows asks the real enforcement. Nil where a test cannot; then only what the system says of itself is judged.
	Allows func(testing.TB, Probe) bool
	// AllowsAll asks the real enforcement many questions at once, where that is quicker. Nil: it is asked one by one.
	AllowsAll func(testing.TB, []Probe) []bool
	// Session logs in and asks with what that gave, later too. Nil where there are no sessions.
	Session func(testing.TB, Probe) (may func(action, path string) bool)
	// Proves are the kinds of credentials that Allows can ask with. All that the system offers when nil.
	Proves []access.Kind
}

// Probe is a question to the enforcement: may the holder of this credential do this, now?
type Probe struct {
	// Credential is what the partner claims to hold.
	Credential *access.Credential
	// Certificate is the issued text, and Key the partner's private key of it: for certificates.
	Certificate string
	Key         crypto.Signer
	// Secret is the clear secret, as the partner has unsealed it.
	Secret string
	// Action and Path are what he tries.
	Action, Path string
}

// Run runs the whole contract. open returns a harness on a new, empty store each time. without are the kinds of
// credentials that the harness does not offer or prove: what needs one is left out, and nothing else is.
func Run(t *testing.T, open func(t *testing.T, clock *Clock) Harness, without ...access.Kind) {
	// Five hundred sequences, judged by one model: systems that agree with it agree with each other.
	RunPart(t, 5, open, without...)
}

// RunPart runs the whole contract with so many hundreds of random sequences. A real server takes a minute of CPU for
// each hundred, and each run draws others.
func RunPart(t *testing.T, hundreds int, open func(t *testing.T, clock *Clock) Harness, without ...access.Kind) {
	partner := newPartner(t)
	for _, c := range slices.Concat(declarationCases(), ownerCases(), endCases(), reachedCases(), cutCases(),
		waitCases(), issueCases(), removalCases(), formerCases(), crowdCases(), faultCases(), floorCases()) {
		if slices.ContainsFunc(c.kinds, func(k access.Kind) bool { return slices.Contains(without, k) }) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, partner, open)
			for _, kind := range access.Kinds() {
				if w.offers(kind) == slices.Contains(without, kind) {
					t.Fatalf("%s: offered is %v, and the contract is run without %v", kind, w.offers(kind), without)
				}
			}
			c.run(w)
		})
	}
	t.Run("random changes leave what a simple model says", func(t *testing.T) {
		if testing.Short() {
			hundreds = 1
		}
		for n := range hundreds {
			t.Run(fmt.Sprintf("hundred %d", n+1), func(t *testing.T) {
				t.Parallel() // with each other only: what is hard work would starve those that wait for an end
				agreesWithModel(newWorld(t, partner, open))
			})
		}
	})
}

// contract is one sentence of the contract, and what proves it. kinds are those that it needs: without them it is left
// out.
type contract struct {
	name  string
	kinds []access.Kind
	run   func(*world)
}
