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

// This file says what an answer means that is no success: which sentinel it is, whether it may pass, and whether it is
// AWS's at all. Callers compare with errors.Is and never read the message.

var (
	// ErrAbsent says that AWS has no such thing. What that means is for the caller to decide: an object that was never
	// written, a role that somebody removed, or an IAM that has not heard of it yet (see Client.Query).
	ErrAbsent = errors.New("AWS does not find it")
	// ErrExists says that the name is taken, which may be by the caller's own request, if its first answer was lost.
	ErrExists = errors.New("the name is taken")
	// ErrChanged says that somebody else wrote the object in between. The change is made again on what is there now.
	ErrChanged = errors.New("somebody else changed it at the same time")
	// ErrNobody says that AWS knows nobody whom a trust names, for example because a partner removed its own role.
	ErrNobody = errors.New("no user or role has that name")
	// ErrFull says that a new user would need more than AWS keeps for one: two boundaries, or policies beyond the
	// quota. No answer means it: package aws finds that out before there is a key.
	ErrFull = errors.New("AWS keeps no more for one user")
)

// Error is AWS's refusal of one request. It is errors.Is of one or more sentinels of this package and of package
// access.
type Error struct {
	// Status is that of HTTP.
	Status int
	// Code is AWS's word for what is wrong, such as NoSuchEntity. If the answer has none, it is the text of the status.
	// message is what AWS says for people; it may be empty.
	Code, message string
}

// Error returns AWS's own words.
func (e *Error) Error() string {
	if e.message == "" {
		return fmt.Sprintf("AWS answers %d %s", e.Status, e.Code)
	}
	return fmt.Sprintf("AWS answers %s: %s", e.Code, e.message)
}

// Is reports whether the answer means a sentinel; errors.Is calls it. ErrLogin and ErrNotPermitted exclude each other,
// although AWS answers 403 to both: a login that was refused says nothing about what it may do.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrAbsent:
		return e.absent()
	case ErrExists:
		return e.Code == "EntityAlreadyExists"
	case ErrNobody:
		return e.namesNobody()
	case ErrChanged:
		return e.Status == http.StatusPreconditionFailed || e.Code == "ConditionalRequestConflict"
	case access.ErrLogin:
		return e.ofLogin()
	case access.ErrNotPermitted:
		return e.forbidden() && !e.ofLogin()
	case access.ErrUnavailable:
		return e.passing() || e.Code == noBucket
	}
	return false
}

// noBucket is the code for a bucket that is not there. It is no ErrAbsent, although its status is 404: a bucket that is
// lost or misspelled would otherwise look like a ledger in which nobody has access.
const noBucket = "NoSuchBucket"

// absent reports whether AWS has no such thing.
func (e *Error) absent() bool {
	if slices.Contains(absentCodes, e.Code) {
		return true
	}
	return e.Status == http.StatusNotFound && e.Code != noBucket
}

// absentCodes are the codes of IAM, S3 and DynamoDB for what is not there. DynamoDB sends its own with a status of 400.
var absentCodes = []string{"NoSuchEntity", "NoSuchKey", "ResourceNotFoundException"}

// namesNobody reports whether IAM refused a trust because of whom it names. IAM has one code for everything that is
// wrong with a policy, so the message decides: "Invalid principal in policy".
func (e *Error) namesNobody() bool {
	return e.Code == "MalformedPolicyDocument" && strings.Contains(strings.ToLower(e.message), "principal")
}

// forbidden reports whether AWS refused because of who asks. DynamoDB says so with a status of 400.
func (e *Error) forbidden() bool {
	return e.Status == http.StatusForbidden || e.Code == "AccessDeniedException"
}

// ofLogin reports whether AWS did not take the login at all.
func (e *Error) ofLogin() bool { return slices.Contains(logins, e.Code) }

// logins are the codes of a login that was not taken.
var logins = []string{
	"InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException",
	"UnrecognizedClientException",
	"RequestTimeTooSkewed", "MissingAuthenticationToken", "InvalidToken",
}

// ofClock reports whether the time in the signature may be the reason. AWS has several codes for that, and some of them
// also mean a wrong secret, so one more attempt has to tell (see Client.mayPass).
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

// passing reports whether the same request may be done in a moment. 501 is no such answer: what a cloud does not
// implement, it does not implement a second later.
func (e *Error) passing() bool {
	failed := e.Status >= http.StatusInternalServerError && e.Status != http.StatusNotImplemented
	return failed || e.Status == http.StatusTooManyRequests || slices.Contains(busy, e.Code)
}

// errorOf returns the error that an answer is; nil if it is a success or a 304, which is an answer to a condition.
//
// An answer without a code of AWS's is not believed if it refuses: a gateway's 404 would be an object that is gone, and
// its 403 a lack of rights. TestAPageOfAProxyIsNoAnswerOfAWS has the answers that were seen.
func errorOf(a *Answer) error {
	if a.Status < http.StatusMultipleChoices || a.Status == http.StatusNotModified {
		return nil
	}
	code, message := saidIn(a.Body)
	if code == "" && a.refuses() {
		return ofGateway(a.Status, "")
	}
	return &Error{
		Status:  a.Status,
		Code:    cmp.Or(code, http.StatusText(a.Status)),
		message: cmp.Or(a.otherRegion(), message, a.otherPlace()),
	}
}

// saidIn returns the code and the message that the body of an answer contains, both empty if it has none. There are
// three forms: JSON, as DynamoDB writes it, in which the code may follow the name of a schema
// ("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"); S3's <Error><Code>; and the one of IAM and STS, in
// which <ErrorResponse> has the <Error> inside.
func saidIn(body []byte) (code, message string) {
	var typed struct {
		Type    string `json:"__type"`
		Message string
	}
	if json.Unmarshal(body, &typed) == nil {
		_, code, _ = strings.Cut(typed.Type, "#")
		return cmp.Or(code, typed.Type), typed.Message
	}
	type words struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	}
	var said struct {
		words
		Inner words `xml:"Error"`
	}
	if xml.NewDecoder(bytes.NewReader(body)).Decode(&said) != nil {
		return "", ""
	}
	if said.Code != "" {
		return said.Code, said.Message
	}
	return said.Inner.Code, said.Inner.Message
}

// ofGateway returns the error of an answer that somebody in between gave, and what shows it.
func ofGateway(status int, shown string) error {
	return stranger{fmt.Errorf("%w: status %d: the answer is not AWS's, but that of a proxy or gateway in between%s",
		access.ErrUnavailable, status, shown)}
}

// refuses reports whether an answer refuses the request by its status. 412 and 429 do not count: it does no harm to
// believe a gateway there, since both only have the caller look again at what is there.
func (a *Answer) refuses() bool {
	again := a.Status == http.StatusTooManyRequests || a.Status == http.StatusPreconditionFailed
	return a.Status/100 == 4 && !again
}

// otherRegion says in which region the bucket is; "" if the answer does not send the caller to another one. Its own
// message ("PermanentRedirect") does not name it.
func (a *Answer) otherRegion() string {
	region := a.Header.Get("X-Amz-Bucket-Region")
	if region == "" || !a.redirects() {
		return ""
	}
	return "the bucket is in the region " + region
}

// otherPlace says where an answer sends the caller; "" if nowhere. It names only the scheme and the host: what follows
// may contain the request itself, as login pages have it in their address.
func (a *Answer) otherPlace() string {
	to, err := url.Parse(a.Header.Get("Location"))
	if err != nil || to.Host == "" || !a.redirects() {
		return ""
	}
	return fmt.Sprintf("it points to %s://%s, which is not followed", to.Scheme, to.Host)
}

// redirects reports whether an answer that is no success has a status below 400.
func (a *Answer) redirects() bool { return a.Status < http.StatusBadRequest }

// CannotIssue reports whether no key can be made as things are here, and not only at this moment: the login may not, or
// the account has no room. Then what takes access away is carried out all the same, and nothing is issued in its place.
func CannotIssue(err error) bool {
	var refused *Error
	if errors.Is(err, ErrFull) {
		return true
	}
	return errors.As(err, &refused) && (refused.Code == "LimitExceeded" || errors.Is(refused, access.ErrNotPermitted))
}

// Gone takes "no such thing" for done. It is for what removes: an answer that was lost is no failure then.
func Gone(err error) error {
	if errors.Is(err, ErrAbsent) {
		return nil
	}
	return err
}

// Supported takes an action that a cloud does not know for one that has nothing to say. It is for what reads: a cloud
// without groups has no group that could allow or deny anything.
func Supported(err error) error {
	var said *Error
	if errors.As(err, &said) && said.Unknown() {
		return nil
	}
	return err
}

// Unknown reports whether AWS, or a cloud that speaks like it, does not know the action. Each cloud has a code of its
// own for that.
func (e *Error) Unknown() bool {
	if e.Status == http.StatusNotImplemented {
		return true
	}
	return slices.Contains([]string{"InvalidAction", "NotImplemented", "UnknownOperationException",
		"UnsupportedOperation", "MethodNotAllowed"}, e.Code)
}
