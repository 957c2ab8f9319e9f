// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func (st *stage) token(t testing.TB, name string, life time.Duration) access.Token {
	t.Helper()
	token, err := st.open().Token(context.Background(), idOf(name), time.Now().Add(life))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// tokenTraces is what is stored for a token of an identity beside the token.
func (st *stage) tokenTraces(t testing.TB, name string) (found []string) {
	t.Helper()
	if st.there(t, tokenRole(idOf(name))) {
		found = append(found, "the role")
	}
	for item, text := range st.everything(t) {
		if strings.HasPrefix(item, "identity/entity-alias/") &&
			strings.Contains(text, "auth/token/") &&
			strings.Contains(text, idOf(name).String()) {
			found = append(found, item+": "+text)
		}
		if strings.HasPrefix(item, "identity/entity/id/") && strings.Contains(text, "name:entity_") {
			found = append(found, item+": "+text)
		}
	}
	return found
}

func TestATokenForOneRunDoesWhatTheIdentityMayAndIsGoneAfterwards(t *testing.T) {
	st := startStage(t)
	st.complete(t, "etl")
	before := st.everything(t)
	token := st.token(t, "etl", 5*time.Minute)
	if left := time.Until(token.Until); left > 5*time.Minute || left < 4*time.Minute {
		t.Errorf("it ends in %v", left)
	}
	if !st.reads(t, token.Text, "etl") ||
		st.may(t, token.Text, "read", "orders/other/1") ||
		st.may(t, token.Text, "create", "orders/etl/1") {
		t.Error("it may do more or less than the identity")
	}
	about := st.admin(t, "POST", "auth/token/lookup-accessor", map[string]any{"accessor": token.Accessor})
	if about["renewable"] != false || about["orphan"] != false || about["type"] != "service" {
		t.Errorf("the token is %v", about)
	}
	if left := st.tokenTraces(t, "etl"); len(left) > 0 {
		t.Errorf("beside the token there is %q", left)
	}
	if err := st.open().Revoke(context.Background(),
		access.Token{Identity: token.Identity, Accessor: token.Accessor}); err != nil {
		t.Fatal(err)
	}
	if st.reads(t, token.Text, "etl") {
		t.Error("a revoked token reads")
	}
	if err := st.open().Revoke(context.Background(), token); err != nil {
		t.Errorf("revoked twice: %v", err)
	}
	if after := st.everything(t); len(after) != len(before) {
		t.Errorf("there was %d, and is %d", len(before), len(after))
	}
	if drift := st.get(t, idOf("etl").Ref()).Drift; len(drift) > 0 {
		t.Errorf("drift: %q", drift)
	}
}

func TestATokenForOneRunIsCutWithItsIdentity(t *testing.T) {
	st := startStage(t)
	cuts := map[string]func(t *testing.T, name string, all complete){
		"disabled by hand": func(t *testing.T, name string, _ complete) {
			st.admin(t, "POST", entityPath(idOf(name)), map[string]any{"disabled": true})
		},
		"suspended": func(t *testing.T, name string, all complete) {
			st.put(t, identityOf(name, suspended), known(all.identity))
		},
		"destroyed":            func(t *testing.T, _ string, all complete) { st.drop(t, all.identity) },
		"its grant is revoked": func(t *testing.T, _ string, all complete) { st.drop(t, all.grant) },
	}
	for how, cut := range cuts {
		t.Run(how, func(t *testing.T) {
			name := slug(how)
			all := st.complete(t, name)
			token := st.token(t, name, 5*time.Minute)
			if !st.reads(t, token.Text, name) {
				t.Fatal("it does not work")
			}
			cut(t, name, all)
			if st.reads(t, token.Text, name) {
				t.Error("it works still")
			}
		})
	}
}

func TestNoTokenOfAnIdentityThatIsCutOrGone(t *testing.T) {
	st := startStageAlone(t)
	st.complete(t, "held")
	st.admin(t, "POST", entityPath(idOf("held")), map[string]any{"disabled": true})
	st.put(t, identityOf("paused", suspended))
	st.put(t, identityOf("over", func(i *access.Identity) { i.ExpiresAt = in(2 * time.Second) }))
	time.Sleep(2500 * time.Millisecond)
	for name, want := range map[string]error{
		"held":   access.ErrCut,
		"paused": access.ErrCut,
		"over":   access.ErrEnded,
		"nobody": access.ErrNoIdentity,
	} {
		if token, err := st.open().Token(context.Background(), idOf(name),
			time.Now().Add(time.Minute)); !errors.Is(err, want) || token.Text != "" {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		if left := st.tokenTraces(t, name); len(left) > 0 {
			t.Errorf("%s: there is %q", name, left)
		}
	}
}

func TestATokenForOneRunEndsByItself(t *testing.T) {
	st := startStageAlone(t)
	st.complete(t, "short")
	st.put(t, identityOf("brief", func(i *access.Identity) { i.ExpiresAt = in(4 * time.Second) }))
	st.put(t, grantOf("brief", func(g *access.Grant) { g.ExpiresAt = in(3 * time.Second) }))
	short := st.token(t, "short", 3*time.Second)
	brief := st.token(t, "brief", 15*time.Minute)
	if left := time.Until(brief.Until); left > 4*time.Second {
		t.Errorf("it outlives its identity: %v", left)
	}
	if !st.reads(t, short.Text, "short") || !st.reads(t, brief.Text, "brief") {
		t.Fatal("it does not work")
	}
	time.Sleep(4500 * time.Millisecond)
	if st.reads(t, short.Text, "short") || st.reads(t, brief.Text, "brief") {
		t.Error("it works after its end")
	}
	for _, token := range []access.Token{short, brief} {
		if err := st.open().Revoke(context.Background(), token); err != nil {
			t.Errorf("a token that has ended: %v", err)
		}
	}
}

// Whoever asked for a token died in between: role and alias stay, are no drift, and go with the next
// token or the identity.
func TestWhatADeadRunLeftOfATokenIsSwept(t *testing.T) {
	st := startStage(t)
	for _, name := range []string{"next", "gone"} {
		all := st.complete(t, name)
		s := st.open()
		there, err := s.entities.readEntity(context.Background(), idOf(name))
		if err == nil {
			err = s.prepareToken(context.Background(), idOf(name), there.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		if drift := st.get(t, idOf(name).Ref()).Drift; len(drift) > 0 {
			t.Errorf("drift: %q", drift)
		}
		if len(st.tokenTraces(t, name)) != 2 {
			t.Fatalf("there is %q", st.tokenTraces(t, name))
		}
		if name == "next" {
			st.token(t, name, time.Minute)
		} else {
			st.drop(t, all.identity)
		}
		if left := st.tokenTraces(t, name); len(left) > 0 {
			t.Errorf("%s: there is %q", name, left)
		}
	}
}

// Several runs at once make and remove the same role and alias.
func TestManyRunsTakeTokensAtOnce(t *testing.T) {
	st := startStage(t)
	st.complete(t, "busy")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			token, err := st.open().Token(context.Background(), idOf("busy"), time.Now().Add(time.Minute))
			if err != nil {
				t.Error(err)
			} else if !st.reads(t, token.Text, "busy") {
				t.Error("a token does not work")
			}
		})
	}
	wg.Wait()
	if left := st.tokenTraces(t, "busy"); len(left) > 0 {
		t.Errorf("there is %q", left)
	}
}
