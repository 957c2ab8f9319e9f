// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// tokenGateway does what a gateway does: it verifies the token with the published keys, and asks the published policy.
const tokenGateway = `package gateway

config := json.unmarshal(data.document)

verified := io.jwt.decode_verify(input.token, {"cert": data.keys, "iss": config.issuer, "aud": "partner", "time": input.ns})

answer := {"valid": verified[0], "claims": verified[2], "allow": a, "why": y} if {
	asked := {"credential": {"claims": verified[2]}, "action": "read", "path": input.path}
	a := data.partner.allow with input as asked with time.now_ns as input.ns
	y := data.partner.reason with input as asked with time.now_ns as input.ns
}
`

type tokenAnswer struct {
	Valid, Allow bool
	Why          []string
	Claims       map[string]any
}

// gateway asks about a token at the world's moment.
func (w *world) gateway(token, path string) tokenAnswer {
	w.Helper()
	dir := w.TempDir()
	save := func(name string, v any) string {
		text, ok := v.(string)
		if !ok {
			raw, err := json.Marshal(v)
			if err != nil {
				w.Fatal(err)
			}
			text = string(raw)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			w.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	about := save("about.json", map[string]string{"keys": w.read("publish/jwks.json"),
		"document": w.read("publish/openid-configuration")})
	input := save("input.json", map[string]any{"token": token, "path": path, "ns": w.clock().UnixNano()})
	args := []string{"eval", "--format=raw", "--input", input, "--data", about, "--data",
		save("gateway.rego", tokenGateway)}
	for _, name := range []string{"data.json", "hold.json", "policy.rego"} {
		args = append(args, "--data", filepath.Join(w.dir, "publish/policy", name))
	}
	out, err := exec.Command(realtool.Find(w, "opa"), append(args, "data.gateway.answer")...).CombinedOutput()
	if err != nil {
		w.Fatalf("opa: %v\n%s", err, out)
	}
	var a tokenAnswer
	if err := json.Unmarshal(out, &a); err != nil {
		w.Fatalf("opa answered %s", out)
	}
	return a
}

func (w *world) token(id access.IdentityID, life time.Duration) access.Token {
	w.Helper()
	token, err := w.Token(w.ctx(), id, w.clock().Add(life))
	if err != nil {
		w.Fatal(err)
	}
	return token
}

const ordersPath = "orders/acme/daily/1.csv"

// reader is an identity that may read orders.
func (w *world) reader() *access.Record {
	w.Helper()
	r := w.put(identity(acme, 30))
	w.put(grant(acme, "daily", "orders/acme/*", 30, "read"))
	return r
}

func TestATokenForOneRunOpensWhatTheIdentityMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	before := w.files(".")
	token := w.token(acme, 5*time.Minute)
	for name, text := range w.files(".") {
		if before[name] != text {
			t.Errorf("giving it out changed %s", name)
		}
	}
	got := w.gateway(token.Text, ordersPath)
	if !got.Valid || !got.Allow {
		t.Fatalf("refused: %+v", got)
	}
	want := map[string]any{
		"iss": "urn:partner:prod", "sub": acme.String(), "aud": "partner", "jti": token.Accessor, "uid": r.UID,
		"iat": float64(start.Unix()), "nbf": float64(start.Add(-access.Late).Unix()),
		"exp": float64(start.Unix() + 300),
	}
	if fmt.Sprint(got.Claims) != fmt.Sprint(want) || !token.Until.Equal(start.Add(5*time.Minute)) {
		t.Errorf("the claims are %v until %v, want %v", got.Claims, token.Until, want)
	}
	if w.gateway(token.Text, "orders/globex/1.csv").Allow {
		t.Error("it opens more than is granted")
	}
	forged := token.Text[:strings.LastIndexByte(token.Text, '.')-2] + "AA" +
		token.Text[strings.LastIndexByte(token.Text, '.'):]
	if w.gateway(forged, ordersPath).Allow {
		t.Error("a forged one works")
	}
	w.wait(5 * time.Minute)
	if got := w.gateway(token.Text, ordersPath); got.Valid || got.Allow {
		t.Errorf("it works after its end: %+v", got)
	}
}

func TestATokenForOneRunIsRefusedOnceRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.reader()
	token, other := w.token(acme, 5*time.Minute), w.token(acme, 5*time.Minute)
	w.restart() // another process may close it, with what it has kept
	for range 2 {
		if err := w.Revoke(w.ctx(), access.Token{
			Identity: acme,
			Accessor: token.Accessor,
			Until:    token.Until,
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.gateway(token.Text, ordersPath); got.Allow || !strings.Contains(fmt.Sprint(got.Why), "token_revoked") {
		t.Errorf("a revoked one: %+v", got)
	}
	if !w.gateway(other.Text, ordersPath).Allow {
		t.Error("the other one is refused, too")
	}
	if file := "ledger/revoked/token-" + token.Accessor + ".json"; w.read(file) == "" {
		t.Errorf("there is no %s", file)
	}
	for name, text := range w.files(".") {
		if strings.Contains(text, token.Text) || strings.Contains(text, other.Text) {
			t.Errorf("%s has a token in it", name)
		}
	}
	w.wait(25 * time.Hour)
	w.put(grant(acme, "weekly", "weekly/acme/*", 30, "read"))
	if strings.Contains(w.read("publish/policy/data.json"), token.Accessor) ||
		w.read("ledger/revoked/token-"+token.Accessor+".json") != "" {
		t.Error("it is remembered for ever")
	}
	if err := w.Revoke(w.ctx(), token); err != nil {
		t.Errorf("one that has ended: %v", err)
	}
	if err := w.Revoke(w.ctx(), access.Token{
		Identity: acme,
		Accessor: "../x",
		Until:    w.clock().Add(time.Hour),
	}); err == nil {
		t.Error("what is no token was revoked")
	}
}

func TestATokenForOneRunIsCutWithItsIdentity(t *testing.T) {
	t.Parallel()
	cuts := map[string]func(w *world, r *access.Record){
		"suspended": func(w *world, r *access.Record) {
			i := identity(acme, 30)
			i.Suspended = true
			w.put(i, update(r))
		},
		"destroyed": func(w *world, r *access.Record) { w.drop(r) },
		"made anew": func(w *world, r *access.Record) { w.drop(r); w.reader() },
		"held": func(w *world, _ *access.Record) {
			if err := os.MkdirAll(filepath.Join(w.dir, "hold/acme"), 0o755); err != nil {
				w.Fatal(err)
			}
			w.put(grant(acme, "weekly", "weekly/acme/*", 30, "read"))
		},
	}
	for how, cut := range cuts {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.reader()
			token := w.token(acme, 5*time.Minute)
			cut(w, r)
			if got := w.gateway(token.Text, ordersPath); !got.Valid || got.Allow {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func (w *world) drop(r *access.Record) {
	w.Helper()
	if _, err := w.Delete(w.ctx(), r.Object.Ref(), r.UID); err != nil {
		w.Fatal(err)
	}
}

func TestNoTokenOfAnIdentityThatIsCutOrGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := func(partner string) access.IdentityID {
		return access.IdentityID{Partner: partner, Environment: "prod", Name: "etl"}
	}
	if _, err := w.Token(w.ctx(), acme, w.clock().Add(time.Minute)); !errors.Is(err, access.ErrNoIdentity) {
		t.Errorf("before anything is there: %v", err)
	}
	if len(w.files(".")) > 0 {
		t.Error("asking in vain made files")
	}
	paused := identity(other("paused"), 30)
	paused.Suspended = true
	w.put(paused)
	w.put(identity(other("held"), 30))
	w.put(identity(other("over"), 1))
	w.put(identity(acme, 30))
	if err := os.MkdirAll(filepath.Join(w.dir, "hold/held"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.wait(24*time.Hour - 2*time.Minute)
	if token := w.token(other("over"), 15*time.Minute); !token.Until.Equal(w.clock().Add(2 * time.Minute)) {
		t.Errorf("it outlives its identity: %v", token.Until)
	}
	w.wait(2 * time.Minute)
	for partner, want := range map[string]error{
		"paused": access.ErrCut,
		"held":   access.ErrCut,
		"over":   access.ErrEnded,
		"nobody": access.ErrNoIdentity,
	} {
		if token, err := w.Token(w.ctx(), other(partner), w.clock().Add(time.Minute)); !errors.Is(err, want) ||
			token.Text != "" {
			t.Errorf("%s: got %v, want %v", partner, err, want)
		}
	}
}

func TestTokensAreGivenOutWhileOthersChangeTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.reader()
	var wg sync.WaitGroup
	for n := range 10 {
		wg.Go(func() {
			if _, err := w.try(grant(acme, fmt.Sprint("g", n), fmt.Sprintf("orders/acme/%d", n), 30,
				"read")); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			token, err := w.Token(w.ctx(), acme, w.clock().Add(time.Minute))
			if err == nil {
				err = w.Revoke(w.ctx(), token)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := strings.Count(w.read("publish/policy/data.json"),
		start.Add(time.Minute).Format(time.RFC3339)); got != 10 {
		t.Errorf("%d tokens are revoked", got)
	}
}
