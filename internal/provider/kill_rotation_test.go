// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killedRotations is how many rotations are killed, each once.
const killedRotations = 12

// A rotation of the real CLI is killed at a random moment. What the partner holds is published all the while, never
// more than two are, and after the next apply he is told of one that is.
func TestAKilledRotationLeavesThePartnerWhatWorks(t *testing.T) {
	if testing.Short() {
		t.Skip("some dozen applies, with the real CLI")
	}
	t.Parallel()
	l := &lane{
		cli:    newCLI(t),
		seen:   &tally{hit: map[string]int{}},
		random: mrand.New(mrand.NewPCG(uint64(time.Now().UnixNano()), 1)),
	}
	l.pids = l.leash("")
	j := &judged{cli: l.cli, began: time.Now()}
	declare := func(n int) {
		l.write("provider \"partner\" { environment = \"prod\" }\n" + j.identity("etl", nil) +
			j.grant("etl", "daily", "orders/acme/daily/*", `["read"]`, nil) +
			j.credential("etl", "secret", fmt.Sprintf("{ recipient = %q }", partnerRecipient), args{
				"rotation": fmt.Sprintf(`{ every = "480h", overlap = "48h", trigger = { n = "%d" } }`, n),
			}))
	}
	// held is the hash of what the state tells the partner.
	held := func() string {
		t.Helper()
		return hashOf(opened(t, l.attribute("partner_credential.etl-secret", "sealed_secret")))
	}
	published := func() (hashes []string) {
		for _, line := range l.publication() {
			if _, hash, ok := strings.Cut(line, " has the key "); ok {
				hashes = append(hashes, hash)
			}
		}
		return hashes
	}
	declare(0)
	l.finish("apply")
	rotated, killed := 0, 0
	for n := 1; n <= killedRotations && !t.Failed(); n++ {
		old := held()
		declare(n)
		cmd, said, exited := l.begin("apply")
		begin := time.Now()
		if n%2 == 0 { // where it matters most: about the commit
			begin = l.appears(l.partner("ledger", "ledger.holder"), exited)
		}
		within := map[bool]time.Duration{true: renaming, false: l.whole}[n%2 == 0]
		time.Sleep(time.Until(begin.Add(time.Duration(l.random.Float64() * float64(within)))))
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err == nil {
			killed++
		} else if !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
		select {
		case <-exited:
		case <-time.After(patience):
			t.Fatalf("terraform did not end:\n%s", said)
		}
		l.lockIsFree()
		when := fmt.Sprintf("round %d", n)
		works := func(hash, when string) {
			t.Helper()
			if all := published(); len(all) > 2 || !strings.Contains(strings.Join(all, " "), hash) {
				t.Errorf("%s: published is %v, and the partner holds %s", when, all, hash)
			}
		}
		works(old, when+", at once")
		l.mendState()
		l.finish("apply")
		works(old, when+", after the next apply")
		works(held(), when+", after the next apply")
		if held() != old {
			rotated++
		}
		if out, err := l.try("plan", "-no-color", "-detailed-exitcode"); err != nil {
			t.Errorf("%s: the plan is not empty: %v\n%s", when, err, out)
		}
	}
	t.Logf("%d killed, %d rotated", killed, rotated)
	if rotated != killedRotations {
		t.Errorf("of %d rotations, %d came to the partner", killedRotations, rotated)
	}
}
