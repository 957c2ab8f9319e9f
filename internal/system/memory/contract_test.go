// SPDX-License-Identifier: MPL-2.0

// Package memory is a system for its readers, and lives in this test alone: the smallest one that keeps the contract.
// Its ledger is a map, and its gateway is a function. Read it before you write a system: what differs elsewhere is
// where the ledger is kept (the store), what is issued (the issuer), and who enforces it (the gateway). What follows
// from a change is drafted by package ledger for all of them.
package memory

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/material"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

func TestContract(t *testing.T) {
	systemtest.Run(t, func(t *testing.T, clock *systemtest.Clock) systemtest.Harness {
		st := newStore(t)
		open := func() access.System { return &memory{store: st, clock: clock.Now} }
		return systemtest.Harness{
			System: open(),
			Second: open,
			Break:  func() func() { st.unplug(true); return func() { st.unplug(false) } },
			Allows: func(_ testing.TB, p systemtest.Probe) bool { return st.gateway(clock.Now(), p) },
		}
	}, access.SSHCertificate)
}

// store is what all handles share: where another system has files, documents or tables.
type store struct {
	mu        sync.Mutex
	ledger    ledger.Ledger // never changed, only replaced
	stones    ledger.Tombstones
	floor     *access.FloorRecord // never changed, only replaced
	id        string
	unplugged bool
	key       *ecdsa.PrivateKey
	authority *x509.Certificate
}

func newStore(t testing.TB) *store {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &store{
		ledger: ledger.Ledger{}, stones: ledger.Tombstones{}, key: key,
		authority: &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, PublicKey: key.Public()},
	}
}

func (st *store) unplug(is bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.unplugged = is
}

// memory is a handle on a store, as one process has it.
type memory struct {
	*store
	clock access.Clock
}

var (
	_ access.System     = (*memory)(nil)
	_ access.Floored    = (*memory)(nil)
	_ access.Rememberer = (*memory)(nil)
)

// Capabilities says what can be asked of it. Fixed has the kinds of credential whose end is
// signed into what was issued.
func (*memory) Capabilities() access.Capabilities {
	return access.Capabilities{
		Name: "memory", Place: "this process",
		Kinds: offered, Fixed: []access.Kind{access.Certificate},
		CheckGrant:      func(*access.Grant) error { return nil },
		CheckCredential: func(c *access.Credential) error { return refuseKind(c.Kind()) },
		Reach:           func(access.Pattern, []string) access.Reach { return access.Reach{} },
		CutByHand:       func(string, []*access.Record) []string { return nil },
		Words:           words,
		CannotEnd:       func(access.Object, time.Time) string { return "" },
	}
}

var offered = []access.Kind{access.Federated, access.Certificate, access.Secret}

func refuseKind(k access.Kind) error {
	if slices.Contains(offered, k) {
		return nil
	}
	return fmt.Errorf("%s: %w", k, access.ErrUnsupported)
}

// words says of an object what its arguments alone tell, so that a plan can say it.
func words(o access.Object) access.Words {
	w := access.Words{EnforcedBy: "the gateway, at each request", Cut: "remove it from the map"}
	if c, ok := o.(*access.Credential); ok {
		w.Login = map[string]string{"show": string(c.Kind())}
	}
	return w
}

// locked does something with the store, alone. A system that others change as well writes with a version instead, and
// drafts again where that was taken.
func (m *memory) locked(ctx context.Context, do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case ctx.Err() != nil: // from here on it is done to its end
		return context.Cause(ctx)
	case m.unplugged:
		return access.ErrUnavailable
	}
	return do()
}

// ID returns the id that the first change made.
func (m *memory) ID(ctx context.Context) (id string, err error) {
	err = m.locked(ctx, func() error {
		if id = m.id; id == "" {
			return access.ErrNoSystem
		}
		return nil
	})
	return id, err
}

// Now returns the time of its clock, which is the one that ends are compared with.
func (m *memory) Now(context.Context) (time.Time, error) { return m.clock().UTC(), nil }

// Get returns what is kept under a reference.
func (m *memory) Get(ctx context.Context, ref access.Ref) (r *access.Record, err error) {
	err = m.locked(ctx, func() error {
		e := m.ledger[ref]
		if e == nil {
			return access.ErrNotFound
		}
		r, err = m.record(e)
		return err
	})
	return r, err
}

// List returns all that is kept, sorted.
func (m *memory) List(ctx context.Context) (all []*access.Record, err error) {
	err = m.locked(ctx, func() error {
		for _, e := range m.ledger {
			r, err := m.record(e)
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		slices.SortFunc(all, func(a, b *access.Record) int {
			return ledger.CompareRefs(a.Object.Ref(), b.Object.Ref())
		})
		return nil
	})
	return all, err
}

// record returns what the ledger says of an entry, with the words that are the system's own.
func (m *memory) record(e *ledger.Entry) (*access.Record, error) {
	r, err := m.ledger.Record(e)
	if err == nil {
		r.System, r.Words = m.id, words(e.Object)
		r.Revocation = []string{"remove " + e.Ref().String() + " from the map"}
	}
	return r, err
}

// draft returns a draft on what is kept. A system whose gateways do not look into the ledger sets its Revoke as well,
// and publishes what that is told.
func (m *memory) draft() *ledger.Draft {
	d := ledger.NewDraft(m.ledger, m.clock().UTC(), issuer{m.store})
	for id, stone := range m.stones {
		d.Tombstones[id] = stone
	}
	return d
}

// commit keeps a draft: the ledger as a whole, so that no reader sees half of a change.
func (m *memory) commit(d *ledger.Draft) {
	d.Settle()
	m.identify()
	m.ledger, m.stones = d.Ledger, d.Tombstones
}

// identify gives the store an id with its first change.
func (m *memory) identify() {
	if m.id == "" {
		m.id = access.NewUID()
	}
}

// Put makes a change whole or not at all.
func (m *memory) Put(ctx context.Context, change access.Change) (r *access.Record, err error) {
	err = m.locked(ctx, func() error {
		if c, ok := change.Object.(*access.Credential); ok && refuseKind(c.Kind()) != nil {
			return refuseKind(c.Kind())
		}
		d := m.draft()
		var put *ledger.Placed
		err := d.Try(func() (err error) { put, err = d.Place(change); return err })
		if err != nil {
			return err
		}
		m.commit(d)
		if r, err = m.record(m.ledger[put.Entry.Ref()]); err == nil && r.Issued != nil && put.Tell {
			tell(r.Issued, put.Entry)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("put %s: %w", change.Object.Ref(), err)
	}
	return r, nil
}

func tell(issued *access.Issued, e *ledger.Entry) {
	i, _ := e.Newest()
	issued.Text, issued.Sealed = i.Certificate, i.Sealed
}

// Tell returns what was last issued, with what the partner is given.
func (m *memory) Tell(ctx context.Context, ref access.Ref) (issued *access.Issued, err error) {
	err = m.locked(ctx, func() error {
		e := m.ledger[ref]
		if e == nil {
			return access.ErrNotFound
		}
		r, err := m.record(e)
		if err != nil || r.Issued == nil {
			return errors.Join(err, access.ErrNotFound)
		}
		issued = r.Issued
		tell(issued, e)
		return nil
	})
	return issued, err
}

// Delete marks an object and all under it as removed, which revokes; looks whether the gateway still lets anybody in;
// and then forgets it. A process that dies between leaves the mark, and the next Delete goes on from it.
func (m *memory) Delete(ctx context.Context, ref access.Ref, uid string) (swept []access.Ref, err error) {
	err = m.locked(ctx, func() error {
		d := m.draft()
		victims, err := d.Strike(ref, uid)
		if err != nil {
			return err
		}
		m.commit(d)
		gone := []access.Ref{ref}
		for _, v := range victims {
			if m.admits(m.clock(), v) {
				return fmt.Errorf("%w: %s", access.ErrRemains, v.Ref())
			}
			if v.Ref() != ref {
				swept, gone = append(swept, v.Ref()), append(gone, v.Ref())
			}
		}
		d.Forget(gone...)
		m.commit(d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("delete %s: %w", ref, err)
	}
	return swept, nil
}

// Formers returns what was removed within a year, and the uids that ended.
func (m *memory) Formers(ctx context.Context) (all []access.Former, ended []access.Bygone, err error) {
	err = m.locked(ctx, func() error {
		all, ended = ledger.Formers(m.ledger, m.stones, m.clock()), ledger.Bygones(m.ledger, m.stones, m.clock())
		return nil
	})
	return all, ended, err
}

// Whose says what has a uid, or had it.
func (m *memory) Whose(ctx context.Context, _ access.Ref, uid string) (ref access.Ref, until time.Time, err error) {
	err = m.locked(ctx, func() error {
		ref, until, err = ledger.Whose(m.ledger, m.stones, uid, m.clock())
		return err
	})
	return ref, until, err
}

// Floor returns what no configuration can loosen. What others could take away or put back has to be missed: the others
// remember it elsewhere.
func (m *memory) Floor(ctx context.Context) (r *access.FloorRecord, err error) {
	err = m.locked(ctx, func() error { r = m.floor; return nil })
	return r, err
}

// SetFloor sets it, or changes it.
func (m *memory) SetFloor(ctx context.Context, f access.Floor, stack string, known int64) (*access.FloorRecord, error) {
	return m.lay(ctx, stack, known, false, func(next *access.FloorRecord) { next.Floor = f })
}

// LiftFloor removes it on purpose.
func (m *memory) LiftFloor(ctx context.Context, stack string, known int64) (*access.FloorRecord, error) {
	return m.lay(ctx, stack, known, true, func(next *access.FloorRecord) { next.Lift(m.floor) })
}

func (m *memory) lay(ctx context.Context, stack string, known int64, lifts bool,
	complete func(next *access.FloorRecord)) (r *access.FloorRecord, err error) {
	err = m.locked(ctx, func() error {
		if lifts && !m.floor.InForce() {
			r = m.floor
			return nil
		}
		m.identify()
		next, err := access.NextFloor(m.floor, nil, m.floor.Mark(), m.id, stack, known, m.clock())
		if err != nil {
			return err
		}
		complete(next)
		m.floor, r = next, next
		return nil
	})
	return r, err
}

// issuer makes what is issued.
type issuer struct{ *store }

// Fixed reports whether the end of an item cannot be moved.
func (issuer) Fixed(i ledger.Item) bool { return i.Serial != "" }

// Issue makes a secret, of which the hash is kept, or a certificate.
func (s issuer) Issue(now, end time.Time, c *access.Credential, change access.Change) (ledger.Item, error) {
	at := now.Truncate(time.Second)
	i := ledger.Item{At: at, RotatesAt: c.RotatesAt(at)}
	if c.Kind() == access.Certificate {
		i.Until = c.IssueLife(at, end).Truncate(time.Second)
		return i, s.sign(&i, c)
	}
	if c.Rotation != nil {
		i.Until = c.IssueLife(at, time.Time{})
	}
	secret := []byte(rand.Text() + rand.Text())
	sum := sha256.Sum256(secret)
	i.KeyHash = hex.EncodeToString(sum[:])
	i.Fingerprint = i.KeyHash
	var err error
	i.Sealed, err = change.Seal(secret)
	return i, err
}

func (s issuer) sign(i *ledger.Item, c *access.Credential) error {
	request, err := material.ParseRequest(c.Certificate.CSR)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: c.IdentityID.CommonName()}, NotBefore: i.At,
		NotAfter: i.Until,
	}, s.authority, request.PublicKey, s.key)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(der)
	i.Serial, i.Fingerprint = serial.Text(16), hex.EncodeToString(sum[:])
	i.Certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return nil
}

// admits reports whether an entry still gives anything.
func (st *store) admits(now time.Time, was *ledger.Entry) bool {
	e := st.ledger[was.Ref()]
	if e == nil || e.Removed() || !st.ledger.End(e).After(now) {
		return false
	}
	return !st.ledger.Standing(e.Object.Holder()).Cut()
}

// gateway decides on a request: whoever proves to be an identity may do what one of its grants says, while that, the
// proof and all above it last. It compares times with its own clock: nothing has to run for an access to end.
func (st *store) gateway(now time.Time, p systemtest.Probe) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, e := range st.ledger {
		c, ok := e.Credential()
		if !ok || !st.admits(now, e) || !st.proves(now, e, c, p) {
			continue
		}
		for _, other := range st.ledger {
			g, ok := other.Object.(*access.Grant)
			if ok &&
				g.IdentityID == c.IdentityID &&
				st.admits(now, other) &&
				slices.Contains(g.Actions, p.Action) &&
				g.Resource.Matches(p.Path) {
				return true
			}
		}
	}
	return false
}

// proves reports whether a probe holds what a credential asks for.
func (st *store) proves(now time.Time, e *ledger.Entry, c *access.Credential, p systemtest.Probe) bool {
	if c.Kind() != p.Credential.Kind() {
		return false
	}
	if c.Kind() == access.Federated {
		ours, theirs := c.Federated, p.Credential.Federated
		return ours.Issuer == theirs.Issuer &&
			ours.Subject == theirs.Subject &&
			slices.Contains(ours.Audiences, theirs.Audiences[0])
	}
	name := ""
	if c.Kind() == access.Secret {
		sum := sha256.Sum256([]byte(p.Secret))
		name = hex.EncodeToString(sum[:])
	} else if block, _ := pem.Decode([]byte(p.Certificate)); block != nil {
		sum := sha256.Sum256(block.Bytes)
		name = hex.EncodeToString(sum[:])
	}
	return slices.ContainsFunc(e.Issued, func(i ledger.Item) bool {
		return i.Fingerprint == name && i.End(st.ledger.End(e)).After(now)
	})
}
