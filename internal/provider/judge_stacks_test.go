// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Two stacks, in folders of their own, share one directory: what they do at the same time, they do without loss.
func TestTwoStacksApplyAtOnceInOneDirectory(t *testing.T) {
	t.Parallel()
	here := newJudged(t)
	there := newJudged(t)
	directory := filepath.Join(here.folder, ".partner", "prod")
	stacks := map[string]*judged{"here": here, "there": there}
	config := func(name string, identities int) string {
		j := stacks[name]
		var b strings.Builder
		fmt.Fprintf(&b, "provider \"partner\" {\n  environment = \"prod\"\n  stack = %q\n  embedded = { directory "+
			"= %q }\n}\n", name, directory)
		for i := range identities {
			id := fmt.Sprintf("%s-%d", name, i)
			b.WriteString(j.identity(id, nil) +
				j.credential(id, "secret", fmt.Sprintf("{ recipient = %q }", partnerRecipient), nil) +
				j.grant(id, "deploy", "ssh/deploy", `["login"]`, nil))
		}
		return b.String()
	}
	// both runs a command in both folders at once.
	both := func(args ...string) {
		t.Helper()
		var wg sync.WaitGroup
		for name, j := range stacks {
			wg.Go(func() {
				if out, err := j.try(append(args, "-no-color", "-input=false")...); err != nil {
					t.Errorf("terraform %v of the stack %s: %v\n%s", args, name, err, out)
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	// whole fails where ledger, publication and states are not the same so many identities of each stack.
	whole := func(when string, identities int) {
		t.Helper()
		here.publicationIsKnown(when)
		if n := len(here.ledger().objects); n != 2*3*identities {
			t.Errorf("%s: the ledger has %d objects, want %d", when, n, 2*3*identities)
		}
		published := 0
		for _, access := range here.publication() {
			if strings.Contains(access, " has the key ") ||
				strings.Contains(access, " may ssh/deploy") ||
				strings.Contains(access, " logs in as ssh/deploy") {
				published++
			}
		}
		if published != 2*3*identities {
			t.Errorf("%s: %d keys, grants and logins are published, want %d", when, published, 2*3*identities)
		}
		for name, j := range stacks {
			if n := len(j.state()); n != 3*identities {
				t.Errorf("%s: the state of %s has %d resources, want %d", when, name, n, 3*identities)
			}
		}
	}
	for _, identities := range []int{10, 4} { // the second apply takes away
		for name, j := range stacks {
			j.write(config(name, identities))
		}
		both("apply", "-auto-approve")
		whole(fmt.Sprintf("after both applied %d identities", identities), identities)
		both("plan", "-detailed-exitcode")
	}
	both("destroy", "-auto-approve")
	whole("after both destroyed", 0)
	here.nothing("after both destroyed")
	// The one journal of both has every change, of each in its name.
	said := map[string]int{}
	for _, l := range journalLines(t, here.partner("journal.jsonl")) {
		said[fmt.Sprintf("%s %s %s", l.Stack, l.Phase, l.Verb)]++
	}
	for name := range stacks {
		if said[name+" done create"] != 30 ||
			said[name+" done revoke"] != 30 ||
			said[name+" failed create"] != 0 {
			t.Errorf("the journal says %v", said)
		}
	}
}
