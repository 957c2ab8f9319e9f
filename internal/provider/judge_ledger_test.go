// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// partner is a path in the directory of the embedded system.
func (c *cli) partner(elements ...string) string {
	return filepath.Join(append([]string{c.folder, ".partner", "prod"}, elements...)...)
}

// ledgerSeen is what the ledger holds, as its files say.
type ledgerSeen struct {
	objects                         map[string]entrySeen // by their paths below ledger/, without .json
	generation, publishedGeneration string
}

type entrySeen struct {
	Type, ID    string
	Declaration struct {
		Resource  string
		Federated *struct{ Issuer, Subject string }
	}
	Issued []struct {
		Fingerprint string
		KeyHash     string `json:"key_hash"`
	}
}

func (c *cli) ledger() ledgerSeen {
	c.t.Helper()
	seen := ledgerSeen{objects: map[string]entrySeen{}}
	for name, text := range c.files(".partner", "prod", "ledger") {
		name = strings.TrimPrefix(name, filepath.Join(".partner", "prod", "ledger")+"/")
		switch {
		case strings.HasPrefix(name, ".staged/"), strings.HasPrefix(name, "revoked/"), name == "ledger.lock",
			name == "ledger.holder", strings.HasPrefix(name, "ledger.sums"), name == "system.json",
			strings.HasSuffix(name, "remembered.json"):
		case name == "generation.json":
			var g struct{ ID string }
			if err := json.Unmarshal(text, &g); err != nil {
				c.t.Fatalf("%s: %v", name, err)
			}
			seen.generation = g.ID
		default:
			var e entrySeen
			if err := json.Unmarshal(text, &e); err != nil {
				c.t.Fatalf("%s: %v", name, err)
			}
			seen.objects[strings.TrimSuffix(name, ".json")] = e
		}
	}
	var published struct{ Generation struct{ ID string } }
	if text, err := os.ReadFile(c.partner("publish", "generation.json")); err == nil {
		if err := json.Unmarshal(text, &published); err != nil {
			c.t.Fatal(err)
		}
	}
	seen.publishedGeneration = published.Generation.ID
	return seen
}

// publication is all access that the publication gives, as lines that say what and to whom.
func (c *cli) publication() (access []string) {
	c.t.Helper()
	var d struct {
		Partner struct {
			Published struct {
				Identities map[string]struct {
					Grants []struct{ Name, Resource string }
				}
				Secrets, Certificates map[string]struct{ Identity string }
				Trust                 map[string]map[string][]struct{ Identity string }
			}
		}
	}
	text, err := os.ReadFile(c.partner("publish", "policy", "data.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	p := d.Partner.Published
	for id, who := range p.Identities {
		access = append(access, id)
		for _, g := range who.Grants {
			access = append(access, id+" may "+g.Resource)
		}
	}
	for hash, proof := range p.Secrets {
		access = append(access, proof.Identity+" has the key "+hash)
	}
	for fingerprint, proof := range p.Certificates {
		access = append(access, proof.Identity+" has the certificate "+fingerprint)
	}
	for issuer, subjects := range p.Trust {
		for subject, proofs := range subjects {
			for _, proof := range proofs {
				access = append(access, proof.Identity+" is "+subject+" at "+issuer)
			}
		}
	}
	return append(access, c.principals()...)
}

// principals are the lines that sshd reads.
func (c *cli) principals() (access []string) {
	c.t.Helper()
	logins, err := os.ReadDir(c.partner("publish", "ssh", "principals"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Fatal(err)
	}
	for _, login := range logins {
		text, err := os.ReadFile(c.partner("publish", "ssh", "principals", login.Name()))
		if err != nil {
			c.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			access = append(access, words[len(words)-1]+" logs in as ssh/"+login.Name())
		}
	}
	return access
}

// gives is all access that the ledger's objects stand for, in the words of publication.
func (s ledgerSeen) gives() map[string]bool {
	access := map[string]bool{}
	for _, e := range s.objects {
		holder := e.ID
		if e.Type != "identity" {
			holder = e.ID[:strings.LastIndexByte(e.ID, '/')]
		}
		switch {
		case e.Type == "identity":
			access[e.ID] = true
		case e.Type == "grant":
			access[holder+" may "+e.Declaration.Resource] = true
			if strings.HasPrefix(e.Declaration.Resource, "ssh/") {
				access[holder+" logs in as "+e.Declaration.Resource] = true
			}
		case e.Declaration.Federated != nil:
			access[holder+" is "+e.Declaration.Federated.Subject+" at "+e.Declaration.Federated.Issuer] = true
		}
		for _, i := range e.Issued {
			switch {
			case i.KeyHash != "":
				access[holder+" has the key "+i.KeyHash] = true
			case !strings.HasPrefix(i.Fingerprint, "SHA256:"): // an SSH certificate's: sshd knows the authority only
				access[holder+" has the certificate "+i.Fingerprint] = true
			}
		}
	}
	return access
}

// publicationIsKnown fails for access that gateways give and the ledger does not know.
func (c *cli) publicationIsKnown(when string) {
	c.t.Helper()
	known := c.ledger().gives()
	for _, access := range c.publication() {
		if !known[access] {
			c.t.Errorf("%s: it is published, and the ledger does not know, that %s", when, access)
		}
	}
}

// left is what may be there when nothing is: revocations stay until what was revoked would have ended.
var left = []string{
	// the record outlives what it records
	"journal.jsonl", "journal.jsonl.head", "journal.jsonl.lock", "journal.jsonl.stamp", "journal.jsonl.torn",
	"keys/signing.pem", "keys/signing.pub", "keys/ssh.key", "keys/x509.key", "keys/x509.pem", "keys/copy/*",
	"ledger/generation.json", "ledger/ledger.lock", "ledger/ledger.sums", "ledger/ledger.sums.copy",
	"ledger/revoked/*.json", "publish/generation.json",
	"publish/bundle.tar.gz", "publish/hold.tar.gz", "publish/policy/hold.json", "publish/ca.pem", "publish/crl.pem",
	"publish/jwks.json", "publish/openid-configuration",
	"ledger/*/*/*/remembered.json", // which key, trust and reach it had, for a year
	"ledger/system.json", "publish/cut.sh", "publish/policy/data.json", "publish/policy/key.pem",
	"publish/policy/policy.rego", "publish/ssh/ca.pub", "publish/ssh/revoked_keys",
}

// nothing fails where anything is left of what was applied.
func (c *cli) nothing(when string) {
	c.t.Helper()
	for _, access := range c.publication() {
		c.t.Errorf("%s: %s", when, access)
	}
	if state := c.state(); len(state) > 0 {
		c.t.Errorf("%s: the state has %d resources", when, len(state))
	}
	for name := range c.files(".partner", "prod") {
		name = filepath.ToSlash(strings.TrimPrefix(name, filepath.Join(".partner", "prod")+string(filepath.Separator)))
		if !slices.ContainsFunc(left, func(pattern string) bool { ok, _ := filepath.Match(pattern, name); return ok }) {
			c.t.Errorf("%s: %s is left", when, name)
		}
	}
}

// temporary are files that only a provider at work has.
func (c *cli) temporary() (found []string) {
	c.t.Helper()
	for name := range c.files(".partner", "prod") {
		if strings.Contains(name, "/.staged/") ||
			strings.HasPrefix(filepath.Base(name), ".") ||
			strings.HasSuffix(name, "ledger.holder") {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}
