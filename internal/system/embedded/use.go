// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// The gateways know when access is used, and this system does not: it reads their logs, where it is told of them. A log
// has one JSON object a line, of one of two forms; other lines are passed over.
//
//	{"time": "2027-01-01T03:00:00Z", "identity": "acme/prod/orders-etl", "kind": "certificate", "admitted": true}
//
// is what a gateway is told to write for each login or request. Instead of the identity it may have the "dn"
// of the certificate. The other is OPA's decision log, of decisions about data.partner.verdict, whose result
// has allow and identity.
//
// Only what was admitted is a use: anybody can make a certificate with a partner's name, and be refused with it.

// useLine is a line of either form.
type useLine struct {
	Time      logTime `json:"time"`
	Timestamp logTime `json:"timestamp"`
	Identity  string  `json:"identity"`
	DN        string  `json:"dn"`
	Kind      string  `json:"kind"`
	Admitted  bool    `json:"admitted"`
	Result    *struct {
		Allow    bool   `json:"allow"`
		Identity string `json:"identity"`
	} `json:"result"`
	// Input is what OPA was asked, or what a mask left of it.
	Input json.RawMessage `json:"input"`
}

// subject is the subject of our certificates, as nginx and OpenSSL write it.
var subject = regexp.MustCompile(`^/?CN=([a-z0-9/:-]+)$`)

// read returns when the line was written, of which kind of credential it speaks, and the name of who was let in: an
// identity's id or the common name of its certificates. The name is "" where nobody was.
func (l *useLine) read() (at time.Time, kind access.Kind, name string) {
	if l.Result != nil {
		if l.Result.Allow {
			name = l.Result.Identity
		}
		return l.Timestamp.Time, presentedKind(l.Input), name
	}
	if slices.Contains(access.Kinds(), access.Kind(l.Kind)) {
		kind = access.Kind(l.Kind)
	}
	if dn := subject.FindStringSubmatch(l.DN); l.Admitted && l.Identity == "" && dn != nil {
		name = dn[1]
	} else if l.Admitted {
		name = l.Identity
	}
	return l.Time.Time, kind, name
}

// use is what was used: by its name in the log, with one kind of credential or, where kind is "", with any.
type use struct {
	name string
	kind access.Kind
}

// uses are when what was last used, as far as the logs tell, and of when the logs tell.
type uses struct {
	last map[use]time.Time
	// told are the logs, by their sources.
	told map[string]*told
	// untimed is what was used at a moment that nobody can read, or that is still to come.
	untimed map[use]bool
	// vague is when somebody was let in last with a credential whose kind the log does not tell.
	vague map[string]time.Time
}

// told is of when one log tells, in all of its files: its newest line, and its first and last about each kind of
// credential. Whatever became of the requests, the log was written.
type told struct {
	newest      time.Time
	first, last map[access.Kind]time.Time
	// hours are those that have lines, in any order and some of them twice.
	hours []time.Time
	// gaps are the beginnings and ends, in turn, of when it was silent between its lines for so
	// long as if it had stopped.
	gaps []time.Time
}

// rotation is what tells the files of one log from each other: the day that is in their names or folders, a
// number at their end, gz.
var rotation = regexp.MustCompile(`[-._/]?20\d\d[-/]?[01]\d[-/]?[0-3]\d([-_T.]?\d+)?|(\.\d+)?(\.gz)?$`)

// source returns which log a file is of. What is not known to be of one log counts as two: that is the cautious answer.
func source(path string) string { return rotation.ReplaceAllString(filepath.ToSlash(path), "") }

// useLogs are logs that are read again when they change.
type useLogs struct {
	mu    sync.Mutex
	state string // names, sizes and moments of the files that were read
	read  uses
	heard bool // whoever runs it heard which logs have stopped
}

// latest returns the uses by the logs as they are now.
func (l *useLogs) latest(patterns []string, now time.Time) (uses, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var paths []string
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err != nil {
			return uses{}, fmt.Errorf("use_logs: %q is not a pattern of files", p)
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	var state strings.Builder
	for _, path := range paths {
		info, err := os.Stat(path)
		if err == nil && !info.Mode().IsRegular() {
			err = syscall.EISDIR // who reads a pipe waits for ever
		}
		if err != nil {
			return uses{}, unread(path, err)
		}
		fmt.Fprintln(&state, path, info.Size(), info.ModTime())
	}
	if state.String() == l.state && l.read.last != nil {
		return l.read, nil
	}
	fresh := uses{
		last:    map[use]time.Time{},
		told:    map[string]*told{},
		untimed: map[use]bool{},
		vague:   map[string]time.Time{},
	}
	for _, path := range slices.Compact(paths) {
		if err := fresh.file(path, now); err != nil {
			return uses{}, unread(path, err)
		}
	}
	for _, log := range fresh.told {
		log.findGaps()
	}
	l.state, l.read = state.String(), fresh
	return fresh, nil
}

// findGaps finds when a log was silent between its lines for so long as if it had stopped, by the
// hours that have lines.
func (t *told) findGaps() {
	order.Sort(t.hours, time.Time.Compare)
	for n := 1; n < len(t.hours); n++ {
		from, to := t.hours[n-1], t.hours[n].Add(time.Hour) // the lines are in these hours, nobody knows where
		if to.Sub(from) > stopsAfter+2*time.Hour {
			t.gaps = append(t.gaps, from, to)
		}
	}
}

// unread returns the error of a log that cannot be read: without it nobody knows what was used, and so it is as
// if the system were away.
func unread(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("%w: the log of use %s cannot be read: %w", access.ErrUnavailable, path, err)
}

// file takes in the lines of one log, as far as tail goes back. A line that is longer than any of ours is passed over.
func (u *uses) file(path string, now time.Time) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	of := u.told[source(path)]
	if of == nil {
		of = &told{first: map[access.Kind]time.Time{}, last: map[access.Kind]time.Time{}}
		u.told[source(path)] = of
	}
	text, err := tail(f)
	if err != nil {
		return err
	}
	lines := bufio.NewReaderSize(text, 1<<20)
	for {
		line, err := lines.ReadSlice('\n')
		if err == nil || errors.Is(err, io.EOF) {
			u.line(line, of, now)
		}
		for errors.Is(err, bufio.ErrBufferFull) { // too long to be one of ours
			_, err = lines.ReadSlice('\n')
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // what is being packed has no end yet
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tolerated is how far ahead of us a gateway's clock may be.
const tolerated = time.Minute

// line takes in one line of a log. One of the future tells who was let in, and not when.
func (u *uses) line(text []byte, of *told, now time.Time) {
	var l useLine
	// as a log begins that was truncated while it was written
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), "\x00")
	if json.Unmarshal(text, &l) != nil {
		return
	}
	at, kind, name := l.read()
	if at.IsZero() || at.After(now.Add(tolerated)) {
		u.untimed[use{name, kind}] = true
		return
	}
	at = at.UTC().Truncate(time.Second)
	of.newest = access.Latest(of.newest, at)
	if hour := at.Truncate(time.Hour); len(of.hours) == 0 || !of.hours[len(of.hours)-1].Equal(hour) {
		of.hours = append(of.hours, hour)
	}
	of.first[kind], of.last[kind] = access.Earliest(of.first[kind], at), access.Latest(of.last[kind], at)
	if name == "" {
		return
	}
	if kind == "" {
		u.vague[name] = access.Latest(u.vague[name], at)
	}
	for _, used := range []use{{name, ""}, {name, kind}} {
		if at.After(u.last[used]) {
			u.last[used] = at
		}
	}
}

// presentedKind returns the kind of credential that a decision was about; "" where a mask hides it.
func presentedKind(input json.RawMessage) access.Kind {
	var asked struct {
		Credential map[string]json.RawMessage `json:"credential"`
	}
	_ = json.Unmarshal(input, &asked)
	for name, kind := range map[string]access.Kind{
		"secret":      access.Secret,
		"certificate": access.Certificate,
		"claims":      access.Federated,
	} {
		if _, has := asked.Credential[name]; has {
			return kind
		}
	}
	return ""
}

// stopsAfter is how long a log is silent that has stopped: longer than a weekend.
const stopsAfter = 72 * time.Hour

// stopped returns the logs that have had no line for so long that they have stopped, with their last lines, sorted.
func (u *uses) stopped(now time.Time) []string {
	var all []string
	for name, log := range u.told {
		if log.stopped(now) {
			all = append(all, log.silence(name))
		}
	}
	slices.Sort(all)
	return all
}
