// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// The engine builds its list once a day, as its documentation suggests, or never. What is revoked is refused at once.
func TestAStolenCertificateIsRefusedHoweverTheEngineBuildsItsList(t *testing.T) {
	for name, config := range map[string]map[string]any{
		"rebuilt automatically": {"auto_rebuild": true}, "off": {"disable": true},
		"off and automatic": {"disable": true, "auto_rebuild": true},
	} {
		t.Run(name, func(t *testing.T) {
			st := startStage(t)
			all := st.complete(t, "etl", access.Certificate)
			st.admin(t, "POST", "partner-pki/config/crl", config)
			stolen := all.holders[access.Certificate]
			r := all.credentials[access.Certificate]
			st.session(t, stolen)
			again := st.put(t, r.Object, known(r), issuing(access.IssueReplace))
			if st.login(t, stolen) != "" {
				t.Error("the stolen certificate logs in")
			}
			second := st.holder(r.Object.(*access.Credential), again)
			st.session(t, second)
			third := st.credentialOf("etl", access.Certificate, func(c *access.Credential) {
				c.Certificate.CSR = requestOf(t, ecOf(t, elliptic.P256()), x509.ECDSAWithSHA256)
			})
			if st.put(t, third, known(again)); st.login(t, second) != "" {
				t.Error("the certificate of a request that was replaced logs in")
			}
			again = st.put(t, r.Object, known(r))
			second = st.holder(r.Object.(*access.Credential), again)
			st.session(t, second)
			if drift := st.get(t, r.Object.Ref()).Drift; len(drift) > 0 {
				t.Errorf("drift: %q", drift)
			}
			// Somebody puts the engine's own list in the place of ours.
			st.admin(t, "DELETE", "auth/partner-cert/crls/partner", nil)
			if st.login(t, stolen) == "" {
				t.Fatal("the attack does not work")
			}
			if drift := strings.Join(st.get(t, r.Object.Ref()).Drift, " "); !strings.Contains(drift,
				r.Issued.Serial+" is revoked in partner-pki, but still lets in") {
				t.Errorf("drift: %q", drift)
			}
			st.put(t, r.Object, known(r))
			if st.login(t, stolen) != "" {
				t.Error("an apply of the same does not end it")
			}
			st.drop(t, again)
			if st.login(t, second) != "" {
				t.Error("what was destroyed logs in")
			}
		})
	}
}

// The person on call revokes in the engine, which tells the auth method nothing: the plan says so, and
// the next apply ends it.
func TestACertificateThatWasRevokedByHandIsSaidToLetInUntilAnApplyEndsIt(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "etl", access.Certificate)
	stolen := all.holders[access.Certificate]
	r := all.credentials[access.Certificate]
	other := st.complete(t, "other", access.Certificate)
	st.admin(t, "POST", "partner-pki/revoke", map[string]any{"serial_number": r.Issued.Serial})
	drift := st.get(t, r.Object.Ref()).Drift
	if len(drift) != 1 ||
		!strings.Contains(drift[0], "still lets in") ||
		st.login(t, stolen) == "" {
		t.Errorf("drift: %q", drift)
	}
	if drift := st.get(t, other.credentials[access.Certificate].Object.Ref()).Drift; len(drift) > 0 {
		t.Errorf("somebody else's certificate drifts: %q", drift)
	}
	again := st.put(t, r.Object, known(r))
	if st.login(t, stolen) != "" || again.Issued.Serial != r.Issued.Serial {
		t.Error("it logs in, or another one was issued for the stolen key")
	}
	if drift := st.get(t, r.Object.Ref()).Drift; len(drift) != 1 || !strings.Contains(drift[0], "it lets nobody in") {
		t.Errorf("after an apply: %q", drift)
	}
	anew := st.put(t, r.Object, known(r), issuing(access.IssueReplace))
	st.session(t, st.holder(r.Object.(*access.Credential), anew))
	if drift := st.get(t, r.Object.Ref()).Drift; len(drift) > 0 {
		t.Errorf("after it was issued anew: %q", drift)
	}
}

// rotateRoot makes another authority the one that signs, as OpenBao's documentation says.
func (st *stage) rotateRoot(t testing.TB, name string) {
	t.Helper()
	made := st.admin(t, "POST", "partner-pki/root/rotate/internal",
		map[string]any{"common_name": name, "issuer_name": name, "key_type": "ec", "key_bits": 256, "ttl": "87840h"})
	st.admin(t, "POST", "partner-pki/root/replace", map[string]any{"default": made["issuer_id"]})
}

// signedByIntermediate makes an authority the one that signs which is itself signed by a root elsewhere.
func (st *stage) signedByIntermediate(t testing.TB, name string) {
	t.Helper()
	st.admin(t, "POST", "sys/mounts/"+name,
		map[string]any{"type": "pki", "config": map[string]any{"max_lease_ttl": "87840h"}})
	st.admin(t, "POST", name+"/root/generate/internal",
		map[string]any{"common_name": "Root", "key_type": "ec", "key_bits": 256, "ttl": "87840h"})
	csr := st.admin(t, "POST", "partner-pki/intermediate/generate/internal",
		map[string]any{"common_name": name, "key_type": "ec", "key_bits": 256})["csr"]
	signed := st.admin(t, "POST", name+"/root/sign-intermediate",
		map[string]any{"csr": csr, "common_name": name, "ttl": "80000h"})
	imported := st.admin(t, "POST", "partner-pki/issuers/import/bundle",
		map[string]any{"pem_bundle": signed["certificate"]})
	st.admin(t, "POST", "partner-pki/config/issuers",
		map[string]any{"default": imported["imported_issuers"].([]any)[0]})
}

// A rotated authority ends nobody's access: what the old one signed lets in to its own end, and can be revoked.
func TestACertificateOutlivesTheRotationOfItsAuthority(t *testing.T) {
	for name, rotate := range map[string]func(*stage, testing.TB, string){
		"root": (*stage).rotateRoot, "intermediate": (*stage).signedByIntermediate,
	} {
		t.Run(name, func(t *testing.T) {
			st := startStage(t)
			all := st.complete(t, "etl", access.Certificate)
			old := all.holders[access.Certificate]
			r := all.credentials[access.Certificate]
			c := r.Object.(*access.Credential)
			rotate(st, t, "second")
			works := func(when string, holders ...systemtest.Probe) {
				t.Helper()
				for n, p := range holders {
					if st.login(t, p) == "" {
						t.Errorf("%s, certificate %d does not log in", when, n)
					}
				}
				if drift := st.get(t, r.Object.Ref()).Drift; len(drift) > 0 {
					t.Errorf("%s, drift: %q", when, drift)
				}
			}
			works("after the rotation", old)
			st.put(t, c, known(r))
			works("after an apply", old)
			second := st.holder(c, st.put(t, c, known(r), issuing(access.IssueOverlap)))
			works("after it was issued anew", old, second)
			if told, err := st.open().Tell(t.Context(), r.Object.Ref()); err != nil || told.Text != second.Certificate {
				t.Errorf("told is another chain, %v", err)
			}
			chained(t, second.Certificate, map[string]int{"root": 1, "intermediate": 2}[name])
			rotate(st, t, "third")
			last := st.put(t, c, known(r), issuing(access.IssueReplace))
			works("after it was replaced", st.holder(c, last))
			for n, p := range []systemtest.Probe{old, second} {
				if st.login(t, p) != "" {
					t.Errorf("the revoked certificate %d logs in", n)
				}
			}
			role := st.admin(t, "GET", "auth/partner-cert/certs/"+roleOf(c.IdentityID), nil)
			if n := strings.Count(role["certificate"].(string), "BEGIN"); n != 1 {
				t.Errorf("%d authorities are trusted, of which one signed what lives", n)
			}
			_, strays, err := st.open().Survey(t.Context(), []string{"acme"})
			strays = slices.DeleteFunc(strays, func(x access.Stray) bool { return x.Kind != "certificate" })
			if err != nil || len(strays) > 0 {
				t.Errorf("an authority is taken for a partner's certificate: %v, %v", strays, err)
			}
		})
	}
}

// chained says whether what was told is a certificate with the one that signed it, unless that is a
// root, which servers have.
func chained(t testing.TB, text string, want int) {
	t.Helper()
	var chain []*x509.Certificate
	for rest := []byte(text); ; {
		block, more := pem.Decode(rest)
		if block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		chain, rest = append(chain, c), more
	}
	if len(chain) != want || (want > 1 && chain[0].CheckSignatureFrom(chain[1]) != nil) {
		t.Errorf("%d certificates, want %d, or they are no chain", len(chain), want)
	}
}

// An authority that somebody removed can be trusted no more: the plan says so before an apply takes it from the role.
func TestAnAuthorityThatIsGoneIsSaid(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "etl", access.Certificate)
	r := all.credentials[access.Certificate]
	st.rotateRoot(t, "second")
	st.admin(t, "DELETE", "partner-pki/issuer/partner", nil)
	if drift := strings.Join(st.get(t, r.Object.Ref()).Drift, " "); !strings.Contains(drift,
		"is gone from partner-pki") {
		t.Errorf("drift: %q", drift)
	}
	anew := st.put(t, r.Object, known(r), issuing(access.IssueReplace))
	st.session(t, st.holder(r.Object.(*access.Credential), anew))
	if drift := st.get(t, r.Object.Ref()).Drift; len(drift) > 0 || st.login(t, all.holders[access.Certificate]) != "" {
		t.Errorf("drift: %q, or the old one logs in", drift)
	}
}

// Serials are read back from the auth method in another spelling.
func TestAListHasTheSerialsThatItIsMadeOf(t *testing.T) {
	now := time.Now()
	text, err := revocationList([]string{"05:6e:00:83", "31:e4"}, now)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(text))
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil ||
		len(list.RevokedCertificateEntries) != 2 ||
		serialText(list.RevokedCertificateEntries[0].SerialNumber) != "05:6e:00:83" {
		t.Errorf("%v, %v", list, err)
	}
	if list.ThisUpdate.After(now.Add(-access.Late)) {
		t.Errorf("whose clock is late does not know it: it begins at %s", list.ThisUpdate)
	}
}
