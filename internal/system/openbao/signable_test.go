// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// The plan accepted requests that OpenBao then refused to sign, where a rule was waived or nothing speaks of them: weak
// keys, MD5, and RSASSA-PSS as openssl signs it. What the plan accepts the real OpenBao signs, and what it refuses
// OpenBao does not sign.
func TestThePlanKnowsWhatOpenBaoSigns(t *testing.T) {
	st := startStage(t)
	folder := t.TempDir()
	requests := map[string]string{}
	for _, name := range []string{"p256", "p224", "ed25519", "rsa1024", "rsa2048", "sha1", "md5"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "guardrail", "testdata", name+".csr"))
		if err != nil {
			t.Fatal(err)
		}
		requests[name] = string(b)
	}
	for name, args := range map[string][]string{
		"pss": {"-newkey", "rsa:2048", "-sha256", "-sigopt", "rsa_padding_mode:pss"},
		"pss-digest": {"-newkey", "rsa:2048", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt",
			"rsa_pss_saltlen:digest"},
		"p521": {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521", "-sha512"},
		"underscore": {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-addext",
			"subjectAltName=IP:203.0.113.7,DNS:a_b.acme.test"},
	} {
		out := filepath.Join(folder, name+".csr")
		all := append([]string{"req", "-new", "-nodes", "-subj", "/CN=feed", "-keyout", os.DevNull, "-out", out},
			args...)
		if said, err := exec.Command(realtool.Find(t, "openssl"), all...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, said)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		requests[name] = string(b)
	}
	signs := 0
	for name, csr := range requests {
		st.put(t, identityOf(name))
		c := st.credentialOf(name, access.Certificate, func(c *access.Credential) { c.Certificate.CSR = csr })
		plan := checkCredential(c)
		_, apply := st.open().Put(context.Background(), st.change(c))
		if (plan == nil) != (apply == nil) {
			t.Errorf("%s: the plan says %v, and the apply %v", name, plan, apply)
		}
		if apply == nil {
			signs++
		}
	}
	if signs == 0 || signs == len(requests) {
		t.Errorf("%d of %d were signed: this proves nothing", signs, len(requests))
	}
}
