// SPDX-License-Identifier: MPL-2.0

package access

import (
	"errors"
	"fmt"
	"strings"
)

// What an access system answers when it does not do what it was asked for. Callers compare with [errors.Is].
var (
	// ErrNotFound: with a working login, the object is not there, or is there with another uid.
	ErrNotFound = errors.New("not found")
	// ErrNoSystem: no access is kept there, and none ever was; or all of it was taken away.
	ErrNoSystem = errors.New("no access system is there")
	// ErrNoIdentity: the identity that the object is of, or its parent, is not there.
	ErrNoIdentity = errors.New("its identity does not exist")
	// ErrCut: the identity is suspended or was cut by hand, or one above it. ErrEnded: it has ended.
	ErrCut   = errors.New("its identity is cut")
	ErrEnded = errors.New("its identity has ended")
	// ErrOtherStack: the id is taken by an object that another stack owns.
	ErrOtherStack = errors.New("owned by another stack")
	// ErrForeign: the id is taken by something that this provider did not make.
	ErrForeign = errors.New("not made by this provider")
	// ErrGoverned: what was to be adopted is declared already.
	ErrGoverned = errors.New("governed already")
	// ErrNotPermitted: the login does not allow it. It never means that something is gone.
	ErrNotPermitted = errors.New("not permitted")
	// ErrLogin: the login itself was not taken, or has ended. Nothing is known of its rights.
	ErrLogin = errors.New("the login was not taken")
	// ErrUnavailable: the system cannot be reached, is busy, or its store cannot be used. Nothing is known to be gone.
	ErrUnavailable = errors.New("unavailable")
	// ErrCutSince: it was cut by hand after somebody decided to release it.
	ErrCutSince = errors.New("it was cut by hand since its release was decided on")
	// ErrRemains: after a revocation the system still holds something of the object.
	ErrRemains = errors.New("something of it remains")
	// ErrDamaged: the record of the object, or of its identity, cannot be read or contradicts itself. See DamagedError.
	ErrDamaged = errors.New("its record is damaged")
	// ErrUnsupported: the system cannot do this at all.
	ErrUnsupported = errors.New("not supported by this system")
)

// OtherStackError is an ErrOtherStack that names the stack.
type OtherStackError struct {
	Ref   Ref
	Stack string
}

// Error names the object and its stack.
func (e *OtherStackError) Error() string {
	return fmt.Sprintf("%s is owned by the stack %q", e.Ref, e.Stack)
}

// Is makes it an ErrOtherStack.
func (e *OtherStackError) Is(target error) bool { return target == ErrOtherStack }

// DamagedError is an ErrDamaged that names the record and what is wrong with it. It harms nobody but its own identity:
// that gives no access, gets none, and may always be removed.
type DamagedError struct {
	// Record is the file or the policy.
	Record  string
	Problem error
	// Left is what the system still has of an object whose record is gone; empty where the record is there.
	Left []string
	// UID is what is left says that it is of; "" where it does not say.
	UID string
}

// Error names the record, and what is wrong with it.
func (e *DamagedError) Error() string {
	if len(e.Left) > 0 {
		return fmt.Sprintf("the record in %s is gone, and still there is %s", e.Record, strings.Join(e.Left, ", "))
	}
	return fmt.Sprintf("the record in %s is damaged: %s", e.Record, e.Problem)
}

// Is makes it an ErrDamaged.
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }

// Unwrap gives the problem.
func (e *DamagedError) Unwrap() error { return e.Problem }
