// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// conflict is how OpenBao's answer to a lost check-and-set begins. Its status is 400, as for any other bad input.
const conflict = "check-and-set parameter"

// Error is a call that failed. It is one of the errors of package access, or none of them when OpenBao refused for a
// reason of its own. Its text has no token, no secret, and nothing of what was written or read.
type Error struct {
	Status       int      // of the last answer; 0 without one
	Messages     []string // of OpenBao
	Method, Path string
	Ambiguous    bool // the change may have been made: read back before it is made again

	problem  string // what we say of it; "" if OpenBao's messages say all
	fate     fate
	cause    error // a sentinel of package access, or nil
	ended    error // of the caller's context
	byPolicy bool  // a 403 that is not about the token
	ours     bool  // OpenBao itself answered
	login    bool  // the client's own login failed, and the call itself was not sent
	// outage is the one that the call met, so that the errors of a hundred calls tell it once; nil for any other
	// failure.
	outage *access.Outage
}

// Error says what failed and what was done.
func (e *Error) Error() string {
	text := e.Method + " " + e.Path
	if e.login {
		text = "log in to OpenBao: " + text
	}
	if why := reason(e.Status, e.Messages, e.problem); why != "" {
		text += ": " + why
	}
	if e.ended != nil {
		text += ": " + e.ended.Error()
	}
	return text + ": " + e.state()
}

// reason says what came in place of what was asked for.
func reason(status int, messages []string, problem string) string {
	var parts []string
	if status != 0 {
		parts = append(parts, fmt.Sprintf("status %d", status))
	}
	if len(messages) > 0 {
		parts = append(parts, strings.Join(messages, "; "))
	}
	if problem != "" {
		parts = append(parts, problem)
	}
	return strings.Join(parts, ": ")
}

// state returns what the call left behind.
func (e *Error) state() string {
	switch {
	case e.Ambiguous:
		return "it may have been done: look whether it was"
	case e.fate == notSent:
		return "nothing was sent"
	case e.fate == unanswered:
		return "not answered"
	case e.fate == notBegun:
		return "not done"
	}
	return "refused"
}

// Unwrap gives the error of package access, and that of a context which ended the call.
func (e *Error) Unwrap() []error {
	var causes []error
	for _, cause := range []error{e.cause, e.ended} {
		if cause != nil {
			causes = append(causes, cause)
		}
	}
	if e.outage != nil {
		causes = append(causes, e.outage)
	}
	return causes
}

// Conflict says whether somebody else changed the object first.
func (e *Error) Conflict() bool {
	return e.Status == http.StatusBadRequest &&
		len(e.Messages) > 0 &&
		strings.HasPrefix(e.Messages[0], conflict)
}

// mayBeLogin says whether the token may be the reason.
func (e *Error) mayBeLogin() bool {
	return e.Status == http.StatusForbidden &&
		e.ours &&
		!e.byPolicy
}

// unsent returns a request that is not made at all.
func (r request) unsent(problem string) *Error {
	return &Error{Method: r.method, Path: r.path, problem: problem, fate: notSent}
}

// failure returns the error that the attempts came to; nil for success.
func (k *call) failure(ctx context.Context) *Error {
	o := k.outcome
	if o.fate == done {
		return nil
	}
	failure := &Error{
		Status:    o.status,
		Messages:  o.messages,
		Method:    k.method,
		Path:      k.path,
		Ambiguous: k.writes && k.maybe,
		problem:   k.client.shown(o.problem, []string{k.token}),
		fate:      o.fate,
		cause:     o.cause,
		ended:     ctx.Err(),
		byPolicy:  o.byPolicy,
		ours:      o.ours,
		outage:    k.outage,
	}
	if k.token != "" && failure.mayBeLogin() {
		failure.problem = "it refuses this token: the token has ended, was revoked, or belongs to another namespace " +
			"or network"
	}
	return failure
}

// Is makes it an access.ErrLogin where the login was not taken.
func (e *Error) Is(target error) bool { return target == access.ErrLogin && e.Login() }

// Login reports whether OpenBao did not take the client's login or token: nothing is known of its rights.
func (e *Error) Login() bool {
	return e.mayBeLogin() || (e.login && !errors.Is(e, access.ErrUnavailable))
}
