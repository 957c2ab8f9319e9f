// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// seconds is a duration as OpenBao writes it.
type seconds int64

func (s seconds) duration() time.Duration { return time.Duration(s) * time.Second }

// A token is had once and shared. It is renewed while it is in use and has less than a third of its life left; once no
// renewal gives more time (its max_ttl is reached), the client logs in again. What the operator gave as a token is only
// ever renewed.

// ticket is the client's token and how long it lasts, by the server's count and this machine's clock.
type ticket struct {
	token     string
	renewable bool
	life      time.Duration // from its start, or from its last renewal
	end       time.Time     // zero: not known, or never
	next      time.Time     // a renewal that got no answer is not tried again before
}

// newTicket returns a token with its end by the server's count. left is 0 for a token without an end.
func newTicket(token string, now time.Time, life, left seconds, renewable bool) ticket {
	t := ticket{token: token, renewable: renewable, life: life.duration()}
	if left > 0 {
		t.end = now.Add(left.duration())
	}
	return t
}

// waning says that less than a third of the ticket's life is left.
func (t ticket) waning(now time.Time) bool {
	return !t.end.IsZero() && t.end.Sub(now) < t.life/3 && !now.Before(t.next)
}

// ofLogin makes a failure one of the client on its own behalf, before the caller's call was sent. Not found, or a bad
// request, means here that the login is not accepted: it never says that the caller's object is gone.
func ofLogin(failure *Error) *Error {
	failure.login = true
	if failure.ended == nil && !errors.Is(failure, access.ErrUnavailable) {
		failure.cause = access.ErrNotPermitted
	}
	return failure
}

// token returns the client's token: logged in with the first call, renewed while in use, and shared by all calls.
func (c *Client) token(ctx context.Context) (string, error) {
	if err := c.lockTicket(ctx); err != nil {
		return "", err
	}
	defer c.unlockTicket()
	if c.ticket.token == "" {
		got, err := c.logIn(ctx)
		if err != nil {
			return "", err
		}
		c.ticket = got
	}
	if c.ticket.waning(c.clock()) {
		if err := c.prolong(ctx); err != nil {
			return "", err
		}
	}
	return c.ticket.token, nil
}

// renewing is how long a renewal may keep the calls that wait for it.
const renewing = 5 * time.Second

// prolong renews the ticket, or logs in again where a renewal gives no more time. The lock is held.
func (c *Client) prolong(ctx context.Context) error {
	if c.ticket.renewable {
		r := request{
			method:     http.MethodPost,
			path:       "auth/token/renew-self",
			body:       []byte("{}"),
			token:      c.ticket.token,
			repeatable: true,
		}
		quick, cancel := context.WithTimeout(ctx, renewing)
		renewed, err := c.ask(quick, r)
		cancel()
		if err == nil && renewed.end.Sub(c.ticket.end) > time.Second {
			c.ticket = renewed
			return nil
		}
		if errors.Is(err, access.ErrUnavailable) {
			return c.renewLater(ctx, err)
		}
		c.ticket.renewable = false
	}
	if !c.logsInAgain() {
		c.ticket.end = time.Time{} // used until the server says no
		return nil
	}
	fresh, err := c.logIn(ctx)
	switch {
	case err == nil:
		c.ticket = fresh
	case c.clock().Before(c.ticket.end):
		c.ticket.life = 0 // asked again when it has ended
		return ctx.Err()
	default:
		return err
	}
	return nil
}

// renewLater lets a token that still lasts do without its renewal for a while: what is asked may be answered all the
// same, by a standby. Cancelled calls and ended tokens fail.
func (c *Client) renewLater(ctx context.Context, failure error) error {
	now := c.clock()
	if ctx.Err() != nil || !now.Before(c.ticket.end) {
		return failure
	}
	c.ticket.next = access.Earliest(now.Add(c.options.Patience), c.ticket.end)
	return nil
}

// logsInAgain says whether the client can get another token by itself.
func (c *Client) logsInAgain() bool {
	_, given := c.options.Login.(Token)
	return !given
}

// ended says whether a token was refused because it has ended, and another one can be had. It asks the server: a plain
// 403 never makes the client log in.
func (c *Client) ended(ctx context.Context, token string) bool {
	if !c.logsInAgain() || c.lockTicket(ctx) != nil {
		return false
	}
	defer c.unlockTicket()
	if c.ticket.token != token {
		return true // another call has found out
	}
	failure := c.send(ctx, request{
		method:     http.MethodGet,
		path:       "auth/token/lookup-self",
		token:      token,
		repeatable: true,
	}, nil)
	if failure == nil || !failure.mayBeLogin() {
		return false
	}
	c.ticket = ticket{}
	return true
}

// lockTicket waits until nobody else logs in, as long as the context allows: of a hundred requests that find the token
// ended, one logs in.
func (c *Client) lockTicket(ctx context.Context) error {
	select {
	case c.login <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &Error{
			Method: http.MethodPost,
			Path:   "auth",
			login:  true,
			cause:  access.ErrUnavailable,
			ended:  ctx.Err(),
		}
	}
}

func (c *Client) unlockTicket() { <-c.login }
