// SPDX-License-Identifier: MPL-2.0

package access

import (
	"cmp"
	"context"
	"time"
)

// System is where access lives. It knows nothing of Terraform and nothing of rules; it enforces every end natively.
//
// Every method may be called concurrently, also from several processes. What a method has begun to change it finishes,
// whatever becomes of its context. Errors are one of this package's, wrapped; a change that fails leaves what was there
// before, or says what access exists now.
type System interface {
	// Capabilities says what the system can do. It makes no request.
	Capabilities() Capabilities

	// ID returns the id of the system, which its first change makes and nothing ever changes: it tells one system from
	// another one at the same place. ErrNoSystem where nothing is kept; "" where access is kept, and its id was lost.
	ID(ctx context.Context) (string, error)

	// Now is the system's own clock.
	Now(ctx context.Context) (time.Time, error)

	// Get returns what the system holds under a reference, or ErrNotFound. It never returns an object that is only
	// half removed as gone.
	Get(ctx context.Context, ref Ref) (*Record, error)

	// List returns everything that the system holds, of every stack, sorted by type and id.
	List(ctx context.Context) ([]*Record, error)

	// Put creates or changes one object, and returns when the system enforces it: with what was issued, where
	// something was. See Change for the rules of adoption.
	Put(ctx context.Context, change Change) (*Record, error)

	// Tell returns what was last issued for a credential, with the certificate or the sealed secret: what the answer of
	// a Put would have told that never arrived. ErrNotFound where nothing is in force.
	Tell(ctx context.Context, ref Ref) (*Issued, error)

	// Delete revokes an object of a uid, and verifies that nothing of it remains; ErrNotFound where that uid is not
	// there, ErrRemains where something stays. An identity takes everything under it along, of whatever stack, children
	// included; swept names what went beside the object itself.
	Delete(ctx context.Context, ref Ref, uid string) (swept []Ref, err error)
}

// Change is what a Put is asked to do.
type Change struct {
	// Object is the declaration to put in force.
	Object Object
	// Stack owns the object after the change.
	Stack string
	// UID is the uid that the caller knows; another uid under the id is ErrNotFound. Empty creates: what the same stack
	// left behind under the id is adopted, with its history and what was issued, under a new uid; what another stack
	// owns is refused with OtherStackError.
	UID string
	// EndsAt is the end to enforce: End(Object, ...). The system enforces the earliest of this and of the ends of all
	// above the object.
	EndsAt time.Time
	// Since is when the access began that the object continues under another name; zero: it continues none.
	Since time.Time
	// Spent is until when the reviews of that access extend nothing more; zero: the object continues none.
	Spent time.Time
	// Issue says what becomes of what was issued.
	Issue Issue
	// Wait lets what would be issued wait, as it does by itself for what is there already under an identity that is
	// suspended: IssueReplace only revokes, IssueOverlap only makes it due from now on.
	Wait bool
	// Known is what the caller knows to be issued, by its serial, else its fingerprint; empty where he knows of
	// nothing. Where another one is in force, his last answer was lost: it is told, and IssueOverlap issues no other.
	Known string
	// Adopt is the native id of what nobody declared and the new identity takes over, where the system is an Adopter.
	// "" takes over nothing.
	Adopt string
	// Again judges the change once more, by all that the system holds now. An Exclusive system calls it where somebody
	// else has changed it since the mark that Seen says, before anything is changed, and lets nobody else change
	// anything until it is done. It asks the system nothing, and its error refuses the change.
	Again func(now []*Record, seen uint64) error
	// Seen is the mark that Again was called with last, for any change; 0 before the first call.
	Seen uint64
	// Cuts are what whoever decided on a change of an identity knew of its cuts by hand: a release
	// lifts none that came later.
	Cuts CutsSeen
	// Seal seals a new secret to the partner. It is called before anything is changed, and must be set for a secret.
	Seal func(secret []byte) (sealed string, err error)
}

// CutsSeen is what somebody knew of the cuts by hand of an identity.
type CutsSeen struct {
	// Last is when the last one was made, of it, its partner or one of its credentials; zero: he knew of none.
	Last time.Time
	// Held: it gave no access because of one, of which the system may not say when it was made.
	Held bool
}

// Issue says whether a change issues a credential anew.
type Issue int

// What becomes of what was issued.
const (
	// IssueKeep keeps it. Where nothing was issued yet, or for another request, it is issued.
	IssueKeep Issue = iota
	// IssueOverlap issues anew. The old secret works for the rotation's overlap; what is fixed keeps its own end.
	IssueOverlap
	// IssueReplace issues anew and revokes the old one at once.
	IssueReplace
	// IssueBeside issues anew, and leaves the old one its own end: whether it is to end before is not known yet.
	IssueBeside
	// IssueRetire issues nothing, and ends what an IssueBeside left: a secret whose end can be moved works for the
	// rotation's overlap, the rest is revoked at once.
	IssueRetire
)

// Unseen says that a system saw every use up to a moment, and what has stopped to tell it since, as in "LOG has had no
// line since TIME". Zero: it sees every use still, or never did. From Until on, if that is set, it saw every use again.
type Unseen struct {
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	Why   string    `json:"why,omitempty"`
}

// Record is what a system holds of one object. All times are UTC.
type Record struct {
	Object Object
	History
	// System is the id of the system that holds it; "" where that was lost.
	System string
	// EndsAt is the end that the system enforces: the earliest of the object's own and all above it, and of what was
	// issued for it where nothing follows that.
	EndsAt time.Time
	// EndAsked is the end that was asked for, where what was issued ends before; zero where it is EndsAt.
	EndAsked time.Time
	// Suspended: cut by the declaration of the identity or of one above it. Held: cut by hand in the system.
	Suspended, Held bool
	// Issued is what was last issued and is not revoked; nil where there is none. Secrets and certificates themselves
	// are in it only as the answer of the Put that issued or adopted them; later, Tell has them.
	Issued *Issued
	// LastUsedAt is when the system last saw it used; zero: never. Where UseUnknown, it may have been used since: the
	// system does not see every use of it.
	LastUsedAt time.Time
	UseUnknown bool
	Unseen     Unseen
	// Drift is where the system differs from what was declared, a sentence each.
	Drift []string
	// AdoptedFrom is the native id of what an identity has taken over; "" for nothing. Adopted are its ways
	// to log in that are left from before and are not declared, a sentence each: no change removes them, but
	// the identity's removal.
	AdoptedFrom string
	Adopted     []string
	// Revocation is how to cut it by hand, a step each.
	Revocation []string
	Words
}

// Words are what a system says of an object by its arguments alone, so that a plan can say it. They stand in the state
// of every resource: a line each.
type Words struct {
	// EnforcedBy says who ends the access.
	EnforcedBy string
	// Cut says how to cut an identity by hand, or where the commands are; "" for others.
	Cut string
	// Login is what the partner needs to log in, nothing secret in it. Later: some of it only the
	// system's first change makes.
	Login map[string]string
	Later bool `json:"-"`
}

// Asked returns the end that was asked for.
func (r *Record) Asked() time.Time {
	if r.EndAsked.IsZero() {
		return r.EndsAt
	}
	return r.EndAsked
}

// Issued is what a system issued for a credential.
type Issued struct {
	// At is when it was issued, Until when it ends by itself, RotatesAt when it is due (zero: never).
	At, Until, RotatesAt time.Time
	// Older is until when the one before it works; zero where that has gone.
	Older time.Time
	// Serial and Fingerprint name it. A secret has no serial; its fingerprint is of its SHA-256.
	Serial, Fingerprint string
	// Text is the certificate: a PEM chain without its root, or an OpenSSH certificate line.
	Text string
	// Sealed is the secret, sealed to the partner's recipient, in ASCII armor.
	Sealed string
}

// Name returns what the journal calls it: its serial number, or the fingerprint of a secret's hash.
func (i *Issued) Name() string { return cmp.Or(i.Serial, i.Fingerprint) }

// Surveyor is a System whose listing does not tell all that there is.
type Surveyor interface {
	// Survey returns what List returns, with what only a closer look tells: drift, holds and last use; and what gives
	// access to partners, and no provider made: it is theirs by where it is, or because it bears the name of one of
	// them (or of one that List tells of) as a word. What has an owner by the system's own means is not listed.
	Survey(ctx context.Context, partners []string) ([]*Record, []Stray, error)
}

// Examiner is a System that goes on where single records are damaged: List leaves them out, Get answers ErrDamaged, Put
// gives their identity nothing new, and Delete removes what there is under its name.
type Examiner interface {
	// Damaged are the records that cannot be read, sorted.
	Damaged(ctx context.Context) ([]Damage, error)
}

// Warden is a System that remembers what was cut by hand, so that what is made anew under a name
// that was cut stays cut.
type Warden interface {
	// WouldHold reports whether an object would be held if it were made now: because it, its identity, or something of
	// its partner was cut by hand and not released. It makes nothing.
	WouldHold(ctx context.Context, o Object) (bool, error)
}

// Furnished is a System whose credentials need something that an operator sets up.
type Furnished interface {
	// Lacks are the things that a new credential needs and that are not there, one text each, with the commands that
	// make them. It makes nothing.
	Lacks(ctx context.Context, c *Credential) ([]string, error)
}

// Damage is a record that cannot be read.
type Damage struct {
	// Ref is whose it is; zero where it is of no single object.
	Ref Ref
	// NativeID is its name in the system: the file, or the policy.
	NativeID string
	// Why says what is wrong, in a sentence without its stop.
	Why string
}

// Noter is a System that notes what it did beside what it was asked for.
type Noter interface {
	// Notes are taken by the first that asks: what was found that was not as the system had left it, and was healed;
	// and what whoever runs it should hear of, as summary and detail.
	Notes() (healed []Healed, warnings [][2]string)
	// Generation names the state that the system is in: a name that is its own, and a number that never falls, with a
	// slash between them; empty where there is none yet.
	Generation() string
}

// Notary is a System with a key of its own, which signs what the journal keeps beside itself.
type Notary interface {
	// Notarize signs a text, where a change of this process has opened the key; else the signature is empty.
	Notarize(text []byte) (signature string)
	// Notarized reports whether the system has a key, and whether that signed a text.
	Notarized(text []byte, signature string) (has, signed bool)
}

// Healed is what was found that was not as the system had left it, and is as it should be now.
type Healed struct {
	// Ref is whose it is; zero where it is of no single object.
	Ref Ref
	// What says what was found, in a sentence.
	What string
}

// HoldLister is a System that knows what was cut by hand.
type HoldLister interface {
	// Holds are what was cut by hand, by when each was cut last: partners by their names, identities and credentials by
	// their ids. It makes no request where it was asked for a listing before.
	Holds(ctx context.Context) (map[string]time.Time, error)
}

// SessionCounter is a System that can list sessions.
type SessionCounter interface {
	// Sessions is how many sessions are live of these identities, and of strays by their native ids: of those
	// that the system lists, and that what was cut by hand or suspended does not refuse already. An error
	// says why it is not known.
	Sessions(ctx context.Context, of []IdentityID, strays []string) (int, error)
}

// Stray is something that gives access and that nobody declared. All times are UTC; zero means that
// the system does not say.
type Stray struct {
	// NativeID is its name in the system, unique among strays: auth/userpass/users/acme. Kind says what it is there:
	// entity, alias, AppRole, token role ...
	NativeID, Kind string
	// Names are by what it could be recognised as a partner's: its name, and what hangs on it.
	Names []string
	// Policies are what it may do, by the names of the policies.
	Policies []string
	// Why says what makes it access that nobody answers for.
	Why string
	// Trusts and Grants are what it gives, as a declaration would say it; Unsaid is what no declaration says, a few
	// words each. Nil where the system does not read that.
	Trusts []FederatedTrust
	Grants []Grant
	Unsaid []string
	// Adoptable: it can be imported as an identity.
	Adoptable             bool
	CreatedAt, LastUsedAt time.Time
	// Revocation is how to remove it by hand, a step each.
	Revocation []string
}

// Adopter is a System in which access can stand that nobody declared, and be brought under a declaration: by a Put that
// names it in Change.Adopt.
type Adopter interface {
	// Adoption says what it would do to adopt what a native id names as an identity, and changes nothing. ErrNotFound
	// where nothing is there, ErrGoverned where it or the identity is declared already, ErrUnsupported, with the
	// reason, where it cannot be adopted.
	Adoption(ctx context.Context, id IdentityID, native string) (*Adoption, error)
}

// Adoption is what adopting does: the logins stay, the rest goes.
type Adoption struct {
	// Logins are the ways to log in that stay, by their native ids.
	Logins []string
	// Policies are those that end, Groups the groups that are left, by their names.
	Policies, Groups []string
	// Sessions says what becomes of what is open, and of what else there is, in whole sentences.
	Sessions string
	// Held: it was cut by hand, and stays so. Spent are the values of hold_released that its partner has
	// used: none gives it back.
	Held  bool
	Spent []string
	// Revocation is how to remove it by hand, a step each.
	Revocation []string
}

// Origin are words about a system that its first change makes.
type Origin struct {
	// With is what is made with it, in a few words; "" for nothing. Means says in a sentence what that asks of others.
	With, Means string
	// Correct says what to correct where access is kept in another place, in the words of the configuration.
	Correct string
	// KeptIn names what keeps its id.
	KeptIn string
}

// Capabilities is what a system can do, for the rules that ask.
type Capabilities struct {
	// Name is the system's name: embedded, openbao.
	Name string
	// Place says where the system is, in words: the directory, or the address and the namespace.
	Place string
	// Origin are words about how the system begins and what keeps its id.
	Origin Origin
	// Kinds are the kinds of credentials that it offers. Fixed are those of them whose end cannot be moved once they
	// are issued: where they should end earlier, they are revoked.
	Kinds, Fixed []Kind
	// Capped are those of them of which the system may issue what ends earlier than asked: it is
	// known once it is issued.
	Capped []Kind
	// Exclusive: its changes exclude each other, and it has each one judged once more where that is
	// due: see Change.Again.
	Exclusive bool
	// KnowsLastUse: it knows when access was last used. LogsUse: it keeps an audit log of its use.
	KnowsLastUse, LogsUse bool
	// CheckGrant returns an error where the system has no such action on such a resource.
	CheckGrant func(*Grant) error
	// CheckCredential returns an error where the system could not issue such a credential,
	// whatever the rules say of it.
	CheckCredential func(*Credential) error
	// CheckWhole returns an error where the system could not keep all grants of one identity together, for one of its
	// credentials. Nil: it keeps as many as there are.
	CheckWhole func([]*Credential, []Granted) error
	// Reach says what a grant reaches. That of a Scout refuses everything: its own Reaching takes its place.
	Reach Reaching
	// Does returns what an action allows on a resource, in words that are equal if two actions allow the same. It
	// returns none if the action no longer means anything there. If it is nil, only the same action allows the same.
	Does func(resource Pattern, action string) []string
	// CutByHand are the steps that cut all that a partner has, where neither Terraform nor its state is at hand: whole
	// commands, as a shell takes them, that fail where they cut nothing. Nothing secret is in them. Records are what
	// the partner has, with what hangs on it.
	CutByHand func(partner string, records []*Record) []string
	// CutActs says when such a cut acts, and what goes on until then.
	CutActs string
	// Words says of an object what its record will say.
	Words func(Object) Words
	// CannotEnd says why the system could not end the object by itself at that moment; "" where it can.
	CannotEnd func(o Object, end time.Time) string
}
