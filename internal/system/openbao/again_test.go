// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// A destroy wrote the policy, and died. What is made again is another one: nobody who held the old one gets in by it.
func TestWhatIsMadeAgainAfterHalfARemovalDoesNotReviveTheOld(t *testing.T) {
	st := startStage(t)
	died := func(t *testing.T, r *access.Record) {
		t.Helper()
		first := true
		dead := st.open(dyingWhen(false, func(string, string) bool { was := first; first = false; return !was }))
		if _, err := dead.Delete(t.Context(), r.Object.Ref(), r.UID); err == nil {
			t.Fatal("it did not die")
		}
	}
	for _, kind := range kinds {
		for _, whole := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the whole identity %v", kind, whole), func(t *testing.T) {
				t.Parallel()
				name := fmt.Sprintf("%s-%v", kind, whole)
				all := st.complete(t, name, kind)
				old := all.holders[kind]
				token := st.session(t, old)
				if whole {
					died(t, all.identity)
					st.put(t, identityOf(name))
					st.put(t, grantOf(name))
				} else {
					died(t, all.credentials[kind])
				}
				r := st.put(t, all.credentials[kind].Object)
				if st.reads(t, token, name) {
					t.Error("a session of before reads")
				}
				if kind != access.Federated && st.login(t, old) != "" {
					t.Error("what was issued before logs in")
				}
				if !st.reads(t, st.session(t, st.holder(old.Credential, r)), name) {
					t.Error("the new one does not work")
				}
				if drift := st.get(t, r.Object.Ref()).Drift; len(drift) > 0 {
					t.Errorf("drift: %q", drift)
				}
			})
		}
	}
}

// Somebody deleted the policy, and with it the ledger. All else still stands, and must not come back to life.
func TestWhatIsMadeAgainAfterItsPolicyWasDeletedDoesNotReviveTheOld(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "etl", kinds...)
	tokens := map[access.Kind]string{}
	for _, kind := range kinds {
		tokens[kind] = st.session(t, all.holders[kind])
	}
	st.admin(t, "DELETE", "sys/policies/acl/partner/acme/prod/etl", nil)
	again := st.complete(t, "etl")
	for _, kind := range kinds {
		if st.reads(t, tokens[kind], "etl") {
			t.Errorf("a session of %s reads", kind)
		}
		if token := st.login(t, all.holders[kind]); token != "" && st.reads(t, token, "etl") {
			t.Errorf("%s of before logs in", kind)
		}
	}
	r := st.get(t, again.identity.Object.Ref())
	if len(r.Drift) > 0 {
		t.Errorf("drift: %q", r.Drift)
	}
	st.drop(t, r)
	if left := st.traces(t, idOf("etl")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestWhoCameFromAnIssuerThatIsLeftIsNobody(t *testing.T) {
	st := startStage(t)
	const second = "https://login2.acme.test"
	config := st.admin(t, "GET", "auth/"+usualJWT(issuerURL)+"/config", nil)
	mount := usualJWT(second)
	st.admin(t, "POST", "sys/auth/"+mount, map[string]any{"type": "jwt"})
	st.admin(t, "POST", "auth/"+mount+"/config", map[string]any{
		"bound_issuer": second, "jwt_supported_algs": []string{"ES256"},
		"jwt_validation_pubkeys": config["jwt_validation_pubkeys"],
	})
	all := st.complete(t, "etl", access.Federated)
	old := all.holders[access.Federated]
	token := st.session(t, old)
	moved := st.credentialOf("etl", access.Federated, func(c *access.Credential) { c.Federated.Issuer = second })
	r := st.put(t, moved, known(all.credentials[access.Federated]))
	if st.reads(t, token, "etl") {
		t.Error("a session of before reads")
	}
	if st.login(t, old) != "" {
		t.Error("who comes from the old issuer logs in")
	}
	if !st.reads(t, st.session(t, st.holder(moved, r)), "etl") {
		t.Error("who comes from the new issuer does not")
	}
	for _, ref := range []access.Ref{moved.Ref(), idOf("etl").Ref()} {
		if drift := st.get(t, ref).Drift; len(drift) > 0 {
			t.Errorf("%s: %q", ref, drift)
		}
	}
	if st.there(t, "auth/"+usualJWT(issuerURL)+"/cel/role/acme.prod.etl") {
		t.Error("the role at the old issuer is left")
	}
}

// To disable an auth method is how to cut all who come by it. A plan only looks, and does not undo that.
func TestAReadMakesNoMount(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "etl", kinds...)
	for _, path := range []string{"sys/auth/partner-approle", "sys/auth/partner-cert",
		"sys/auth/" + usualJWT(issuerURL), "sys/mounts/partner-pki"} {
		st.admin(t, "DELETE", path, nil)
	}
	for _, kind := range kinds {
		if drift := st.get(t, all.credentials[kind].Object.Ref()).Drift; len(drift) == 0 {
			t.Errorf("%s: nothing is missing", kind)
		}
	}
	for mount := range st.admin(t, "GET", "sys/auth", nil) {
		if strings.HasPrefix(mount, "partner-") {
			t.Errorf("there is %s again", mount)
		}
	}
	st.drop(t, all.identity)
	if left := st.traces(t, idOf("etl")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// Several processes change the credentials of one identity, and what is above it. In the end what the ledger names
// works, and nothing else lives.
func TestRacesEndWithWhatTheLedgerNames(t *testing.T) {
	st := startStage(t)
	for _, kind := range []access.Kind{access.Certificate, access.Secret} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			name := "race-" + string(kind)
			top := st.put(t, identityOf(name+"-top", allowing))
			st.put(t, identityOf(name, childOf(name+"-top")))
			st.put(t, grantOf(name))
			c := st.credentialOf(name, kind)
			first := st.put(t, c)
			var all sync.WaitGroup
			var mu sync.Mutex
			answers := map[string]*access.Record{first.Issued.Fingerprint: first}
			for n := range 3 {
				issue := []access.Issue{access.IssueReplace, access.IssueReplace, access.IssueKeep}[n]
				all.Go(func() {
					s := st.open()
					for range 4 {
						r, err := s.Put(t.Context(), st.change(c, known(first), issuing(issue)))
						if err != nil {
							t.Errorf("put: %v", err)
							return
						}
						mu.Lock()
						if old := answers[r.Issued.Fingerprint]; old == nil || r.Issued.Text+r.Issued.Sealed != "" {
							answers[r.Issued.Fingerprint] = r
						}
						mu.Unlock()
					}
				})
			}
			all.Go(func() {
				s := st.open()
				for n := range 8 {
					i := identityOf(name+"-top", allowing,
						func(i *access.Identity) { i.Contact = fmt.Sprint("contact ", n) })
					if _, err := s.Put(t.Context(), st.change(i, known(top))); err != nil {
						t.Errorf("put above: %v", err)
						return
					}
				}
			})
			all.Wait()
			last := st.get(t, c.Ref())
			if last.Issued == nil || answers[last.Issued.Fingerprint] == nil {
				t.Fatalf("the ledger names %+v, which nobody was told", last.Issued)
			}
			if len(last.Drift) > 0 {
				t.Errorf("drift: %q", last.Drift)
			}
			if p := st.holder(c, answers[last.Issued.Fingerprint]); !st.reads(t, st.session(t, p), name) {
				t.Error("what the ledger names does not work")
			}
			tried := 0
			for fingerprint, r := range answers {
				p := st.holder(c, r)
				// OpenBao locks out after 5
				if fingerprint == last.Issued.Fingerprint ||
					p.Secret+p.Certificate == "" ||
					tried == 4 {
					continue
				}
				tried++
				if st.login(t, p) != "" {
					t.Errorf("one of %d others works", len(answers)-1)
				}
			}
			if secrets := st.accessors(t, name); kind == access.Secret && secrets != 1 {
				t.Errorf("there are %d secret ids", secrets)
			}
			if kind == access.Certificate {
				if live := (&life{st: st, t: t, name: name}).live(); len(live) != 1 {
					t.Errorf("the certificates %v live", live)
				}
			}
		})
	}
}

// What is above changes between the write of a replacement and its end. The second round must not take the new one for
// the old one.
func TestAChangeAboveInTheMiddleOfAReplacementLosesNothing(t *testing.T) {
	st := startStage(t)
	for _, kind := range []access.Kind{access.Certificate, access.Secret} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			name := "middle-" + string(kind)
			top := st.put(t, identityOf(name+"-top", allowing))
			st.put(t, identityOf(name, childOf(name+"-top")))
			st.put(t, grantOf(name))
			c := st.credentialOf(name, kind)
			first := st.put(t, c)
			old := st.holder(c, first)
			var once sync.Once
			s := st.open(before("POST", "sys/policies/acl/"+store.NameOf(idOf(name)), func() {
				once.Do(func() {
					st.put(t, identityOf(name+"-top", allowing, suspended), known(top))
					st.put(t, identityOf(name+"-top", allowing), known(top))
				})
			}))
			r, err := s.Put(t.Context(), st.change(c, known(first), issuing(access.IssueReplace)))
			if err != nil {
				t.Fatal(err)
			}
			if st.login(t, old) != "" {
				t.Error("the old one works")
			}
			if !st.reads(t, st.session(t, st.holder(c, r)), name) {
				t.Error("the new one does not work")
			}
			if drift := st.get(t, c.Ref()).Drift; len(drift) > 0 {
				t.Errorf("drift: %q", drift)
			}
		})
	}
}

func TestAnUnusedSecretOfALostRaceIsTakenBack(t *testing.T) {
	st := startStage(t)
	st.put(t, identityOf("etl"))
	c := st.credentialOf("etl", access.Secret)
	var once sync.Once
	s := st.open(before("POST", "sys/policies/acl/partner/acme/prod/etl", func() { once.Do(func() { st.put(t, c) }) }))
	r, err := s.Put(t.Context(), st.change(c))
	if err != nil {
		t.Fatal(err)
	}
	if drift := st.get(t, c.Ref()).Drift; len(drift) > 0 {
		t.Errorf("drift: %q", drift)
	}
	if st.login(t, st.holder(c, r)) == "" {
		t.Error("what was answered does not work")
	}
	if len(st.secrets) < 2 {
		t.Error("there was no race")
	}
}

// One path that a gateway answers with 504 was taken for a server that is away: what was issued was not taken back, and
// what hangs on it not revoked.
func TestWhatTakesAwayIsSentThoughTheServerSeemsAway(t *testing.T) {
	st := startStage(t)
	i := st.put(t, identityOf("etl"))
	c := st.credentialOf("etl", access.Secret)
	s := st.open(func(o *client.Options) {
		o.Patience = time.Second
		inner := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "sys/policies/acl/partner/acme/prod/etl") {
				return fault{status: http.StatusGatewayTimeout}.carry(r, inner)
			}
			return inner.RoundTrip(r)
		})
	})
	_, err := s.Put(t.Context(), st.change(c))
	met := &access.Outage{}
	if !errors.As(err, &met) {
		t.Fatal(err)
	}
	if status, left := st.bao.Call(t, st.bao.RootToken, "LIST", "auth/partner-approle/role/acme.prod.etl/secret-id",
		nil); len(st.secrets) == 0 || status != 404 {
		t.Errorf("of %d secrets %v are left, after %v", len(st.secrets), left, err)
	}
	suspended := identityOf("etl", func(i *access.Identity) { i.Suspended = true })
	for what, act := range map[string]func() error{
		"a destroy": func() error { _, err := s.Delete(t.Context(), i.Object.Ref(), i.UID); return err },
		"less access": func() error {
			_, err := s.Put(access.Insisting(t.Context()), st.change(suspended, known(i)))
			return err
		},
	} {
		asked := s.client.Requests()
		if err := act(); err == nil || s.client.Requests() == asked {
			t.Errorf("%s is not tried: %v", what, err)
		}
	}
}

// The one that comes second finds the entity of the first. It is no leftover.
func TestTwoWhoCreateOneIdentityDoNotUndoEachOther(t *testing.T) {
	st := startStage(t)
	i := identityOf("etl")
	var once sync.Once
	var first *access.Record
	s := st.open(before("GET", entityPath(i.ID), func() { once.Do(func() { first = st.put(t, i) }) }))
	if _, err := s.Put(t.Context(), st.change(i, func(c *access.Change) { c.Stack = "others" })); !errors.Is(err,
		access.ErrOtherStack) {
		t.Errorf("the second is told %v", err)
	}
	if r := st.get(t, i.Ref()); first == nil || r.UID != first.UID || len(r.Drift) > 0 {
		t.Errorf("there is %+v, drift %q", r, r.Drift)
	}
}

// Somebody else created it after this process had read everything. Whoever is refused because of
// it can read it at once.
func TestWhatAChangeRanIntoIsThereForTheNextRead(t *testing.T) {
	st := startStage(t)
	s := st.open()
	s.options.Fresh = time.Minute
	if _, err := s.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	i := identityOf("etl")
	first := st.put(t, i)
	if _, err := s.Put(t.Context(), st.change(i, func(c *access.Change) { c.Stack = "others" })); !errors.Is(err,
		access.ErrOtherStack) {
		t.Errorf("the second is told %v", err)
	}
	if r, err := s.Get(t.Context(), i.Ref()); err != nil || r.UID != first.UID {
		t.Errorf("it reads %+v, %v", r, err)
	}
}
