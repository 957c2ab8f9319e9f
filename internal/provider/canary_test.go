// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Through a whole life, with everything logged, no secret is anywhere in the clear: not the partner's API keys, not the
// authorities' private keys.
func TestNoSecretIsAnywhereInTheClear(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole life with the real CLI")
	}
	t.Parallel()
	c := newCLI(t)
	c.env = append(c.env, "TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(c.folder, "trace.log"))
	now := time.Now().UTC()
	ends := func(days int) string { return now.AddDate(0, 0, days).Format(`"2006-01-02T15:04:05Z"`) }
	config := func(trigger string) string {
		return `provider "partner" { environment = "prod" }` + "\n" + identity(args{"expires_at": ends(90)}) +
			credential("secret", args{"expires_at": ends(60),
				"rotation": `{ every = "480h", overlap = "48h", trigger = { n = "` + trigger + `" } }`}) +
			grant(args{"expires_at": ends(60)}) +
			strings.ReplaceAll(credential("certificate", args{"expires_at": ends(60)}), `"orders" {`, `"cert" {`) +
			"output \"sealed\" {\n value = partner_credential.orders.sealed_secret\n sensitive = true\n}\n" +
			"output \"handover\" {\n value = provider::partner::handover(partner_identity.orders, " +
			"[partner_credential.orders, partner_credential.cert], [partner_grant.orders])\n sensitive = true\n}\n"
	}
	var secrets [][]byte
	printed := ""
	for _, trigger := range []string{"1", "2"} {
		c.write(config(trigger))
		printed += c.must("plan", "-no-color", "-out=plan.bin")
		printed += c.must("show", "-json", "plan.bin")
		printed += c.must("apply", "-no-color", "plan.bin")
		secrets = append(secrets, opened(t, c.must("output", "-raw", "sealed")))
		printed += c.must("show", "-json")
	}
	for name, text := range c.files(".partner", "prod", "keys") {
		secrets = append(secrets, keyBytes(t, name, text)...)
	}
	if len(secrets) < 5 {
		t.Fatalf("found only %d secrets to look for", len(secrets))
	}
	if bytes.Equal(secrets[0], secrets[1]) {
		t.Fatal("the rotation made no new secret")
	}
	search := func(when string) {
		files := c.files()
		files["what was printed"] = []byte(printed)
		for name, text := range files {
			if strings.HasPrefix(name, filepath.Join(".partner", "prod", "keys")) {
				continue
			}
			for i, secret := range secrets {
				for how, form := range forms(secret) {
					if bytes.Contains(text, []byte(form)) {
						t.Errorf("%s, %s holds secret %d, %s", when, name, i, how)
					}
				}
			}
		}
		if journal := files[filepath.Join(".partner", "prod", "journal.jsonl")]; !bytes.Contains(journal,
			[]byte(`"verb":"rotate"`)) {
			t.Errorf("the journal does not tell of the rotation:\n%s", journal)
		}
		if len(files["trace.log"]) < 100_000 {
			t.Errorf("the log has only %d bytes: was everything logged?", len(files["trace.log"]))
		}
	}
	search("in use")
	printed += c.must("destroy", "-no-color", "-auto-approve")
	search("after the end")
}

// opened is the secret that only the partner can open.
func opened(t testing.TB, sealed string) []byte {
	t.Helper()
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed)), partnerAgeKey)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := io.ReadAll(r)
	if err != nil || len(secret) < 32 {
		t.Fatalf("opened %d bytes: %v", len(secret), err)
	}
	return secret
}

// keyBytes are the private keys in a file of PEM blocks: the text between the lines, and the bytes.
func keyBytes(t *testing.T, name string, text []byte) (found [][]byte) {
	t.Helper()
	if info, err := os.Stat(name); err == nil && info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%s is readable by others: %v", name, info.Mode())
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if strings.Contains(block.Type, "PRIVATE") {
			found = append(found, block.Bytes[len(block.Bytes)-48:])
		}
	}
	return found
}

// forms are the ways in which a secret may be written.
func forms(secret []byte) map[string]string {
	quoted, _ := json.Marshal(string(secret))
	return map[string]string{
		"raw":                string(secret),
		"base64":             strings.TrimRight(base64.StdEncoding.EncodeToString(secret), "="),
		"base64url":          strings.TrimRight(base64.URLEncoding.EncodeToString(secret), "="),
		"hex":                hex.EncodeToString(secret),
		"HEX":                strings.ToUpper(hex.EncodeToString(secret)),
		"in a URL":           url.QueryEscape(string(secret)),
		"in a path":          url.PathEscape(string(secret)),
		"as JSON":            strings.Trim(string(quoted), `"`),
		"without its prefix": strings.TrimPrefix(string(secret), "partner_"),
	}
}
