// SPDX-License-Identifier: MPL-2.0

package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// must asks the real server as root.
func must(t *testing.T, b *realtool.Bao, method, path string, body any) map[string]any {
	t.Helper()
	status, answer := b.Call(t, b.RootToken, method, path, body)
	if status/100 != 2 {
		t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	data, _ := answer["data"].(map[string]any)
	return data
}

func realClient(t *testing.T, b *realtool.Bao, login Login, change ...func(*Options)) *Client {
	t.Helper()
	return clientAt(t, b.Address, append([]func(*Options){func(o *Options) {
		o.CACertPEM, o.Login = []byte(b.CA), login
	}}, change...)...)
}

func TestOpenBaoIsUnderstood(t *testing.T) {
	t.Parallel()
	b := realtool.StartBao(t)
	c := realClient(t, b, Token(b.RootToken))
	ctx := t.Context()
	policy := map[string]any{"policy": `path "sys/policies/acl/*" { capabilities = ["read"] }`, "cas": -1}

	t.Run("what is there is read", func(t *testing.T) {
		if err := c.PostOnce(ctx, "sys/policies/acl/partner/acme/x", policy, nil); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Policy  string
			Version int
		}
		if err := c.Get(ctx, "sys/policies/acl/partner/acme/x", &got); err != nil ||
			got.Policy != policy["policy"] ||
			got.Version != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
		var listed struct{ Keys []string }
		if err := c.List(ctx, "sys/policies/detailed/acl/partner", &listed); err != nil ||
			!strings.Contains(strings.Join(listed.Keys, " "), "partner/acme/x") {
			t.Errorf("listed %v, %v", listed.Keys, err)
		}
		var seal struct{ Version string }
		if err := c.Get(ctx, "sys/seal-status", &seal); err != nil || seal.Version == "" {
			t.Errorf("no version: %+v, %v", seal, err)
		}
	})
	t.Run("a second claim is a conflict", func(t *testing.T) {
		var failure *Error
		if err := c.PostOnce(ctx, "sys/policies/acl/partner/acme/x", policy, nil); !errors.As(err, &failure) ||
			!failure.Conflict() ||
			failure.Ambiguous {
			t.Errorf("got %v", err)
		}
	})
	t.Run("created and updated are told apart", func(t *testing.T) {
		entity := map[string]any{"name": "partner/acme/x"}
		var first, second struct{ ID string }
		if err := errors.Join(c.Put(ctx, "identity/entity", entity, &first),
			c.Put(ctx, "identity/entity", entity, &second)); err != nil ||
			first.ID == "" ||
			second.ID != "" {
			t.Errorf("got %q, then %q, %v", first.ID, second.ID, err)
		}
	})
	for path, want := range map[string]error{
		"identity/group/id":          access.ErrNotFound, // an empty listing
		"partner-approle/x":          access.ErrUnsupported,
		"auth/partner-approle/role":  access.ErrUnsupported,
		"identity/no/such/operation": access.ErrUnsupported,
	} {
		t.Run("list "+path, func(t *testing.T) {
			if err := c.List(ctx, path, nil); !is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		})
	}
	t.Run("what is gone is not found, and may be deleted again", func(t *testing.T) {
		if err := c.Delete(ctx, "sys/policies/acl/partner/acme/x"); err != nil {
			t.Error(err)
		}
		if err := c.Delete(ctx, "sys/policies/acl/partner/acme/x"); err != nil {
			t.Error(err)
		}
		if err := c.Get(ctx, "sys/policies/acl/partner/acme/x", nil); !is(err, access.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("another's token is not permitted", func(t *testing.T) {
		if err := realClient(t, b, given).Get(ctx, "sys/policies/acl/default", nil); !is(err, access.ErrNotPermitted) ||
			strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a namespace that is missing is not a missing object", func(t *testing.T) {
		inside := func(o *Options) { o.Namespace = "partners" }
		if err := realClient(t, b, Token(b.RootToken), inside).Get(ctx, "identity/entity/name/x",
			nil); errors.Is(err, access.ErrNotFound) || err == nil {
			t.Errorf("got %v", err)
		}
		must(t, b, "POST", "sys/namespaces/partners", map[string]any{})
		if err := realClient(t, b, Token(b.RootToken), inside).Get(ctx, "identity/entity/name/x", nil); !is(err,
			access.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("the clocks of one machine agree", func(t *testing.T) {
		if skew, known := c.Skew(); skew != 0 || !known {
			t.Errorf("got %s, %v", skew, known)
		}
	})
	t.Run("a server that is not trusted is not asked", func(t *testing.T) {
		stranger := clientAt(t, b.Address, func(o *Options) { o.Login = given })
		if err := stranger.Get(ctx, "a", nil); !is(err, access.ErrUnavailable) ||
			!strings.Contains(err.Error(), "certificate") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a quota is waited for", func(t *testing.T) {
		must(t, b, "POST", "sys/quotas/config", map[string]any{"enable_rate_limit_response_headers": true})
		must(t, b, "POST", "sys/quotas/rate-limit/few",
			map[string]any{"path": "identity/", "rate": 5, "interval": "1s"})
		before := c.Requests()
		for range 8 {
			if err := c.Get(ctx, "identity/entity/name/partner/acme/x", nil); err != nil {
				t.Fatal(err)
			}
		}
		if c.Requests()-before <= 8 {
			t.Error("the quota refused nothing, so that nothing was proven")
		}
	})
}

func TestOpenBaoKeepsTheProviderLoggedIn(t *testing.T) {
	t.Parallel()
	b := realtool.StartBao(t)
	must(t, b, "POST", "sys/policies/acl/plan",
		map[string]any{"policy": `path "sys/policies/acl/*" { capabilities = ["read"] }`})
	for name, login := range map[string]Login{"AppRole": realAppRole(t, b), "JWT": realJWT(t, b)} {
		t.Run(name, func(t *testing.T) {
			c := realClient(t, b, login)
			time := newClock()
			c.clock = time.Now
			use := func(requests int64) {
				t.Helper()
				before := c.Requests()
				if err := c.Get(t.Context(), "sys/policies/acl/plan", nil); err != nil {
					t.Fatal(err)
				}
				if sent := c.Requests() - before; sent != requests {
					t.Errorf("%d requests, want %d", sent, requests)
				}
			}
			use(2) // the login
			use(1)
			first := c.ticket.token
			time.move(50 * tick)
			use(2) // the renewal
			if c.ticket.token != first {
				t.Error("the token was not renewed but replaced")
			}
			use(1)
			if err := c.Get(t.Context(), "sys/mounts", nil); !is(err, access.ErrNotPermitted) ||
				c.ticket.token != first {
				t.Errorf("got %v", err)
			}
			must(t, b, "POST", "auth/token/revoke", map[string]any{"token": first})
			use(4) // refused, looked up, logged in, repeated
			if c.ticket.token == first {
				t.Error("the token was not replaced")
			}
		})
	}
	t.Run("a wrong secret id", func(t *testing.T) {
		err := realClient(t, b, AppRole{RoleID: "provider", SecretID: secretID}).Get(t.Context(), "a", nil)
		if !is(err, access.ErrNotPermitted) || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v", err)
		}
	})
}

const tick = time.Minute // of tokens that live for 60

func realAppRole(t *testing.T, b *realtool.Bao) Login {
	t.Helper()
	must(t, b, "POST", "sys/auth/approle", map[string]any{"type": "approle"})
	must(t, b, "POST", "auth/approle/role/provider",
		map[string]any{"role_id": "provider", "token_policies": "plan", "token_ttl": "60m"})
	secret := must(t, b, "POST", "auth/approle/role/provider/secret-id", map[string]any{})["secret_id"].(string)
	return AppRole{RoleID: "provider", SecretID: secret}
}

func realJWT(t *testing.T, b *realtool.Bao) Login {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	must(t, b, "POST", "sys/auth/ci", map[string]any{"type": "jwt"})
	must(t, b, "POST", "auth/ci/config",
		map[string]any{"bound_issuer": "https://ci.example.com", "jwt_validation_pubkeys": []string{public}})
	must(t, b, "POST", "auth/ci/role/provider", map[string]any{
		"role_type": "jwt", "user_claim": "sub", "bound_audiences": "bao", "bound_subject": "repo",
		"token_policies": "plan", "token_ttl": "60m",
	})
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	signed, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: "https://ci.example.com", Subject: "repo", Audience: jwt.Audience{"bao"},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(time.Hour)),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return JWT{Mount: "ci", Role: "provider", JWT: signed}
}

func TestASealedOpenBaoIsOneClearErrorSoon(t *testing.T) {
	t.Parallel()
	b := realtool.StartBao(t)
	c := realClient(t, b, Token(b.RootToken))
	c.firstWait = firstWait
	if err := c.Get(t.Context(), "sys/mounts", nil); err != nil {
		t.Fatal(err)
	}
	if status, answer := b.Call(t, b.RootToken, "PUT", "sys/seal", nil); status != http.StatusNoContent {
		t.Fatalf("seal: %d %v", status, answer)
	}
	for name, call := range map[string]func() error{
		"get":  func() error { return c.Get(t.Context(), "sys/mounts", nil) },
		"put":  func() error { return c.Put(t.Context(), "sys/mounts/x", map[string]any{}, nil) },
		"once": func() error { return c.PostOnce(t.Context(), "sys/mounts/x", map[string]any{}, nil) },
		"log in": func() error {
			return realClient(t, b, AppRole{RoleID: "provider", SecretID: secretID}).Get(t.Context(), "sys/mounts", nil)
		},
	} {
		began := time.Now()
		err := call()
		var failure *Error
		if !errors.As(err, &failure) ||
			failure.Ambiguous ||
			!is(err, access.ErrUnavailable) ||
			!strings.Contains(err.Error(), "is sealed: it must be unsealed") {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
	}
}
