// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// gateway is a machine with OPA that is configured to take bundles only with our signature.
type gateway struct{ dir, config string }

func newGateway(t testing.TB, publication map[string][]byte) gateway {
	t.Helper()
	dir := t.TempDir()
	bundle := func(name string) object {
		return object{"resource": "file://" + dir + "/" + name, "signing": object{"keyid": "partner"}}
	}
	put(t, dir, "hold.tar.gz", publication["hold.tar.gz"])
	return gateway{dir, put(t, dir, "opa.json", asJSON(t, object{
		"bundles": object{"partner": bundle("bundle.tar.gz"),
			"partner_hold": object{"resource": "file://" + dir + "/hold.tar.gz"}},
		"keys": object{"partner": object{"algorithm": "ES256", "key": string(publication["policy/key.pem"])}},
	}))}
}

// allows asks for a decision about an input; an error says that OPA refused the bundle or did not answer.
func (g gateway) allows(t testing.TB, bundle []byte, input any) (bool, error) {
	t.Helper()
	put(t, g.dir, "bundle.tar.gz", bundle)
	out, err := opa(t, "exec", "--timeout=10s", "--config-file", g.config, "--decision=partner/allow",
		put(t, g.dir, "input.json", asJSON(t, input)))
	if err != nil {
		return false, err
	}
	var answer struct{ Result []struct{ Result *bool } }
	if err := json.Unmarshal(out, &answer); err != nil ||
		len(answer.Result) != 1 ||
		answer.Result[0].Result == nil {
		return false, fmt.Errorf("opa answered %s (%w)", out, err)
	}
	return *answer.Result[0].Result, nil
}

// ours is a publication as of the real clock, in which one grant ends.
func ours(ends time.Time) Publication {
	later := time.Now().Add(time.Hour)
	return Publication{Environment: "prod", Now: time.Now(), ValidUntil: later, Identities: []Identity{{
		ID: id("orders"), EndsAt: later, Credentials: []Credential{secret(key, later)},
		Grants: []Grant{grant("daily", "orders/acme/daily/*", ends, "read")},
	}}}
}

func TestSignedBundleIsTakenAndAnythingElseRefused(t *testing.T) {
	s := signer(t)
	p := ours(time.Now().Add(time.Hour))
	f := files(t, p, s)
	gw := newGateway(t, f)
	if ok, err := gw.allows(t, f["bundle.tar.gz"], reading(nil)); !ok || err != nil {
		t.Fatalf("the signed bundle: %v, %v", ok, err)
	}
	p.Identities[0].Grants[0].Actions = []string{"read", "write"}
	wider := files(t, p, s)["policy/data.json"]
	for name, change := range map[string]func([]member) []member{
		"other data":     replace("data.json", wider),
		"another policy": replace("policy.rego", []byte("package partner\nallow := true\n")),
		"another roots":  replace(".manifest", []byte(`{"rego_version":1,"revision":"x","roots":[""]}`)),
		"no signature":   without(".signatures.json"),
		"no data":        without("data.json"),
		"one file more": func(m []member) []member {
			return append(m, member{"more.rego", []byte("package partner.more\n")})
		},
		"another's key": replace(".signatures.json",
			unpack(t, files(t, p, signer(t))["bundle.tar.gz"])[".signatures.json"]),
		"an old bundle's": replace(".signatures.json", unpack(t, files(t, p, s)["bundle.tar.gz"])[".signatures.json"]),
	} {
		t.Run(name, func(t *testing.T) {
			tampered, err := pack(change(members(t, f["bundle.tar.gz"])))
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := gw.allows(t, tampered, reading(nil)); err == nil ||
				!strings.Contains(err.Error(), "Bundle load failed") {
				t.Errorf("OPA took it, and answered %v, %v", ok, err)
			}
		})
	}
}

func replace(name string, text []byte) func([]member) []member {
	return func(m []member) []member {
		return append(without(name)(m), member{name, text})
	}
}

func without(name string) func([]member) []member {
	return func(m []member) []member { return slices.DeleteFunc(m, func(f member) bool { return f.name == name }) }
}

func unpack(t testing.TB, bundle []byte) map[string][]byte {
	out := map[string][]byte{}
	for _, m := range members(t, bundle) {
		out[m.name] = m.text
	}
	return out
}

func members(t testing.TB, bundle []byte) []member {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	var out []member
	for r := tar.NewReader(zip); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, member{header.Name, text})
	}
}

// The documented command line takes the bundle, too.
func TestBundleVerifiesOnTheCommandLine(t *testing.T) {
	f := files(t, fixture(), signer(t))
	dir := t.TempDir()
	bundle := put(t, dir, "bundle.tar.gz", f["bundle.tar.gz"])
	public := put(t, dir, "key.pem", f["policy/key.pem"])
	build := func(public string) error {
		_, err := opa(t, "build", "--bundle", bundle, "--verification-key", public, "--signing-alg", "ES256",
			"--output", dir+"/out.tar.gz")
		return err
	}
	if err := build(public); err != nil {
		t.Error(err)
	}
	if build(put(t, dir, "other.pem", files(t, fixture(), signer(t))["policy/key.pem"])) == nil {
		t.Error("OPA took another key")
	}
}

func TestGrantEndsAtTheGatewayByItself(t *testing.T) {
	s := signer(t)
	ends := time.Now().Add(2 * time.Second)
	f := files(t, ours(ends), s)
	gw := newGateway(t, f)
	if ok, err := gw.allows(t, f["bundle.tar.gz"], reading(nil)); !ok || err != nil {
		t.Fatalf("before its end: %v, %v", ok, err)
	}
	for {
		asked := time.Now()
		ok, err := gw.allows(t, f["bundle.tar.gz"], reading(nil))
		switch {
		case err != nil:
			t.Fatal(err)
		case ok && !asked.Before(ends):
			t.Fatalf("allowed %v after its end", asked.Sub(ends))
		case !ok && time.Now().Before(ends):
			t.Fatal("refused before its end")
		case !ok:
			return
		}
	}
}

func TestCopyThatNobodyReplacesStopsAllowing(t *testing.T) {
	s := signer(t)
	p := ours(time.Now().Add(time.Hour))
	p.ValidUntil = time.Now()
	f := files(t, p, s)
	if ok, err := newGateway(t, f).allows(t, f["bundle.tar.gz"], reading(nil)); ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
}

// TestPatternsMeanTheSameInRego compares a few thousand pairs in one run.
func TestPatternsMeanTheSameInRego(t *testing.T) {
	type pair struct {
		Grant publishedGrant `json:"grant"`
		Path  string         `json:"path"`
	}
	const count = 5000
	random := rand.New(rand.NewPCG(1, 2))
	pairs := make([]pair, count)
	want := make([]bool, count)
	matching := 0
	for i := range pairs {
		pattern, path := randomPair(random)
		if _, err := access.ParsePattern(string(pattern)); err != nil {
			t.Fatal(err)
		}
		pairs[i] = pair{grants([]Grant{grant("g", string(pattern), now, "read")})[0], path}
		if want[i] = pattern.Matches(path) && clear(path); want[i] {
			matching++
		}
	}
	if matching < count/5 || matching > count*4/5 {
		t.Fatalf("%d of %d pairs match: that tells little", matching, count)
	}
	dir := t.TempDir()
	var got []bool
	err := evaluate(t, "data.judge.covered", &got, put(t, dir, "pairs.json", asJSON(t, object{"pairs": pairs})),
		put(t, dir, "policy.rego", []byte(rego)),
		put(t, dir, "judge.rego", []byte(`package judge

covered := [c | some p in data.pairs; c := covers(p)]

default covers(_) := false

covers(p) if data.partner.covers(p.grant) with input as {"path": p.path}
`)))
	if err != nil || len(got) != count {
		t.Fatalf("%d answers: %v", len(got), err)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%q on %q: rego says %v", pairs[i].Grant.Resource, pairs[i].Path, got[i])
		}
	}
}

// randomPair is a pattern, and a path made from it, with a few segments changed, added and left out.
func randomPair(r *rand.Rand) (access.Pattern, string) {
	literals := []string{"a", "b", "a.b", "~", "A", "a:b@c=d,e-f", "..a"}
	odd := []string{"", ".", "..", "...", ".. ", " ", "\uff0e\uff0e", "a\u200b", "a\x85", "+", "*", "a b", "%61", "ü",
		`\`, "a?"}
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	var pattern, path []string
	for range 1 + r.IntN(4) {
		segment := pick(literals)
		path = append(path, segment)
		if r.IntN(3) == 0 {
			segment = "+"
		}
		pattern = append(pattern, segment)
	}
	if r.IntN(3) == 0 {
		pattern = append(pattern, "*")
		for range r.IntN(3) {
			path = append(path, pick(literals))
		}
	}
	switch i := r.IntN(len(path)); r.IntN(8) {
	case 0:
		path[i] = pick(literals)
	case 1:
		path = slices.Insert(path, i, pick(literals))
	case 2:
		path = slices.Delete(path, i, i+1)
	case 3:
		path[i] = pick(odd)
	}
	return access.Pattern(strings.Join(pattern, "/")), strings.Join(path, "/")
}

// clear says, without regular expressions, whether every segment of a path means one thing.
func clear(path string) bool {
	for s := range strings.SplitSeq(path, "/") {
		odd := func(c rune) bool { return c < ' ' || (c > '~' && !unicode.In(c, unicode.L, unicode.M, unicode.Nd)) }
		if strings.Trim(s, ". ") == "" ||
			strings.ContainsAny(s, `%\?#;`) ||
			strings.ContainsFunc(s, odd) {
			return false
		}
	}
	return true
}
