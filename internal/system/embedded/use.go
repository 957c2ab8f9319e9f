package embedded

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The gateways know when access is used, and this system does not: it reads their logs, where it is told of them. A log
// has one JSON object a line, of one of two forms; other lines are passed over.
//
//	{"time": "2027-01-01T03:00:00Z", "identity": "acme/prod/orders-etl", "kind": "certificate"}
//
// is what a gateway is told to write for each login or request that it let in. The other is OPA's decision log, of
// decisions about data.partner.verdict, whose result has allow and identity.

// useLine is a line of either form.
type useLine struct {
	Time      time.Time `json:"time"`
	Timestamp time.Time `json:"timestamp"`
	Identity  string    `json:"identity"`
	Kind      string    `json:"kind"`
	Result    *struct {
		Allow    bool   `json:"allow"`
		Identity string `json:"identity"`
	} `json:"result"`
	Input struct {
		Credential map[string]json.RawMessage `json:"credential"`
	} `json:"input"`
}

// uses are when what was last used, as far as the logs tell, and since when they tell.
type uses struct {
	since time.Time
	last  map[access.Ref]time.Time
}

// useLogs are logs that are read again when they change.
type useLogs struct {
	mu    sync.Mutex
	state string // names, sizes and moments of the files that were read
	read  uses
}

// tailLimit is how much of each log is read, its end: some hundred thousand logins.
const tailLimit = 64 << 20

// latest are the uses by the logs as they are now.
func (l *useLogs) latest(patterns []string, now time.Time) (uses, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var paths []string
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err != nil {
			return uses{}, fmt.Errorf("use_logs: %q is no pattern of files", p)
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	var state strings.Builder
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return uses{}, unread(path, err)
		}
		fmt.Fprintln(&state, path, info.Size(), info.ModTime())
	}
	if state.String() == l.state && l.read.last != nil {
		return l.read, nil
	}
	fresh := uses{last: map[access.Ref]time.Time{}}
	for _, path := range slices.Compact(paths) {
		if err := fresh.file(path, now); err != nil {
			return uses{}, unread(path, err)
		}
	}
	l.state, l.read = state.String(), fresh
	return fresh, nil
}

func unread(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("%w: the log of use %s cannot be read: %w", access.ErrUnavailable, path, err)
}

func (u *uses) file(path string, now time.Time) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	if info, err := f.Stat(); err == nil && info.Size() > tailLimit {
		if _, err := f.Seek(-tailLimit, io.SeekEnd); err != nil {
			return err
		}
	}
	lines := bufio.NewReaderSize(f, 1<<20)
	for {
		line, err := lines.ReadSlice('\n')
		if err == nil || errors.Is(err, io.EOF) {
			u.line(line, now)
		}
		for errors.Is(err, bufio.ErrBufferFull) { // too long to be one of ours
			_, err = lines.ReadSlice('\n')
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tolerated is how far ahead of us a gateway's clock may be.
const tolerated = time.Minute

// line takes in one line. What is not of an identity, or of the future, tells nothing.
func (u *uses) line(text []byte, now time.Time) {
	var l useLine
	if json.Unmarshal(text, &l) != nil {
		return
	}
	at, name, kind := l.Time, l.Identity, access.Kind(l.Kind)
	if l.Result != nil {
		if at, name = l.Timestamp, ""; l.Result.Allow {
			name = l.Result.Identity
		}
		kind = presentedKind(l.Input.Credential)
	}
	if at.IsZero() || at.After(now.Add(tolerated)) {
		return
	}
	if u.since.IsZero() || at.Before(u.since) {
		u.since = at
	}
	id, err := access.ParseIdentityID(name)
	if err != nil {
		return
	}
	u.note(id.Ref(), at)
	if slices.Contains(access.Kinds(), kind) {
		u.note(access.Ref{Type: access.TypeCredential, ID: name + "/" + string(kind)}, at)
	}
}

func (u *uses) note(ref access.Ref, at time.Time) {
	if at.After(u.last[ref]) {
		u.last[ref] = at.UTC().Truncate(time.Second)
	}
}

// presentedKind is the kind of credential that a decision was about.
func presentedKind(credential map[string]json.RawMessage) access.Kind {
	for name, kind := range map[string]access.Kind{"secret": access.Secret, "certificate": access.Certificate, "claims": access.Federated} {
		if _, has := credential[name]; has {
			return kind
		}
	}
	return ""
}

// tell puts into a record when it was last used. Where no log reaches back to its creation, and none tells of a use,
// nobody knows.
func (u *uses) tell(r *access.Record) {
	if r.Object.Ref().Type == access.TypeGrant {
		return
	}
	r.LastUsedAt = u.last[r.Object.Ref()]
	r.UseUnknown = r.LastUsedAt.IsZero() && (u.since.IsZero() || u.since.After(r.CreatedAt))
}
