// SPDX-License-Identifier: MPL-2.0

package aws

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
	// errAbsent: AWS has no such thing. What that means is for who asked.
	errAbsent = errors.New("AWS does not find it")
	// errExists: the name is taken.
	errExists = errors.New("the name is taken")
	// errChanged: somebody else wrote the object in between. The change is made again on what is there now.
	errChanged = errors.New("somebody else changed it at the same time")
	// errNobody: AWS knows nobody whom a trust names, as where a partner removed his role.
	errNobody = errors.New("no user or role has that name")
	// errElsewhere: the ledger tells of another account's principals.
	errElsewhere = errors.New("it contains nothing of the ledger")
)

// apiError is what AWS answers where it does not do what it was asked.
type apiError struct {
	status        int
	code, message string
}

// Error says it in AWS's words.
func (e *apiError) Error() string {
	if e.message == "" {
		return fmt.Sprintf("AWS answers %d %s", e.status, e.code)
	}
	return fmt.Sprintf("AWS answers %s: %s", e.code, e.message)
}

// Is says what it means in the words of package access.
func (e *apiError) Is(target error) bool {
	switch target {
	case errAbsent:
		return slices.Contains(absentCodes, e.code) || (e.status == http.StatusNotFound && e.code != "NoSuchBucket")
	case errExists:
		return e.code == "EntityAlreadyExists"
	case errNobody:
		return e.code == "MalformedPolicyDocument" && strings.Contains(strings.ToLower(e.message), "principal")
	case errChanged:
		return e.status == http.StatusPreconditionFailed || e.code == "ConditionalRequestConflict"
	case access.ErrLogin:
		return slices.Contains(logins, e.code)
	case access.ErrNotPermitted:
		return (e.status == http.StatusForbidden || e.code == "AccessDeniedException") && !slices.Contains(logins, e.code)
	case access.ErrUnavailable:
		return e.passing() || e.code == "NoSuchBucket"
	}
	return false
}

// absentCodes are the codes of IAM, S3 and DynamoDB for what is not there.
var absentCodes = []string{"NoSuchEntity", "NoSuchKey", "ResourceNotFoundException"}

// logins are the codes of a login that was not taken.
var logins = []string{
	"InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException",
	"RequestTimeTooSkewed", "MissingAuthenticationToken", "InvalidToken",
}

// ofClock reports whether it may be that a signature was of another time.
func (e *apiError) ofClock() bool {
	return slices.Contains([]string{"RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired"}, e.code)
}

// busy are the codes of what may be done in a moment.
var busy = []string{
	"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown", "ServiceUnavailable", "InternalError",
	"InternalFailure", "ServiceFailure", "ConcurrentModification", "EntityTemporarilyUnmodifiable", "RequestTimeout", "OperationAborted",
}

// passing reports whether it may be done in a moment.
func (e *apiError) passing() bool {
	return e.status >= http.StatusInternalServerError && e.status != http.StatusNotImplemented || e.status == http.StatusTooManyRequests || slices.Contains(busy, e.code)
}

// errorOf returns the error that an answer is; nil where it is none.
func errorOf(a *answer) error {
	if a.status < 300 || a.status == http.StatusNotModified {
		return nil
	}
	e := &apiError{status: a.status}
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
	if json.Unmarshal(a.body, &typed) == nil { // as DynamoDB says it
		_, e.code, _ = strings.Cut(typed.Type, "#")
		e.code, e.message = cmp.Or(e.code, typed.Type), typed.Message
	} else if xml.NewDecoder(bytes.NewReader(a.body)).Decode(&said) == nil {
		if e.code, e.message = said.Code, said.Message; e.code == "" {
			e.code, e.message = said.Inner.Code, said.Inner.Message
		}
	}
	if e.code == "" && a.status/100 == 4 && a.status != http.StatusTooManyRequests { // a gateway's 404 is no object that is gone
		return fmt.Errorf("%w: status %d: the answer is not AWS's, but that of a proxy or gateway in between", access.ErrUnavailable, a.status)
	}
	if e.code == "" {
		e.code = http.StatusText(a.status)
	}
	if region := a.header.Get("X-Amz-Bucket-Region"); region != "" && a.status < http.StatusBadRequest {
		e.message = "the bucket is in the region " + region
	}
	if to, err := url.Parse(a.header.Get("Location")); err == nil && to.Host != "" && e.message == "" && a.status < http.StatusBadRequest {
		e.message = fmt.Sprintf("it points to %s://%s, which is not followed", to.Scheme, to.Host)
	}
	return e
}

// cannotIssue reports whether no key can be made as things are here, and not only at this moment.
func cannotIssue(err error) bool {
	var refused *apiError
	return errors.As(err, &refused) && (refused.code == "LimitExceeded" || errors.Is(refused, access.ErrNotPermitted))
}

// gone takes "no such thing" for done.
func gone(err error) error {
	if errors.Is(err, errAbsent) {
		return nil
	}
	return err
}

// supported takes an action that a cloud does not know for one that has nothing to say.
func supported(err error) error {
	var said *apiError
	if errors.As(err, &said) && said.unknown() {
		return nil
	}
	return err
}

// unknown reports whether AWS, or who speaks like it, does not know the action.
func (e *apiError) unknown() bool {
	return slices.Contains([]string{"InvalidAction", "NotImplemented", "UnknownOperationException", "UnsupportedOperation", "MethodNotAllowed"}, e.code) || e.status == 501
}
