// SPDX-License-Identifier: MPL-2.0

package client

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// Query sends an action to IAM, and reads the answer into out; nil if only success counts. once: it must not be done
// twice (see Request).
//
// If IAM does not find a principal that this process has just made, it is asked again until patience is over: IAM is
// eventually consistent, and answers from a copy that has not heard of it (TestAnIAMThatLagsIsWaitedFor). Otherwise
// ErrAbsent is the answer.
func (c *Client) Query(ctx context.Context, action string, in map[string]string, out any, once bool) error {
	if err := c.lacking(action); err != nil {
		return err
	}
	form := url.Values{"Action": {action}, "Version": {iamVersion}}
	for name, value := range in {
		form.Set(name, value)
	}
	r := Request{
		Service: "iam", Region: policy.PartitionOf(c.Site.Region).IAMRegion, Method: http.MethodPost, URL: c.Site.IAM(),
		Header: OfForms(), Body: []byte(form.Encode()), once: once,
	}
	a, err := c.Send(ctx, r)
	// what was not found was not done either, so that also what must be done once may be sent again
	for errors.Is(err, ErrAbsent) && c.unheard(action, in) {
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		a, err = c.Send(ctx, r)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", action, err)
		c.noteLacking(action, err)
		return err
	}
	if out == nil && len(a.Body) == 0 && a.named() {
		return nil
	}
	// an answer is read even if nobody wants anything of it: a gateway's 200 is no key that is deleted
	if out == nil {
		out = &struct{}{} // a gateway's 200 is no key that is deleted
	}
	return decoded(action, a, out)
}

// named reports whether an answer names its request in its header. AWS answers each action with XML. A cloud that
// speaks like it, and writes nothing if there is nothing to tell, has done what was asked; if that was not believed,
// nobody could be cut there. A gateway in maintenance may be as silent, but it knows no request.
func (a *Answer) named() bool {
	return a.Header.Get("X-Amzn-Requestid")+a.Header.Get("X-Amz-Request-Id") != ""
}

// unnamed returns the error of a success that names no request, of a service that names them: of AWS each does, and of
// another cloud one that was heard to. A gateway in maintenance answers 200 or 204, and has done nothing.
func (c *Client) unnamed(service string, a *Answer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case a.named():
		c.names[service] = true
		return nil
	case a.Status >= http.StatusMultipleChoices, !c.names[service] && c.Site.elsewhere(service):
		return nil
	}
	return ofGateway(a.Status, ": it names no request (x-amz-request-id), as those of AWS do")
}

// Ask is Query for an action that may be done twice.
func (c *Client) Ask(ctx context.Context, action string, in map[string]string, out any) error {
	return c.Query(ctx, action, in, out, false)
}

// noteLacking notes that another cloud than AWS does not serve an action: it is not asked again for each principal. AWS
// itself serves all of them, so what it says is never kept.
func (c *Client) noteLacking(action string, err error) {
	var said *Error
	if c.Site.Endpoints.IAM == "" || !errors.As(err, &said) || said.Code != "InvalidAction" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lacks[action] = err
}

// lacking returns a cloud's answer to an action that it does not serve; nil if it may serve it.
func (c *Client) lacking(action string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lacks[action]
}

// NoteMade notes that this process made a principal, of which IAM may not have heard everywhere (see Query).
func (c *Client) NoteMade(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made[name] = access.WallClock()
}

// NoteRemoved notes that a principal is to go: that IAM does not find it is the answer from now on.
func (c *Client) NoteRemoved(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.made, name)
}

// ofPrincipals begin the actions whose subject is a principal, and nothing that hangs on it: if they do not find
// something, it is the principal. GetRolePolicy is none of them: the policy may be missing, which is an answer.
var ofPrincipals = regexp.MustCompile(`^(Put|Update|Tag|List|CreateAccessKey$|GetRole$|GetUser$)`)

// unheard reports whether IAM may not have heard yet of the principal that an action is about, since it was made less
// than the patience ago.
func (c *Client) unheard(action string, in map[string]string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, made := c.made[in["RoleName"]+in["UserName"]]
	return made && ofPrincipals.MatchString(action) && access.WallClock().Sub(at) < c.Site.Patience
}

// Pages asks for all pages of a list, and gives each to read, as one element whose children are those of the answer. in
// is changed: it gets the marker of the next page.
//
// A listing that says that it goes on, and not where, or that goes on where it was, is an error: what is missing in it
// would be taken for gone, and a removal would be "done" (TestAListingThatDoesNotEndIsAnError).
func (c *Client) Pages(ctx context.Context, action string, in map[string]string, read func(body []byte) error) error {
	for {
		var raw struct {
			Inner []byte `xml:",innerxml"`
		}
		if err := c.Ask(ctx, action, in, &raw); err != nil {
			return err
		}
		body := []byte("<answer>" + string(raw.Inner) + "</answer>")
		if err := read(body); err != nil {
			return fmt.Errorf("%w: %s: %w", access.ErrUnavailable, action, err)
		}
		switch next, more := following(body); {
		case !more:
			return nil
		case next == "" || next == in["Marker"]: // what is missing would be taken for gone
			return fmt.Errorf("%w: %s: the answer is incomplete and does not say where it continues",
				access.ErrUnavailable, action)
		default:
			in["Marker"] = next
		}
	}
}

// following returns where the next page of a list begins, and whether there is one. If an answer has no IsTruncated, a
// Marker says that there is.
//
// Both stand in an element that is named after the action, so they are looked for wherever they are.
func following(body []byte) (next string, more bool) {
	told := false
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		t, err := d.Token()
		if err != nil {
			return next, more || (!told && next != "")
		}
		begin, ok := t.(xml.StartElement)
		switch {
		case ok && begin.Name.Local == "Marker":
			_ = d.DecodeElement(&next, &begin)
		case ok && begin.Name.Local == "IsTruncated":
			told = d.DecodeElement(&more, &begin) == nil
		}
	}
}

// iamVersion is the only version of IAM's interface.
const iamVersion = "2010-05-08"

// OfForms returns the header of a request to IAM or STS. Their protocol ("query") is a form in the body of a POST.
func OfForms() map[string]string {
	return map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
}
