package policy

import (
	"strings"
	"testing"
	"time"
)

// The hold that was signed beforehand cuts the partner at gateways that have any later bundle.
func TestAHoldThatWasMadeBeforehandCutsAtOnce(t *testing.T) {
	s := signer(t)
	cut, err := HoldFiles(Hold{Partners: []string{"acme"}}, s)
	if err != nil {
		t.Fatal(err)
	}
	f := files(t, ours(time.Now().Add(time.Hour)), s)
	gw := newGateway(t, f)
	for name, c := range map[string]struct {
		hold []byte
		want bool
	}{"nobody is on hold": {f["hold.tar.gz"], true}, "the partner is": {cut["hold.tar.gz"], false}} {
		put(t, gw.dir, "hold.tar.gz", c.hold)
		if ok, err := gw.allows(t, f["bundle.tar.gz"], reading(nil)); ok != c.want || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
	another, err := HoldFiles(Hold{}, signer(t))
	if err != nil {
		t.Fatal(err)
	}
	put(t, gw.dir, "hold.tar.gz", another["hold.tar.gz"])
	if ok, err := gw.allows(t, f["bundle.tar.gz"], reading(nil)); err == nil || !strings.Contains(err.Error(), "Bundle load failed") {
		t.Errorf("OPA took a hold that another signed, and answered %v, %v", ok, err)
	}
}

// A gateway that does not know who is on hold lets nobody in.
func TestWithoutAHoldNobodyIsAllowed(t *testing.T) {
	dir := t.TempDir()
	f := files(t, ours(time.Now().Add(time.Hour)), signer(t))
	data, policy := put(t, dir, "data.json", f["policy/data.json"]), put(t, dir, "policy.rego", []byte(rego))
	input := put(t, dir, "input.rego", append([]byte("package judge\nallow := x if x := data.partner.allow with input as "), append(asJSON(t, reading(nil)), "\nwhy := x if x := data.partner.reason with input as "+string(asJSON(t, reading(nil)))+"\n"...)...))
	hold := put(t, dir, "hold.json", f["policy/hold.json"])
	var allow bool
	if err := evaluate(t, "data.judge.allow", &allow, data, policy, input, hold); err != nil || !allow {
		t.Fatalf("with it: %v, %v", allow, err)
	}
	var why []string
	if err := evaluate(t, "data.judge.allow", &allow, data, policy, input); err != nil || allow {
		t.Errorf("without it: %v, %v", allow, err)
	}
	if err := evaluate(t, "data.judge.why", &why, data, policy, input); err != nil || missing([]string{"hold_unknown"}, why) != "" {
		t.Errorf("without it: %q, %v", why, err)
	}
}
