// SPDX-License-Identifier: MPL-2.0

package client

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var (
	// ErrAbsent says that AWS has no such thing. What that means is for who asked.
	ErrAbsent = errors.New("AWS does not find it")
	// ErrExists says that the name is taken.
	ErrExists = errors.New("the name is taken")
	// ErrChanged says that somebody else wrote the object in between. The change is made again on what is there now.
	ErrChanged = errors.New("somebody else changed it at the same time")
	// ErrNobody says that AWS knows nobody whom a trust names, as where a partner removed his role.
	ErrNobody = errors.New("no user or role has that name")
	// ErrFull says that AWS keeps no more of a kind for one user.
	ErrFull = errors.New("AWS keeps no more for one user")
)

// Error is what AWS answers where it does not do what it was asked.
type Error struct {
	Status        int
	Code, message string
}

// Error says it in AWS's words.
func (e *Error) Error() string {
	if e.message == "" {
		return fmt.Sprintf("AWS answers %d %s", e.Status, e.Code)
	}
	return fmt.Sprintf("AWS answers %s: %s", e.Code, e.message)
}

// Is says what it means in the words of package access.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrAbsent:
		return slices.Contains(absentCodes, e.Code) || (e.Status == http.StatusNotFound && e.Code != "NoSuchBucket")
	case ErrExists:
		return e.Code == "EntityAlreadyExists"
	case ErrNobody:
		return e.Code == "MalformedPolicyDocument" && strings.Contains(strings.ToLower(e.message), "principal")
	case ErrChanged:
		return e.Status == http.StatusPreconditionFailed || e.Code == "ConditionalRequestConflict"
	case access.ErrLogin:
		return slices.Contains(logins, e.Code)
	case access.ErrNotPermitted:
		return (e.Status == http.StatusForbidden || e.Code == "AccessDeniedException") &&
			!slices.Contains(logins, e.Code)
	case access.ErrUnavailable:
		return e.passing() || e.Code == "NoSuchBucket"
	}
	return false
}

// absentCodes are the codes of IAM, S3 and DynamoDB for what is not there.
var absentCodes = []string{"NoSuchEntity", "NoSuchKey", "ResourceNotFoundException"}

// logins are the codes of a login that was not taken.
var logins = []string{
	"InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException",
	"UnrecognizedClientException",
	"RequestTimeTooSkewed", "MissingAuthenticationToken", "InvalidToken",
}

// ofClock reports whether it may be that a signature was of another time.
func (e *Error) ofClock() bool {
	return slices.Contains([]string{"RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignatureException",
		"RequestExpired"}, e.Code)
}

// busy are the codes of what may be done in a moment.
var busy = []string{
	"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown",
	"ServiceUnavailable", "InternalError",
	"InternalFailure", "ServiceFailure", "ConcurrentModification", "EntityTemporarilyUnmodifiable", "RequestTimeout",
	"OperationAborted",
}

// passing reports whether it may be done in a moment.
func (e *Error) passing() bool {
	return (e.Status >= http.StatusInternalServerError && e.Status != http.StatusNotImplemented) ||
		e.Status == http.StatusTooManyRequests ||
		slices.Contains(busy, e.Code)
}

// errorOf returns the error that an answer is; nil where it is none.
func errorOf(a *Answer) error {
	if a.Status < 300 || a.Status == http.StatusNotModified {
		return nil
	}
	e := &Error{Status: a.Status}
	var said struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
		Inner   struct {
			Code    string `xml:"Code"`
			Message string `xml:"Message"`
		} `xml:"Error"`
	}
	var typed struct {
		Type    string `json:"__type"`
		Message string
	}
	if json.Unmarshal(a.Body, &typed) == nil { // as DynamoDB says it
		_, e.Code, _ = strings.Cut(typed.Type, "#")
		e.Code = cmp.Or(e.Code, typed.Type)
		e.message = typed.Message
	} else if xml.NewDecoder(bytes.NewReader(a.Body)).Decode(&said) == nil {
		if e.Code, e.message = said.Code, said.Message; e.Code == "" {
			e.Code, e.message = said.Inner.Code, said.Inner.Message
		}
	}
	// whoever says so, it is looked at again
	again := a.Status == http.StatusTooManyRequests || a.Status == http.StatusPreconditionFailed
	if e.Code == "" && a.Status/100 == 4 && !again {
		// a gateway's 404 is no object that is gone
		return ofGateway(a.Status, "")
	}
	if e.Code == "" {
		e.Code = http.StatusText(a.Status)
	}
	if region := a.Header.Get("X-Amz-Bucket-Region"); region != "" && a.Status < http.StatusBadRequest {
		e.message = "the bucket is in the region " + region
	}
	if to, err := url.Parse(a.Header.Get("Location")); err == nil &&
		to.Host != "" &&
		e.message == "" &&
		a.Status < http.StatusBadRequest {
		e.message = fmt.Sprintf("it points to %s://%s, which is not followed", to.Scheme, to.Host)
	}
	return e
}

// ofGateway returns the error of an answer that somebody in between gave, and what shows it.
func ofGateway(status int, shown string) error {
	return stranger{fmt.Errorf("%w: status %d: the answer is not AWS's, but that of a proxy or gateway in between%s",
		access.ErrUnavailable, status, shown)}
}

// CannotIssue reports whether no key can be made as things are here, and not only at this moment.
func CannotIssue(err error) bool {
	var refused *Error
	return errors.Is(err, ErrFull) ||
		(errors.As(err, &refused) && (refused.Code == "LimitExceeded" || errors.Is(refused, access.ErrNotPermitted)))
}

// Gone takes "no such thing" for done.
func Gone(err error) error {
	if errors.Is(err, ErrAbsent) {
		return nil
	}
	return err
}

// Supported takes an action that a cloud does not know for one that has nothing to say.
func Supported(err error) error {
	var said *Error
	if errors.As(err, &said) && said.Unknown() {
		return nil
	}
	return err
}

// Unknown reports whether AWS, or who speaks like it, does not know the action.
func (e *Error) Unknown() bool {
	return slices.Contains([]string{"InvalidAction", "NotImplemented", "UnknownOperationException",
		"UnsupportedOperation", "MethodNotAllowed"}, e.Code) || e.Status == 501
}
