// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"testing"
	"time"
)

// A hold that was written by hand cuts at gateways that have any later bundle: a partner, an identity, a credential.
func TestAHoldThatWasMadeBeforehandCutsAtOnce(t *testing.T) {
	f := files(t, ours(time.Now().Add(time.Hour)), signer(t))
	gw := newGateway(t, f)
	for held, want := range map[string]bool{
		"": true, "globex": true, "acme": false, "acme/prod/orders": false, "acme/prod/orders/secret": false,
		"acme/prod/orders/certificate": true, "acme/prod/orders-2": true,
	} {
		hold := Hold{Held: []string{held}}
		if held == "" {
			hold = Hold{}
		}
		cut, err := holdFiles(hold)
		if err != nil {
			t.Fatal(err)
		}
		put(t, gw.dir, "hold.tar.gz", cut["hold.tar.gz"])
		if ok, err := gw.allows(t, f["bundle.tar.gz"], reading(nil)); ok != want || err != nil {
			t.Errorf("%q is on hold: %v, %v", held, ok, err)
		}
	}
}

// A gateway that does not know who is on hold lets nobody in.
func TestWithoutAHoldNobodyIsAllowed(t *testing.T) {
	dir := t.TempDir()
	f := files(t, ours(time.Now().Add(time.Hour)), signer(t))
	data := put(t, dir, "data.json", f["policy/data.json"])
	policy := put(t, dir, "policy.rego", []byte(rego))
	input := put(t, dir, "input.rego",
		append([]byte("package judge\nallow := x if x := data.partner.allow with input as "),
			append(asJSON(t, reading(nil)),
				"\nwhy := x if x := data.partner.reason with input as "+string(asJSON(t, reading(nil)))+"\n"...)...))
	hold := put(t, dir, "hold.json", f["policy/hold.json"])
	var allow bool
	if err := evaluate(t, "data.judge.allow", &allow, data, policy, input, hold); err != nil || !allow {
		t.Fatalf("with it: %v, %v", allow, err)
	}
	var why []string
	if err := evaluate(t, "data.judge.allow", &allow, data, policy, input); err != nil || allow {
		t.Errorf("without it: %v, %v", allow, err)
	}
	if err := evaluate(t, "data.judge.why", &why, data, policy, input); err != nil ||
		missing([]string{"hold_unknown"}, why) != "" {
		t.Errorf("without it: %q, %v", why, err)
	}
}
