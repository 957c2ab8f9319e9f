// SPDX-License-Identifier: MPL-2.0

package aws

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

func (c *client) query(ctx context.Context, action string, in map[string]string, out any, once bool) error {
	if err := c.lacking(action); err != nil {
		return err
	}
	form := url.Values{"Action": {action}, "Version": {iamVersion}}
	for name, value := range in {
		form.Set(name, value)
	}
	r := request{
		service: "iam", region: policy.PartitionOf(c.options.Region).IAMRegion, method: http.MethodPost, url: c.options.iamEndpoint(),
		header: ofForms(), body: []byte(form.Encode()), once: once,
	}
	a, err := c.send(ctx, r)
	for errors.Is(err, errAbsent) && c.unheard(action, in) {
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		a, err = c.send(ctx, r)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", action, err)
		c.noteLacking(action, err)
		return err
	}
	if out == nil {
		out = &struct{}{} // a gateway's 200 is no key that is deleted
	}
	return decoded(action, a, out)
}

// ask sends an action to IAM, and reads the answer into out.
func (c *client) ask(ctx context.Context, action string, in map[string]string, out any) error {
	return c.query(ctx, action, in, out, false)
}

// noteLacking notes that another cloud than AWS does not serve an action, and lacking returns its answer: it is not asked again for each principal.
func (c *client) noteLacking(action string, err error) {
	var said *apiError
	if c.options.Endpoints.IAM == "" || !errors.As(err, &said) || said.code != "InvalidAction" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lacks[action] = err
}

func (c *client) lacking(action string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lacks[action]
}

// noteMade notes that a principal was made, and noteRemoved that it is to go.
func (c *client) noteMade(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made[name] = access.WallClock()
}

func (c *client) noteRemoved(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.made, name)
}

// ofPrincipals begin the actions that are about a principal and nothing that hangs on it: what they do not find is the principal.
var ofPrincipals = regexp.MustCompile(`^(Put|Update|Tag|List|CreateAccessKey$|GetRole$|GetUser$)`)

// unheard reports whether IAM may not have heard yet of the principal that an action is about, since it was made a moment ago.
func (c *client) unheard(action string, in map[string]string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, made := c.made[in["RoleName"]+in["UserName"]]
	return made && ofPrincipals.MatchString(action) && access.WallClock().Sub(at) < c.options.Patience
}

// pages asks for all pages of a list, and gives each to read.
func (c *client) pages(ctx context.Context, action string, in map[string]string, read func(body []byte) error) error {
	for {
		var raw struct {
			Inner []byte `xml:",innerxml"`
		}
		if err := c.ask(ctx, action, in, &raw); err != nil {
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
			return fmt.Errorf("%w: %s: the answer is incomplete and does not say where it continues", access.ErrUnavailable, action)
		default:
			in["Marker"] = next
		}
	}
}

// following returns where the next page of a list begins, and whether there is one. Who does not say that names the place where there is.
func following(body []byte) (next string, more bool) {
	told := false
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		t, err := d.Token()
		if err != nil {
			return next, more || !told && next != ""
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

// ofForms returns the header of what IAM and STS are asked with.
func ofForms() map[string]string {
	return map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
}
