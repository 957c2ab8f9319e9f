// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	mrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// The killings: so many rounds, in so many folders at a time.
const (
	killings = 40
	lanes    = 2
)

// Whatever is killed, and whenever: what gateways read is at every moment known to the ledger, the next apply finishes
// the work, and the destroy after it leaves nothing. To repeat the moments of a run: PARTNER_KILL_SEED=... as printed.
func TestKilledAtAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred applies, with the real CLI")
	}
	needTerraform(t)
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("PARTNER_KILL_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("PARTNER_KILL_SEED=%d", seed)
	config := sixty(t)
	seen := tally{hit: map[string]int{}}
	t.Run("lanes", func(t *testing.T) {
		for n := range lanes {
			t.Run(strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				newLane(t, n, seed, config, &seen).run(killings / lanes)
			})
		}
	})
	t.Logf("%d killings: %s", killings, &seen)
	for _, moment := range []string{"before anything was written", "in the middle", "after everything was written"} {
		if !t.Failed() && seen.hit[moment] == 0 {
			t.Errorf("no killing was %s: the moments do not hit all of the apply", moment)
		}
	}
}

// sixty is a configuration of 60 resources: 15 identities, each with a credential of one of the four kinds and two
// grants, one of them for sshd.
func sixty(t *testing.T) string {
	t.Helper()
	j := &judged{began: time.Now()}
	var b strings.Builder
	b.WriteString("provider \"partner\" { environment = \"prod\" }\n")
	for i := range 15 {
		name := fmt.Sprintf("app-%d", i)
		b.WriteString(j.identity(name, nil) + j.grant(name, "deploy", "ssh/deploy", `["login"]`, nil) +
			j.grant(name, "daily", "orders/acme/daily/*", `["read", "list"]`, nil))
		switch i % 4 {
		case 0:
			b.WriteString(j.credential(name, "secret", fmt.Sprintf("{ recipient = %q }", partnerRecipient), nil))
		case 1:
			_, csr := newCSR()
			b.WriteString(j.credential(name, "certificate", fmt.Sprintf("{ csr = %q }", csr), nil))
		case 2:
			public, secret, err := ed25519.GenerateKey(rand.Reader)
			_, line := sshPair(t, secret, public, err)
			b.WriteString(j.credential(name, "ssh_certificate", fmt.Sprintf("{ public_key = %q }", line), nil))
		case 3:
			b.WriteString(j.credential(name, "federated",
				fmt.Sprintf(`{ issuer = "https://login.acme.test", subject = "svc-%d", audiences = ["orders.example.com"] }`, i), nil))
		}
	}
	return b.String()
}

// tally counts what the killings hit.
type tally struct {
	mu  sync.Mutex
	hit map[string]int
}

func (c *tally) add(moment string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hit[moment]++
}

func (c *tally) String() string {
	var parts []string
	for _, moment := range slices.Sorted(maps.Keys(c.hit)) {
		parts = append(parts, fmt.Sprintf("%d %s", c.hit[moment], moment))
	}
	return strings.Join(parts, ", ")
}

// lane is a folder in which one round follows the other.
type lane struct {
	*cli
	random *mrand.Rand
	seen   *tally
	pids   string
	whole  time.Duration
	works  time.Duration // from the first lock to the end
}

func newLane(t *testing.T, n int, seed uint64, config string, seen *tally) *lane {
	t.Helper()
	l := &lane{cli: newCLI(t), seen: seen, random: mrand.New(mrand.NewPCG(seed, uint64(n)))}
	l.pids = l.leash("")
	l.write(config)
	return l
}

func (l *lane) run(rounds int) {
	for round := range rounds {
		if l.t.Failed() {
			return
		}
		// Every other round begins on a bare disk, and makes the keys too.
		if round%2 == 0 {
			if err := os.RemoveAll(l.partner()); err != nil {
				l.t.Fatal(err)
			}
		}
		if l.whole == 0 {
			l.measure()
		}
		l.round(round)
	}
}

// begin starts the CLI in a process group of its own, which its providers share.
func (l *lane) begin(command string) (cmd *exec.Cmd, said *bytes.Buffer, exited chan struct{}) {
	l.t.Helper()
	if err := os.Truncate(l.pids, 0); err != nil {
		l.t.Fatal(err)
	}
	args := []string{command, "-no-color", "-input=false", "-auto-approve", "-parallelism=30"}
	if command == "destroy" {
		args = append(args, "-refresh=false") // the apply before it has just read everything
	}
	cmd, said, exited = l.command(args...), new(bytes.Buffer), make(chan struct{})
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	return cmd, said, exited
}

// finish runs a command to its end, which must be a good one, and measures it.
func (l *lane) finish(command string) {
	l.t.Helper()
	start := time.Now()
	cmd, said, exited := l.begin(command)
	locked := l.appears(l.partner("ledger", "ledger.holder"), exited)
	<-exited
	if !cmd.ProcessState.Success() {
		l.t.Fatalf("terraform %s: %v\n%s", command, cmd.ProcessState, said)
	}
	if command == "apply" {
		l.whole, l.works = time.Since(start), time.Since(locked)
	}
}

// staged is a file that is there while a commit that is complete is put in force.
func (l *lane) staged() string { return l.partner("ledger", ".staged", "published-*") }

// appears waits until a file is there, or the command has ended, and says when.
func (l *lane) appears(pattern string, exited chan struct{}) time.Time {
	return l.until(exited, func() bool { found, _ := filepath.Glob(pattern); return len(found) > 0 })
}

func (l *lane) vanishes(pattern string, exited chan struct{}) time.Time {
	return l.until(exited, func() bool { found, _ := filepath.Glob(pattern); return len(found) == 0 })
}

func (l *lane) until(exited chan struct{}, claim func() bool) time.Time {
	for !claim() {
		select {
		case <-exited:
			return time.Now()
		case <-time.After(500 * time.Microsecond):
		}
	}
	return time.Now()
}

// measure runs a round without a killing.
func (l *lane) measure() {
	l.t.Helper()
	l.finish("apply")
	l.everything("after an apply that nobody killed")
	l.finish("destroy")
	l.nothing("after a destroy that nobody killed")
	l.t.Logf("an apply takes %s here, %s of it from the first lock on", l.whole.Round(time.Millisecond),
		l.works.Round(time.Millisecond))
}

func (l *lane) round(round int) {
	l.t.Helper()
	when := fmt.Sprintf("round %d: %s", round, l.kill("apply", round))
	l.publicationIsKnown(when + ", at once")
	l.mendState()
	l.finish("apply")
	l.everything(when + ", after the next apply")
	if round%4 == 2 {
		when += "; " + l.kill("destroy", round)
		l.publicationIsKnown(when + ", at once")
		if l.mendState() {
			l.finish("apply") // a lost state knows nothing to destroy
		}
	}
	l.finish("destroy")
	l.nothing(when + ", after the destroy")
}

// Short moments that random ones would seldom hit, and about how long they last: the keys in the making, and everything
// that was written beside being renamed into place.
const (
	making   = 40 * time.Millisecond
	renaming = 60 * time.Millisecond
)

// kill runs a command and kills it at a random moment: anywhere, from the first lock on, while the keys are made, or
// while a commit is put in force. Mostly all of it is killed, in every fourth round the provider only.
func (l *lane) kill(command string, round int) (what string) {
	l.t.Helper()
	begin := time.Now()
	cmd, said, exited := l.begin(command)
	start, within := begin, l.whole
	switch _, err := os.Stat(l.partner("keys")); {
	case round%10 == 0 && err != nil:
		start, within = l.appears(l.partner("keys"), exited), making
	case round%3 == 0 || command == "destroy":
		for range 1 + l.random.IntN(3) { // the identities, what hangs on them, or the end
			l.vanishes(l.staged(), exited)
			start, within = l.appears(l.staged(), exited), renaming
		}
	case round%3 == 1:
		start = l.appears(l.partner("ledger", "ledger.holder"), exited)
		within = l.works
	}
	moment := start.Add(time.Duration(l.random.Float64() * float64(within)))
	alone := round%4 == 3
	select {
	case <-exited:
	case <-time.After(time.Until(moment)):
	}
	ran := time.Since(begin)
	target := -cmd.Process.Pid
	what = command + " killed"
	if alone {
		target, what = l.provider(), command+"'s provider killed"
	}
	// Without a provider there is nobody to kill: then the command ends well.
	if target != 0 {
		if err := syscall.Kill(target, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			l.t.Fatal(err)
		}
	}
	select {
	case <-exited:
	case <-time.After(patience):
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		l.t.Fatalf("%s: terraform did not end:\n%s", what, said)
	}
	l.lockIsFree()
	if command == "apply" {
		l.note()
	}
	return fmt.Sprintf("%s after %s of %s", what, ran.Round(time.Millisecond), l.whole.Round(time.Millisecond))
}

// provider is the last provider that the CLI started, 0 where there is none yet.
func (l *lane) provider() int {
	text, err := os.ReadFile(l.pids)
	if err != nil {
		l.t.Fatal(err)
	}
	lines := strings.Fields(string(text))
	if len(lines) == 0 {
		return 0
	}
	pid, err := strconv.Atoi(lines[len(lines)-1])
	if err != nil {
		return 0 // it is being written
	}
	return pid
}

// lockIsFree waits until no killed provider holds the lock any more, and so does nothing any more.
func (l *lane) lockIsFree() {
	l.t.Helper()
	if _, err := os.Stat(l.partner("ledger")); err != nil {
		return
	}
	lock := flock.New(l.partner("ledger", "ledger.lock"), flock.SetPermissions(0o600))
	eventually(l.t, "the dead provider's lock is free", func() bool {
		taken, err := lock.TryLock()
		return taken && err == nil
	})
	if err := lock.Unlock(); err != nil {
		l.t.Fatal(err)
	}
}

// note counts what stood where at the moment of the killing.
func (l *lane) note() {
	led := l.ledger()
	switch objects := len(led.objects); {
	case objects == 0:
		l.seen.add("before anything was written")
	case objects < 60:
		l.seen.add("in the middle")
	default:
		l.seen.add("after everything was written")
	}
	if left := l.temporary(); len(left) > 0 {
		l.seen.add("with files half-written")
	}
	if led.generation != led.publishedGeneration {
		l.seen.add("between ledger and publication")
	}
	if _, err := os.Stat(l.partner("keys", "signing.pem")); err != nil {
		if found, _ := os.ReadDir(l.partner("keys")); len(found) > 0 {
			l.seen.add("while the keys were made")
		}
	}
}

// mendState does what a person does whose state file was cut short by a killed Terraform: without it, everything is
// declared as if it were new, and adopted. It says whether that was so.
func (l *lane) mendState() bool {
	l.t.Helper()
	path := filepath.Join(l.folder, "terraform.tfstate")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && json.Valid(text)) {
		return false
	}
	if err := os.Remove(path); err != nil {
		l.t.Fatal(err)
	}
	l.seen.add("with a state cut short")
	return true
}

// everything fails where the work is not finished, in the ledger, in the publication, in the state and for the partner.
func (l *lane) everything(when string) {
	l.t.Helper()
	led := l.ledger()
	if len(led.objects) != 60 {
		l.t.Errorf("%s: the ledger has %d objects", when, len(led.objects))
	}
	published := l.publication()
	given := led.gives()
	for _, access := range published {
		if !given[access] {
			l.t.Errorf("%s: it is published, and the ledger does not know, that %s", when, access)
		}
		delete(given, access)
	}
	for access := range given {
		l.t.Errorf("%s: it is not published that %s", when, access)
	}
	state := l.state()
	if len(state) != 60 {
		l.t.Errorf("%s: the state has %d resources", when, len(state))
	}
	for address, attributes := range state {
		issued, _ := attributes["issued"].(string)
		sealed, _ := attributes["sealed_secret"].(string)
		switch {
		case strings.HasSuffix(address, "certificate") && issued == "":
			l.t.Errorf("%s: what was issued for %s never reached the state", when, address)
		case strings.HasSuffix(address, "-secret"):
			access := fmt.Sprintf("%s has the key %s", attributes["identity_id"], hashOf(opened(l.t, sealed)))
			if !slices.Contains(published, access) {
				l.t.Errorf("%s: %s was sealed to a key that is not published", when, address)
			}
		}
	}
	l.nothingTemporary(when)
	journalLines(l.t, l.partner("journal.jsonl")) // whole, whoever was killed
}

// nothingTemporary fails where a dead provider left something half-written.
func (l *lane) nothingTemporary(when string) {
	l.t.Helper()
	for _, name := range l.temporary() {
		l.t.Errorf("%s: %s is left", when, name)
	}
}
