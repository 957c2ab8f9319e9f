// SPDX-License-Identifier: MPL-2.0

package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// FloorID is the id of the one floor that a system has.
const FloorID = "floor"

// Floor is what no configuration of a system can lower: security's settings of the rules. What is not set leaves each
// configuration its own. A list that is set and empty lets nothing through.
type Floor struct {
	// SetBy is the address of whoever answers for it.
	SetBy string `json:"set_by"`
	// Levels are the lowest levels of rules, by slug. Unwaivable are the rules that no waiver hides.
	Levels     map[string]string `json:"levels,omitempty"`
	Unwaivable []string          `json:"unwaivable,omitempty"`
	// MaxLifetime is how long each type of object may live at most, MaxWaiver how far ahead a waiver may end, and
	// MaxIssued how long what is issued once may live.
	MaxLifetime map[Type]Span `json:"max_lifetime,omitempty"`
	MaxWaiver   Span          `json:"max_waiver,omitzero"`
	MaxIssued   Span          `json:"max_issued,omitzero"`
	// ReviewEvery and DormantAfter are at most, WarnBefore is at least.
	ReviewEvery  Span `json:"review_every,omitzero"`
	DormantAfter Span `json:"dormant_after,omitzero"`
	WarnBefore   Span `json:"warn_before,omitzero"`
	// MinFixedSegments is at least, MaxGrants at most; zero: not set.
	MinFixedSegments int `json:"min_fixed_segments,omitempty"`
	MaxGrants        int `json:"max_grants,omitempty"`
	// OwnerDomains, Environments and Shared are all that a configuration may choose from; nil: not set.
	OwnerDomains []string  `json:"owner_domains,omitzero"`
	Environments []string  `json:"environments,omitzero"`
	Shared       []Pattern `json:"shared,omitzero"`
	// Partners is the register of partners; nil: not set.
	Partners map[string]FloorPartner `json:"partners,omitzero"`
	// Deciders are who may decide, and RequireSigned what nobody decides without a signature: of SignedKinds.
	Deciders      []Decider `json:"deciders,omitempty"`
	RequireSigned []string  `json:"require_signed,omitempty"`
}

// FloorPartner is what a floor knows of a partner.
type FloorPartner struct {
	// Domains are its own: none of its people may own its access or review it.
	Domains []string `json:"domains,omitempty"`
	// Agreement is the contract: no access lasts longer. Nil: not set.
	Agreement *Agreement `json:"agreement,omitempty"`
	// AWSAccounts are all that are trusted as its; nil: not set.
	AWSAccounts []string `json:"aws_accounts,omitzero"`
}

// Digest names what a floor says.
func (f *Floor) Digest() string {
	text, _ := json.Marshal(f) // there is nothing in it that JSON cannot say
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// FloorRecord is a floor as a system holds it.
type FloorRecord struct {
	Floor Floor `json:"floor"`
	// System is the id of the system that it is of: a copy in another one says nothing there.
	System string `json:"system"`
	// Stack is the configuration that set it. Only that one changes it.
	Stack string `json:"stack"`
	// Generation grows with each change, that of its removal included.
	Generation int64 `json:"generation"`
	// SetAt is when it was set, LiftedAt when it was removed on purpose; zero: it is in force.
	SetAt    time.Time `json:"set_at"`
	LiftedAt time.Time `json:"lifted_at,omitzero"`
}

// ErrNewerFloor says that a newer version of the provider wrote a floor: what it says cannot be kept by this one.
var ErrNewerFloor = errors.New("this floor needs a newer version of the provider")

// ParseFloor reads a floor into a record, or into what holds one. What it does not know is an error,
// since it cannot keep to it.
func ParseFloor(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrNewerFloor, err)
	}
	return nil
}

// InForce reports whether there is a floor, and it was not removed.
func (r *FloorRecord) InForce() bool { return r != nil && r.LiftedAt.IsZero() }

// Mark returns what a system remembers of a floor beside the floor.
func (r *FloorRecord) Mark() FloorMark {
	if r == nil {
		return FloorMark{}
	}
	m := FloorMark{Generation: r.Generation, Digest: r.Floor.Digest()}
	if r.InForce() {
		m.Stack = r.Stack
	}
	return m
}

// MostFloors is how many floors there may have been. What remembers more was written by somebody else, to leave
// no room for a next one.
const MostFloors = 1 << 40

// FloorMark is what a system remembers of a floor beside the floor itself, so that one that is gone, or
// was put back, is missed.
type FloorMark struct {
	Generation int64  `json:"generation"`
	Digest     string `json:"digest"`
	// Stack is whose it is; "" where it was removed on purpose.
	Stack string `json:"stack,omitempty"`
}

// Floored is a System that can hold a floor.
type Floored interface {
	// Floor returns the floor, also one that was removed on purpose; nil where there never was one. It is a FloorError
	// where there was one that is not there now, or that cannot be believed.
	Floor(ctx context.Context) (*FloorRecord, error)
	// SetFloor puts a floor in place of the generation that the caller knows, and returns it. A generation of zero
	// makes it anew, or takes up what its own stack set. What another stack set, or changed since, is refused; what is
	// lost is replaced, by the stack that is remembered.
	SetFloor(ctx context.Context, f Floor, stack string, known int64) (*FloorRecord, error)
	// LiftFloor removes the floor on purpose, and leaves a mark that says so. What is lost, or lifted already, is
	// lifted, with the same exceptions.
	LiftFloor(ctx context.Context, stack string, known int64) (*FloorRecord, error)
}

// FloorError says why the floor of a system is not known: it is an error, and never a system without a floor.
type FloorError struct {
	// Where is the file or the policy, and Problem what is wrong with it.
	Where   string
	Problem string
	// Was is what is remembered of it.
	Was FloorMark
}

// Error names the floor, and what is wrong with it.
func (e *FloorError) Error() string {
	text := fmt.Sprintf("the floor in %s %s", e.Where, e.Problem)
	if e.Was.Generation > 0 {
		text += fmt.Sprintf(" (generation %d is remembered)", e.Was.Generation)
	}
	return text
}

// FloorStackError says that another stack set the floor. By whom is not known where it is lost.
type FloorStackError struct{ Stack, SetBy string }

// FloorChangedError says that the floor is of another generation than the caller knows.
type FloorChangedError struct{ Known, Now int64 }

// Error names the stack.
func (e *FloorStackError) Error() string {
	by := ""
	if e.SetBy != "" {
		by = " (" + e.SetBy + ")"
	}
	return fmt.Sprintf("the floor was set by the stack %q%s, and only that changes it", e.Stack, by)
}

// Is makes it an ErrOtherStack.
func (e *FloorStackError) Is(target error) bool { return target == ErrOtherStack }

// Error names both generations.
func (e *FloorChangedError) Error() string {
	return fmt.Sprintf("the floor is of generation %d now, and %d was known: somebody changed it in between", e.Now,
		e.Known)
}

// FloorChange is what is done to a floor: it completes the next record, and reports whether that is to be written.
type FloorChange func(there, next *FloorRecord) bool

// Set returns the change that sets a floor in the place of what is there.
func (f Floor) Set(_, next *FloorRecord) bool {
	next.Floor = f
	return true
}

// LiftFloor returns the change that removes a floor on purpose. One that was removed before stays as it is.
func LiftFloor(there, next *FloorRecord) bool {
	next.Lift(there)
	return there == nil || there.InForce()
}

// Lift makes the next record of a floor that of its removal on purpose, which keeps what was there.
func (r *FloorRecord) Lift(there *FloorRecord) {
	if r.LiftedAt = r.SetAt; there != nil {
		r.Floor, r.SetAt = there.Floor, there.SetAt
	}
}

// NextFloor returns the record that a change of a floor leaves, or why it is refused. there is what the system holds,
// nil for nothing; lost is why that is not known, and remembered what was before.
func NextFloor(there *FloorRecord, lost *FloorError, remembered FloorMark, system, stack string, known int64,
	now time.Time) (*FloorRecord, error) {
	next := &FloorRecord{
		System:     system,
		Stack:      stack,
		Generation: max(remembered.Generation, there.Mark().Generation, known) + 1,
		SetAt:      now.UTC().Truncate(time.Second),
	}
	switch {
	case lost != nil && lost.Was.Stack != "" && lost.Was.Stack != stack:
		return nil, &FloorStackError{Stack: lost.Was.Stack}
	case lost != nil:
		next.Generation = max(next.Generation, lost.Was.Generation+1)
	case there.InForce() && there.Stack != stack:
		return nil, &FloorStackError{there.Stack, there.Floor.SetBy}
	case there.InForce() && known != 0 && known != there.Generation:
		return nil, &FloorChangedError{known, there.Generation}
	}
	return next, nil
}
