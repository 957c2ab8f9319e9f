// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/awstest"
)

const theFloor = "ledger/prod.floor/floor.json"

// floorLab is a bucket, and the logins of the two configurations, with the rights that examples/ ships.
type floorLab struct {
	*awstest.Bucket
	t *testing.T
}

// open is a handle as another process has, whose key is called by a name.
func (l *floorLab) open(login string, edits ...func(*Options)) *System {
	l.t.Helper()
	o := Options{
		Region: region, Ledger: "s3://ledger/prod",
		Endpoints:   Endpoints{IAM: "http://127.0.0.1:1", S3: "http://127.0.0.1:1"},
		Credentials: credentials.NewStaticCredentialsProvider(login, "secret", ""), Patience: 5 * time.Millisecond,
		Transport: l.Bucket,
	}
	for _, edit := range edits {
		edit(&o)
	}
	s, err := Open(o)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func newFloorLab(t *testing.T, objects map[string][]byte) *floorLab {
	t.Helper()
	l := &floorLab{awstest.NewBucket(objects), t}
	l.May = func(login, method, path string) bool {
		write := method != http.MethodGet
		beside := strings.HasPrefix(path, "ledger/prod.floor/")
		switch login {
		case "SECURITY":
			return !write || (method == http.MethodPut && (beside ||
				strings.HasPrefix(path, "ledger/prod/floor/") ||
				path == "ledger/prod/system.json"))
		case "PARTNERS":
			return !beside || !write
		case "OLDER": // the rights of before floors, which let list the bucket
			return !beside || path == "ledger/prod.floor/"
		}
		return true
	}
	return l
}

func (l *floorLab) set(grants int, known int64) *access.FloorRecord {
	l.t.Helper()
	r, err := l.open("SECURITY").SetFloor(l.t.Context(), access.Floor{SetBy: "ciso@example.com", MaxGrants: grants},
		"security", known)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// lost returns why a floor is not known to a login.
func (l *floorLab) lost(login string) string {
	l.t.Helper()
	r, err := l.open(login).Floor(l.t.Context())
	var lost *access.FloorError
	if !errors.As(err, &lost) {
		l.t.Fatalf("the floor is %+v, %v, and not lost", r, err)
	}
	return lost.Error()
}

// holds claims that the partners' login reads a floor.
func (l *floorLab) holds(when string, grants int, generation int64) {
	l.t.Helper()
	if r, err := l.open("PARTNERS").Floor(l.t.Context()); err != nil ||
		r.Floor.MaxGrants != grants ||
		r.Generation != generation {
		l.t.Errorf("%s: %+v, %v", when, r, err)
	}
}

// Who declares access reads the floor and cannot change it; who sets it cannot give access.
func TestTheLoginsOfTheFloor(t *testing.T) {
	t.Parallel()
	l := newFloorLab(t, nil)
	for _, login := range []string{"PARTNERS", "OLDER", "SECURITY"} {
		if r, err := l.open(login).Floor(t.Context()); r != nil || err != nil {
			t.Errorf("%s, before there is one: %+v, %v", login, r, err)
		}
	}
	l.set(5, 0)
	l.holds("set", 5, 1)
	before := l.All()[theFloor]
	partners := l.open("PARTNERS")
	if _, err := partners.SetFloor(t.Context(), access.Floor{SetBy: "me@example.com"}, "security", 0); !errors.Is(err,
		access.ErrNotPermitted) {
		t.Errorf("the partners' login sets it: %v", err)
	}
	if _, err := partners.LiftFloor(t.Context(), "security", 1); !errors.Is(err, access.ErrNotPermitted) {
		t.Errorf("the partners' login lifts it: %v", err)
	}
	if !bytes.Equal(before, l.All()[theFloor]) {
		t.Error("it is another one now")
	}
	l.holds("after what was refused", 5, 1)
	id := &access.Identity{ID: access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"},
		Purpose: "Nightly order feed",
		Terms:   access.Terms{Owner: "jane@example.com", ExpiresAt: access.At(time.Now().Add(time.Hour))}}
	change := access.Change{Object: id, Stack: "security", EndsAt: id.ExpiresAt.Time}
	if _, err := l.open("SECURITY").Put(t.Context(), change); !errors.Is(err, access.ErrNotPermitted) {
		t.Errorf("security's login gives access: %v", err)
	}
	if says := l.lost("OLDER"); !strings.Contains(says, "cannot be read: this login") {
		t.Error(says)
	}
	// What the ledger remembers the partners' login may remove, and has removed nothing.
	l.Write("ledger/prod/floor/1", nil)
	l.holds("without what the ledger remembers", 5, 1)
	// Security that knows only the rights of before cannot replace what it may not see.
	if _, err := l.open("OLDER").SetFloor(t.Context(), access.Floor{}, "security", 0); err == nil {
		t.Error("a floor that may not be read is replaced")
	}
}

func TestAFloorThatIsTamperedWithInS3IsMissed(t *testing.T) {
	t.Parallel()
	l := newFloorLab(t, nil)
	l.set(9, 0)
	older := string(l.All()[theFloor])
	l.set(3, 1)
	whole := l.All()
	current := string(l.All()[theFloor])
	var record access.FloorRecord
	if err := access.ParseFloor([]byte(current), &record); err != nil {
		t.Fatal(err)
	}
	write := func(text string) func(*floorLab) { return func(l *floorLab) { l.Write(theFloor, []byte(text)) } }
	edit := func(from, to string) func(*floorLab) {
		if !strings.Contains(current, from) {
			t.Fatalf("%q is not in %s", from, current)
		}
		return write(strings.Replace(current, from, to, 1))
	}
	without := func(of string) func(*floorLab) {
		return func(l *floorLab) {
			for path := range l.All() {
				if strings.HasPrefix(path, of) {
					l.Write(path, nil)
				}
			}
		}
	}
	for what, c := range map[string]struct {
		tamper func(*floorLab)
		says   string
	}{
		"removed":                    {func(l *floorLab) { l.Write(theFloor, nil) }, "is gone: somebody removed it"},
		"removed with all its marks": {without("ledger/prod.floor/"), "is gone: somebody removed it"},
		"removed with what is noted": {func(l *floorLab) { l.Write(theFloor, nil); without("ledger/prod/floor/")(l) },
			"is gone: somebody removed it"},
		"replayed": {write(older), "went back to generation 1"},
		"replayed as the newest": {write(strings.Replace(older, `"generation": 1`, `"generation": 2`, 1)),
			"was edited by somebody"},
		"raised": {edit(`"generation": 2`, `"generation": 3`), "was edited by somebody"},
		"edited": {edit(`"max_grants": 3`, `"max_grants": 99`), "was edited by somebody"},
		"lifted by hand": {edit(`"set_at"`, `"lifted_at": "2026-01-01T00:00:00Z", "set_at"`),
			"was edited by somebody"},
		"given to another stack": {edit(`"security"`, `"partners"`), "was edited by somebody"},
		"another system's":       {edit(record.System, "copied"), "belongs to the access system copied"},
		"a newer version's": {edit(`"max_grants": 3`, `"max_grants": 3, "max_tomorrow": 1`),
			"this floor needs a newer version"},
		"something else":    {write("hello"), "cannot be read"},
		"without its marks": {without("ledger/prod.floor/was/"), "was edited by somebody"},
		"with the ledger ahead of it": {func(l *floorLab) { l.Write("ledger/prod/floor/7", []byte("x")) },
			"went back to generation 2"},
		"with no room for a next one": {func(l *floorLab) {
			l.Write("ledger/prod/floor/9223372036854775807", []byte("x"))
			l.Write(theFloor, nil)
		}, "is gone"},
		"put back whole": {func(l *floorLab) { // but for what the ledger remembers
			without("ledger/prod.floor/was/2")(l)
			l.Write(theFloor, []byte(older))
		}, "went back to generation 1"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l := newFloorLab(t, whole)
			c.tamper(l)
			if says := l.lost("PARTNERS"); !strings.Contains(says, c.says) {
				t.Error(says)
			}
			// Its stack sets it again, and knows what it set last; nothing of before counts then.
			if r := l.set(4, 2); r.Generation < 3 {
				t.Errorf("set again it is of generation %d", r.Generation)
			}
			if r, err := l.open("PARTNERS").Floor(t.Context()); err != nil || r.Floor.MaxGrants != 4 {
				t.Errorf("set again: %+v, %v", r, err)
			}
		})
	}
	// A floor that is copied from another environment, whole, is none there, and is not taken for none.
	copied := newFloorLab(t, nil)
	copied.set(1, 0)
	own := copied.All()["ledger/prod/system.json"]
	for path := range copied.All() {
		copied.Write(path, nil)
	}
	for path, text := range whole {
		copied.Write(path, text)
	}
	copied.Write("ledger/prod/system.json", own)
	if says := copied.lost("PARTNERS"); !strings.Contains(says, "belongs to the access system "+record.System) {
		t.Error(says)
	}
}

// Eight who set it at once have set it one after the other, and whoever dies at any request leaves a floor,
// or one that is missed.
func TestAFloorIsSetByManyAndByTheDying(t *testing.T) {
	t.Parallel()
	l := newFloorLab(t, nil)
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() { l.set(n+1, 0) })
	}
	group.Wait()
	// one who sees another at it takes a later one
	if r, err := l.open("PARTNERS").Floor(t.Context()); err != nil || r.Generation < 8 {
		t.Fatalf("%+v, %v", r, err)
	}
	setting := func(l *floorLab, at int64, sent bool) (asked *atomic.Int64, err error) {
		asked = &atomic.Int64{}
		_, err = l.open("SECURITY", func(o *Options) {
			o.Patience = time.Millisecond
			o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
				if n := asked.Add(1); n > at || (n == at && !sent) {
					return nil, errors.New("the process is dead")
				} else if n == at {
					_, _ = l.RoundTrip(r)
					return nil, errors.New("the process is dead")
				}
				return l.RoundTrip(r)
			})
		}).SetFloor(l.t.Context(), access.Floor{SetBy: "ciso@example.com", MaxGrants: 2}, "security", 0)
		return asked, err
	}
	for _, before := range []int64{0, 1} {
		for at := int64(1); ; at++ {
			done := true
			for _, sent := range []bool{false, true} {
				l := newFloorLab(t, nil)
				if before > 0 {
					l.set(1, 0)
				}
				_, err := setting(l, at, sent)
				done = done && err == nil
				r, reading := l.open("PARTNERS").Floor(t.Context())
				var lost *access.FloorError
				if !errors.As(reading, &lost) && (reading != nil ||
					(r == nil && before > 0) ||
					(r != nil && r.Floor.MaxGrants > 2)) {
					t.Errorf("%d before, dead at request %d (sent: %v): %+v, %v", before, at, sent, r, reading)
				}
				if again, err := l.open("SECURITY").SetFloor(t.Context(),
					access.Floor{SetBy: "ciso@example.com", MaxGrants: 2}, "security", 0); err != nil ||
					again.Generation > 3 {
					t.Errorf("%d before, dead at request %d (sent: %v), set again: %+v, %v", before, at, sent, again,
						err)
				}
				if r, err := l.open("PARTNERS").Floor(t.Context()); err != nil || r.Floor.MaxGrants != 2 {
					t.Errorf("%d before, dead at request %d (sent: %v), then: %+v, %v", before, at, sent, r, err)
				}
			}
			if done {
				if at < 6 {
					t.Error(fmt.Sprint("it takes ", at, " requests only"))
				}
				break
			}
		}
	}
}
