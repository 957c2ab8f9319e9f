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

// Query sends an action as Ask does. What must be done once at most is not sent again where its answer was lost.
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
	if out == nil {
		out = &struct{}{} // a gateway's 200 is no key that is deleted
	}
	return decoded(action, a, out)
}

// named reports whether an answer names its request in its header. AWS answers each action with XML; a cloud that
// speaks like it and writes nothing where there is nothing to tell has done what was asked, or nobody could be cut
// there. A gateway in maintenance may be as silent, but it knows no request: what it answers is not taken for a cut.
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

// Ask sends an action to IAM, and reads the answer into out.
func (c *Client) Ask(ctx context.Context, action string, in map[string]string, out any) error {
	return c.Query(ctx, action, in, out, false)
}

// noteLacking notes that another cloud than AWS does not serve an action, and lacking returns its answer: it is not
// asked again for each principal.
func (c *Client) noteLacking(action string, err error) {
	var said *Error
	if c.Site.Endpoints.IAM == "" || !errors.As(err, &said) || said.Code != "InvalidAction" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lacks[action] = err
}

func (c *Client) lacking(action string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lacks[action]
}

// NoteMade notes that a principal was made: IAM may not have heard of it everywhere.
func (c *Client) NoteMade(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made[name] = access.WallClock()
}

// NoteRemoved notes that a principal is to go.
func (c *Client) NoteRemoved(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.made, name)
}

// ofPrincipals begin the actions that are about a principal and nothing that hangs on it: what they do not
// find is the principal.
var ofPrincipals = regexp.MustCompile(`^(Put|Update|Tag|List|CreateAccessKey$|GetRole$|GetUser$)`)

// unheard reports whether IAM may not have heard yet of the principal that an action is about, since it
// was made a moment ago.
func (c *Client) unheard(action string, in map[string]string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, made := c.made[in["RoleName"]+in["UserName"]]
	return made && ofPrincipals.MatchString(action) && access.WallClock().Sub(at) < c.Site.Patience
}

// Pages asks for all pages of a list, and gives each to read.
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

// following returns where the next page of a list begins, and whether there is one. Who does not say that names
// the place where there is.
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

// OfForms returns the header of what IAM and STS are asked with.
func OfForms() map[string]string {
	return map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
}
