// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Login is how a client gets its token: a Token, an AppRole or a JWT.
type Login interface {
	// check says what is missing.
	check() error
	// secrets are what no text may show.
	secrets() []string
	// credentials are what is posted, and where; no path means that the token is there already.
	credentials() (path string, body map[string]string, err error)
}

// Token is a login with a token that somebody else got. It is renewed while in use, as far as it can be.
type Token string

// AppRole is a login with a role id and a secret id.
type AppRole struct {
	Mount    string // without auth/; empty: approle
	RoleID   string
	SecretID string
}

// JWT is a login with a signed token, such as the workload identity of a CI system. The mount of a
// CEL role is MOUNT/cel.
type JWT struct {
	Mount string // without auth/; empty: jwt
	Role  string
	JWT   string // the token itself, or else
	File  string // where it is; read at each login
}

// check refuses a token that no header could carry, without repeating it.
func (t Token) check() error {
	if t == "" {
		return errors.New("no login to OpenBao: set BAO_TOKEN; or token, approle or jwt in openbao. The provider " +
			"does not read the file of bao login")
	}
	if !tokenText.MatchString(string(t)) {
		return errors.New("login by token: the token contains a space, a quote, a line end or another character that " +
			"tokens do not have")
	}
	return nil
}

// tokenText is what tokens are made of, whoever signed or named them.
var tokenText = regexp.MustCompile(`^[A-Za-z0-9._~+/=:-]+$`)

func (t Token) secrets() []string { return []string{string(t)} }

func (t Token) credentials() (string, map[string]string, error) { return "", nil, nil }

// String does not show the token.
func (Token) String() string { return "a token" }

// GoString does not either.
func (t Token) GoString() string { return t.String() }

// check says what is missing, by the names of the arguments and of the environment.
func (a AppRole) check() error {
	if a.RoleID == "" || a.SecretID == "" {
		return errors.New("login by AppRole: role id and secret id are needed: write role_id and secret_id, or set " +
			"PARTNER_OPENBAO_ROLE_ID and PARTNER_OPENBAO_SECRET_ID")
	}
	return checkMount("AppRole", a.Mount)
}

func (a AppRole) secrets() []string { return []string{a.SecretID} }

func (a AppRole) credentials() (string, map[string]string, error) {
	return loginPath(a.Mount, "approle"), map[string]string{"role_id": a.RoleID, "secret_id": a.SecretID}, nil
}

// String does not show the secret id.
func (a AppRole) String() string { return "AppRole at " + loginPath(a.Mount, "approle") }

// GoString does not either.
func (a AppRole) GoString() string { return a.String() }

// check says what is missing, or given twice.
func (j JWT) check() error {
	switch {
	case (j.JWT == "") == (j.File == ""):
		return errors.New("login by JWT: either the JWT or its file is needed: write token or token_file, or set " +
			"PARTNER_OPENBAO_JWT")
	case j.Role == "":
		return errors.New("login by JWT: a role is needed: write role, or set PARTNER_OPENBAO_ROLE")
	}
	return checkMount("JWT", j.Mount)
}

func (j JWT) secrets() []string { return []string{j.JWT} }

// credentials reads the JWT's file at each login, since a platform renews it there. A mark of byte order before it, as
// some editors of Windows write, is no part of it.
func (j JWT) credentials() (string, map[string]string, error) {
	signed := j.JWT
	if signed == "" {
		text, err := os.ReadFile(j.File)
		if err != nil {
			return "", nil, fmt.Errorf("the file of the JWT: %w", err)
		}
		if signed = strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff")); signed == "" {
			return "", nil, fmt.Errorf("the file of the JWT, %s, is empty", j.File)
		}
	}
	return loginPath(j.Mount, "jwt"), map[string]string{"role": j.Role, "jwt": signed}, nil
}

// String does not show the JWT.
func (j JWT) String() string { return "JWT at " + loginPath(j.Mount, "jwt") }

// GoString does not either.
func (j JWT) GoString() string { return j.String() }

// checkMount refuses a mount that is not a path as OpenBao has it. "" is the usual one.
func checkMount(login, mount string) error {
	if mount != "" && !canonical(mount) {
		return fmt.Errorf("login by %s: the mount %q is not a path", login, mount)
	}
	return nil
}

// loginPath returns where to log in at a mount, or at the usual one.
func loginPath(mount, usual string) string {
	if mount == "" {
		mount = usual
	}
	return "auth/" + mount + "/login"
}

// logIn gets a ticket. A lost login is repeated: the token that it may have made ends by itself.
func (c *Client) logIn(ctx context.Context) (ticket, error) {
	path, credentials, err := c.options.Login.credentials()
	if err != nil {
		return ticket{}, &Error{Method: http.MethodPost, Path: "auth", login: true, problem: err.Error(), fate: notSent}
	}
	if path == "" {
		return c.lookUp(ctx, c.options.Login.(Token))
	}
	c.hide(credentials["jwt"])
	body, err := json.Marshal(credentials)
	if err != nil {
		return ticket{}, err
	}
	return c.ask(ctx, request{method: http.MethodPost, path: path, body: body, repeatable: true})
}

// lookUp asks how long a token lives that was given, so that it is renewed in time. One that OpenBao knows, and that
// may not look itself up, is used as it is: without the policy default, a token has no right to, and nothing is known
// of its end. An error is what no token helps against, and a token that is refused as such.
func (c *Client) lookUp(ctx context.Context, given Token) (ticket, error) {
	now := c.clock()
	var self struct {
		TTL       seconds `json:"ttl"`
		Life      seconds `json:"creation_ttl"`
		Renewable bool    `json:"renewable"`
	}
	r := request{method: http.MethodGet, path: "auth/token/lookup-self", token: string(given), repeatable: true}
	failure := c.send(ctx, r, &self)
	switch {
	case failure == nil:
		life := max(self.TTL, self.Life) // a renewal by more than creation_ttl leaves a ttl above it
		return newTicket(string(given), now, life, self.TTL, self.Renewable), nil
	case errors.Is(failure, access.ErrUnavailable), failure.mayBeLogin(), ctx.Err() != nil:
		return ticket{}, ofLogin(failure)
	}
	return ticket{token: string(given)}, nil
}

// ask posts a login or a renewal.
func (c *Client) ask(ctx context.Context, r request) (ticket, error) {
	now := c.clock()
	var answer struct {
		Auth struct {
			Token     string  `json:"client_token"`
			Lease     seconds `json:"lease_duration"`
			Renewable bool    `json:"renewable"`
		} `json:"auth"`
	}
	failure := c.send(ctx, r, &answer)
	if failure == nil && !headerText.MatchString(answer.Auth.Token) {
		failure = &Error{
			Method:  r.method,
			Path:    r.path,
			Status:  http.StatusOK,
			problem: "there is no token in the answer",
			fate:    refused,
		}
	}
	if failure != nil {
		return ticket{}, ofLogin(failure)
	}
	c.hide(answer.Auth.Token)
	return newTicket(answer.Auth.Token, now, answer.Auth.Lease, answer.Auth.Lease, answer.Auth.Renewable), nil
}
