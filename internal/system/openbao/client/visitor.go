// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Visitor asks the same OpenBao as somebody else, who has no login of the client's: with a certificate of its own, and
// with the tokens that it comes by.
type Visitor struct{ client *Client }

// nobody is who has not logged in.
type nobody struct{}

func (nobody) check() error { return nil }

func (nobody) secrets() []string { return nil }

func (nobody) credentials() (string, map[string]string, error) { return "", nil, nil }

// Visitor returns somebody else at the same address, who shows a certificate where he has one.
func (c *Client) Visitor(show *tls.Certificate) (*Visitor, error) {
	options := c.options
	options.Login = nobody{}
	transport, err := options.NewTransport()
	if err != nil {
		return nil, err
	}
	transport.DisableKeepAlives = true // the next one is somebody else
	if show != nil {
		transport.TLSClientConfig.Certificates = []tls.Certificate{*show}
	}
	options.Transport = transport
	v, err := New(options)
	return &Visitor{v}, err
}

// LogIn posts a login, and returns the token that it gives and its accessor.
func (v *Visitor) LogIn(ctx context.Context, path string, body map[string]string) (token, accessor string, err error) {
	v.client.hide(body["secret_id"])
	text, err := json.Marshal(body)
	if err != nil {
		return "", "", err
	}
	var answer struct {
		Auth struct {
			Token    string `json:"client_token"`
			Accessor string `json:"accessor"`
		} `json:"auth"`
	}
	if failure := v.client.send(ctx, request{method: http.MethodPost, path: path, body: text, repeatable: true},
		&answer); failure != nil {
		return "", "", failure
	}
	v.client.hide(answer.Auth.Token)
	return answer.Auth.Token, answer.Auth.Accessor, nil
}

// Get reads a path with a token.
func (v *Visitor) Get(ctx context.Context, token, path string) error {
	if failure := v.client.send(ctx, request{method: http.MethodGet, path: path, token: token, repeatable: true},
		nil); failure != nil {
		return failure
	}
	return nil
}

// Refused says whether OpenBao itself did not let somebody in: by its answer, and neither for want of one nor by that
// of a balancer or firewall before it.
func Refused(err error) bool {
	var e *Error
	return errors.As(err, &e) &&
		e.ours &&
		(e.Status == http.StatusBadRequest || e.Status == http.StatusForbidden) &&
		!errors.Is(err, access.ErrUnavailable)
}
