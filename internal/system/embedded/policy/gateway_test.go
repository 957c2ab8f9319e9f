// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// asRehearsed is a decision as a rehearsal asks for it: with one whole credential, from anywhere,
// for a path of its own.
func asRehearsed(input object) (r Request, asked bool) {
	path, _ := input["path"].(string)
	if _, err := access.ParsePattern(path); err != nil {
		return r, false
	}
	action, _ := input["action"].(string)
	r.Action, r.Path = action, path
	credential, _ := input["credential"].(object)
	if len(credential) != 1 || credential["secret"] == officeKey {
		return r, false
	}
	switch c := credential; {
	case c["secret"] != nil:
		text, ok := c["secret"].(string)
		r.KeyHash = hashed(text)
		return r, ok
	case c["certificate"] != nil:
		r.Fingerprint, asked = c["certificate"].(object)["fingerprint"].(string)
		return r, asked && len(c["certificate"].(object)) == 1 && len(r.Fingerprint) == 64
	}
	about, _ := credential["claims"].(object)
	var texts [3]bool
	r.Issuer, texts[0] = about["iss"].(string)
	r.Subject, texts[1] = about["sub"].(string)
	r.Audience, texts[2] = about["aud"].(string)
	return r, len(about) == 3 && texts == [3]bool{true, true, true}
}

// A rehearsal decides without OPA. These are the decisions of the real one, see TestEachRequestIsDecidedAsTheTableSays.
func TestARehearsalDecidesAsOPADoes(t *testing.T) {
	t.Parallel()
	all := files(t, fixture(), signer(t))
	compared := map[bool]int{}
	for _, d := range decisions {
		r, asked := asRehearsed(d.Input)
		if !asked {
			continue
		}
		compared[d.Allow]++
		if got, err := Allows(all["policy/data.json"], all["policy/hold.json"], r, d.At); got != d.Allow || err != nil {
			t.Errorf("%s: %v, %v; OPA says %v", d.Name, got, err, d.Allow)
		}
	}
	if compared[true] < 15 || compared[false] < 15 {
		t.Errorf("only %d decisions that allow and %d that refuse were compared", compared[true], compared[false])
	}
	for _, files := range [][2]string{{"", "{}"}, {"{}", ""}} {
		if got, err := Allows([]byte(files[0]), []byte(files[1]), Request{}, now); got || err == nil {
			t.Errorf("of files that cannot be read: %v, %v", got, err)
		}
	}
}

// sshd lets in until the second of expiry-time itself is over, and only who has a line.
func TestARehearsalReadsPrincipalsAsSSHDDoes(t *testing.T) {
	t.Parallel()
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"}
	const text = `restrict,expiry-time="20260101000000Z",pty acme/prod/orders-etl` + "\n" +
		`restrict,expiry-time="20260601120000Z" acme/prod/orders` + "\n"
	last := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]bool{
		last.Add(-time.Hour):      true,
		last.Add(time.Second - 1): true,
		last.Add(time.Second):     false,
	} {
		if got, err := Login([]byte(text), id, at, nil); got != want || err != nil {
			t.Errorf("at %s: %v, %v", at, got, err)
		}
	}
	if got, err := Login([]byte(text), access.IdentityID{Partner: "acme", Environment: "prod", Name: "other"}, last,
		nil); got || err != nil {
		t.Errorf("who has no line: %v, %v", got, err)
	}
	if _, err := Login([]byte("restrict acme/prod/orders\n"), id, last, nil); err == nil {
		t.Error("a line without an end was taken")
	}
}
