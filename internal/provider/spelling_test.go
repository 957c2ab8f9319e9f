// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// respelled is a credential whose key, trust and networks are written in six ways that mean the same.
type respelled struct {
	kind string
	// given is the kind's argument in each of the ways, another one that means something else.
	given   [6]string
	another string
	// why is the reason that the plan gives for the other one; "" if it issues nothing.
	why string
}

// networksSpelled are six ways to write 127.0.0.0/24.
var networksSpelled = [6]string{
	`["127.0.0.0/24"]`, `["127.0.0.0/25", "127.0.0.128/25"]`, `["127.0.0.0/24", "127.0.0.7/32"]`,
	`["127.0.0.128/25", "127.0.0.0/26", "127.0.0.64/26"]`, `["127.0.0.0/25", "127.0.0.64/26", "127.0.0.128/25"]`,
	`["127.0.0.192/26", "127.0.0.128/26", "127.0.0.0/25"]`,
}

func signerOf[K crypto.Signer](t *testing.T) func(K, error) crypto.Signer {
	return func(key K, err error) crypto.Signer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
}

// signers are keys of the four usual kinds.
func signers(t *testing.T) [4]crypto.Signer {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	return [4]crypto.Signer{
		signerOf[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		signerOf[ed25519.PrivateKey](t)(ed, err),
		signerOf[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048)),
		signerOf[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
	}
}

func csrOf(t *testing.T, key crypto.Signer, name string) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// ofCSR is a certificate of a key, asked for in six ways; ways are rotated by n, so that no two are alike in a round.
func ofCSR(t *testing.T, n int, key, other crypto.Signer) respelled {
	t.Helper()
	csr := csrOf(t, key, "")
	block, _ := pem.Decode([]byte(csr))
	one := base64.StdEncoding.EncodeToString(block.Bytes)
	ways := []string{
		csr, strings.ReplaceAll(csr, "\n", "\r\n"), strings.TrimSpace(csr),
		strings.ReplaceAll(csr, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"),
		"-----BEGIN CERTIFICATE REQUEST-----\n" + one + "\n-----END CERTIFICATE REQUEST-----\n",
		"Certificate Request:\n    Data:\n        Version: 1 (0x0)\n" + csr,
		"\ufeff" + csr, "  " + strings.ReplaceAll(csr, "\n", "\n  "), csrOf(t, key, "acme-depot"),
		csrOf(t, key, "new.acme.test"),
	}
	return rotated(n, respelled{
		kind:    "certificate",
		another: fmt.Sprintf("{ csr = %q }", csrOf(t, other, "")),
		why:     "another key",
	}, "csr", ways)
}

func lineOf(t *testing.T, key crypto.Signer) string {
	t.Helper()
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
}

func linesSpelled(line string) []string {
	kind, blob, _ := strings.Cut(line, " ")
	return []string{
		line, line + " jane@acme.test", line + "\n", line + " root@depot-7\r\n", "# the key of the depot\n" + line,
		"depot key:\n" + line, kind + "\t" + blob + "\tdepot",
		"\n  " + line + "\n\n", "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"depot\"\n" + blob[:40] + "\n" + blob[40:] +
			"\n---- END SSH2 PUBLIC KEY ----\n",
	}
}

// rotated takes six of the ways, from the n-th on.
func rotated(n int, r respelled, argument string, ways []string) respelled {
	for round := range r.given {
		r.given[round] = fmt.Sprintf("{ %s = %q }", argument, ways[(n+round)%len(ways)])
	}
	return r
}

// respelledKeys are twelve credentials; those of SSH only where the system offers them.
func respelledKeys(t *testing.T, withSSH bool, issuer string) (all [12]respelled) {
	t.Helper()
	keys, others := signers(t), signers(t)
	for n := range 4 {
		all[n] = ofCSR(t, 2*n, keys[n], others[n])
		switch line := lineOf(t, signers(t)[n]); {
		case withSSH:
			all[4+n] = rotated(2*n, respelled{
				kind:    "ssh_certificate",
				another: fmt.Sprintf("{ public_key = %q }", lineOf(t, signers(t)[n])),
				why:     "another key",
			},
				"public_key", linesSpelled(line))
		case n < 2:
			all[4+n] = ofCSR(t, 2*n+1, signers(t)[n], signers(t)[n])
		default: // RSA and age's own
			all[4+n] = rotated(n, respelled{
				kind:    "secret",
				another: fmt.Sprintf("{ recipient = %q }", partnerRecipient),
				why:     "another recipient",
			},
				"recipient", linesSpelled(lineOf(t, signers(t)[4-n])))
		}
	}
	_, age := newRecipient()
	all[8] = rotated(0, respelled{
		kind:    "secret",
		another: fmt.Sprintf("{ recipient = %q }", partnerRecipient),
		why:     "another recipient",
	}, "recipient",
		[]string{age, strings.ToUpper(age), age + "\n", "# public key: " + age + "\n" + age + "\r\n", "\ufeff" + age,
			"\n" + age + " \n"})
	all[9] = rotated(3, respelled{
		kind:    "secret",
		another: fmt.Sprintf("{ recipient = %q }", age),
		why:     "another recipient",
	}, "recipient", linesSpelled(lineOf(t, keys[1])))
	copy(all[10:], respelledTrusts(issuer, issuer))
	return all
}

// respelledTrusts are two trusts, whose audiences come in another order each time.
func respelledTrusts(issuers ...string) (all []respelled) {
	for n, audiences := range [][3]string{{"orders.example.com", "stock.example.com", "a"},
		{"b", "orders.example.com", "files.example.com"}} {
		trust := func(round int) string {
			listed := slices.Clone(audiences[:])
			for range round {
				listed = append(listed[1:], listed[0])
			}
			return fmt.Sprintf(`{ issuer = %q, subject = "svc-%d", audiences = [%q, %q, %q] }`, issuers[n], n,
				listed[0], listed[1], listed[2])
		}
		r := respelled{kind: "federated", another: trust(0)}
		for round := range 6 {
			r.given[round] = trust(round)
		}
		all = append(all, r)
	}
	return all
}

// respelledRecipients are ten keys for what is sealed, and two trusts.
func respelledRecipients(t *testing.T) (all [12]respelled) {
	t.Helper()
	_, another := newRecipient()
	for n := range 10 {
		_, age := newRecipient()
		ways := []string{age, strings.ToUpper(age), age + "\n", "# public key: " + age + "\n" + age + "\r\n",
			"\ufeff" + age, "ACME <" + age + ">"}
		if n%2 == 0 {
			ways = linesSpelled(lineOf(t, signers(t)[1+n/2%2])) // Ed25519 and RSA
		}
		all[n] = rotated(n, respelled{
			kind:    "secret",
			another: fmt.Sprintf("{ recipient = %q }", another),
			why:     "another recipient",
		}, "recipient", ways)
	}
	// ministack adds no audience to an issuer
	copy(all[10:], respelledTrusts("https://login.acme.test", "https://sso.acme.test"))
	return all
}

// spelling is a configuration of twelve credentials, and how it is applied.
type spelling struct {
	*judged
	provider string
	all      [12]respelled
}

func (s *spelling) write(round int, edit func(n int, replaced args) (given string)) {
	var text strings.Builder
	text.WriteString(s.provider)
	for n, r := range s.all {
		name := fmt.Sprintf("app-%d", n)
		given := r.given[round]
		replaced := args{"allowed_cidrs": networksSpelled[(round+n)%6]}
		if edit != nil {
			given = edit(n, replaced)
		}
		text.WriteString(s.identity(name, nil) + s.credential(name, r.kind, given, replaced))
	}
	s.judged.write(text.String())
}

// planned are the warnings of a plan, by the credential that they name, with their details.
func (s *spelling) planned() map[string]string {
	s.t.Helper()
	said := map[string]string{}
	for line := range strings.Lines(s.must("plan", "-json", "-input=false")) {
		var event struct{ Diagnostic *diagnostic }
		if json.Unmarshal([]byte(line), &event) == nil &&
			event.Diagnostic != nil &&
			strings.HasPrefix(event.Diagnostic.Summary, "The partner's credential") {
			said[event.Diagnostic.Address] += event.Diagnostic.Summary + ": " + event.Diagnostic.Detail
		}
	}
	return said
}

// credentials are what the state says of them.
func (s *spelling) credentials() map[string]map[string]any {
	all := s.state()
	maps.DeleteFunc(all, func(address string, _ map[string]any) bool {
		return !strings.HasPrefix(address, "partner_credential.")
	})
	return all
}

// Sixty spellings of twelve keys, trusts and networks revoked what the partners held and issued anew, for a reason
// that was not so, and the next colleague's checkout did it again. They are stored, and that is all; what is really
// another one is issued anew.
func (s *spelling) judge() {
	s.t.Helper()
	s.write(0, nil)
	s.must("apply", "-no-color", "-input=false", "-auto-approve")
	before := s.credentials()
	for round := 1; round < 6; round++ {
		s.write(round, nil)
		out := s.must("apply", "-no-color", "-input=false", "-auto-approve")
		if !strings.Contains(out, "0 added, 12 changed, 0 destroyed") ||
			strings.Contains(out, "known after apply") ||
			strings.Contains(out, "The partner's credential") {
			s.t.Errorf("round %d:\n%s", round, out)
		}
		for address, is := range s.credentials() {
			for _, name := range append(issuedNames, "login", "ends_at") {
				if fmt.Sprint(is[name]) != fmt.Sprint(before[address][name]) {
					s.t.Errorf("round %d: %s of %s was %v, and is %v", round, name, address, before[address][name],
						is[name])
				}
			}
		}
		if out, err := s.try("plan", "-no-color", "-input=false", "-detailed-exitcode"); err != nil {
			s.t.Errorf("round %d: the next plan is not empty: %v\n%s", round, err, out)
		}
	}
	if journal := string(s.files()["journal.jsonl"]); strings.Contains(journal, `"rotate"`) ||
		strings.Contains(journal, `"revoke"`) ||
		strings.Count(journal, `"change"`) < 60 {
		s.t.Errorf("the journal:\n%s", journal)
	}

	s.write(5, func(n int, _ args) string { return s.all[n].another })
	said := s.planned()
	s.must("apply", "-no-color", "-input=false", "-auto-approve")
	for address, is := range s.credentials() {
		var n int
		if _, err := fmt.Sscanf(address, "partner_credential.app-%d-", &n); err != nil {
			s.t.Fatal(err)
		}
		why := s.all[n].why
		anew := is["fingerprint"] != before[address]["fingerprint"] || is["serial"] != before[address]["serial"]
		if anew != (why != "") ||
			(why != "" && !strings.Contains(said[address], "because it now has "+why+".")) ||
			(why == "" && said[address] != "") {
			s.t.Errorf("%s: issued anew %v, and the plan says %q", address, anew, said[address])
		}
	}
	// An X.509 certificate and a key carry no networks: what is enforced changes, and what the partner holds stays.
	held := s.credentials()
	s.write(5, func(n int, replaced args) string {
		replaced["allowed_cidrs"] = `["127.0.0.0/25"]`
		return s.all[n].another
	})
	said = s.planned()
	s.must("apply", "-no-color", "-input=false", "-auto-approve")
	for address, is := range s.credentials() {
		carries := strings.HasSuffix(address, "-ssh_certificate")
		anew := is["serial"] != held[address]["serial"] || is["fingerprint"] != held[address]["fingerprint"]
		if anew != carries || carries != strings.Contains(said[address], "because it now has other networks.") {
			s.t.Errorf("%s: issued anew for other networks: %v, and the plan says %q", address, anew, said[address])
		}
	}
}

func TestAnotherSpellingIssuesAndRevokesNothing(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	s := &spelling{j, "provider \"partner\" {\n  environment = \"prod\"\n  journal = { path = \"journal.jsonl\" }\n}\n",
		respelledKeys(t, true, "https://login.acme.test")}
	s.judge()
}

func TestAnotherSpellingIssuesAndRevokesNothingOnOpenBao(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	c := &cluster{cli: j.cli, bao: realtool.StartBao(t), issuerKey: newKey(t)}
	c.as(c.bao.RootToken)
	s := &spelling{j, "provider \"partner\" {\n  environment = \"prod\"\n  stack       = \"partners\"\n  openbao = { " +
		"bootstrap = true }\n  journal = { path = \"journal.jsonl\" }\n}\n", respelledKeys(t, false, c.startIssuer())}
	s.judge()
}

func TestAnotherSpellingIssuesAndRevokesNothingOnAWS(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	a := newAccount(t, realtool.StartMinistack(t))
	j.cli = a.cli
	s := &spelling{j, a.provider(), respelledRecipients(t)}
	s.judge()
}
