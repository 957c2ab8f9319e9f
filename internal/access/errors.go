package access

import (
	"errors"
	"fmt"
)

// What an access system answers when it does not do what it was asked for. Callers compare with [errors.Is].
var (
	// ErrNotFound: with a working login, the object is not there, or is there with another uid.
	ErrNotFound = errors.New("not found")
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
	// ErrUnavailable: the system cannot be reached, is busy, or its store cannot be used. Nothing is known to be gone.
	ErrUnavailable = errors.New("unavailable")
	// ErrRemains: after a revocation the system still holds something of the object.
	ErrRemains = errors.New("something of it remains")
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
