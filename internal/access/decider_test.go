// SPDX-License-Identifier: MPL-2.0

package access

import (
	"crypto/dsa" //nolint:staticcheck // only to show that such a key is refused
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func line(t *testing.T, public any) string {
	t.Helper()
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func ed(t *testing.T) string {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return line(t, public)
}

// rsaLine returns a key of so many bits; nobody has its private half.
func rsaLine(t *testing.T, bits uint) string {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return line(t, &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537})
}

func TestDecidersAreChecked(t *testing.T) {
	first, second := ed(t), ed(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	old := dsa.PublicKey{Parameters: dsa.Parameters{
		P: new(big.Int).Lsh(big.NewInt(1), 1023),
		Q: new(big.Int).Lsh(big.NewInt(1), 159),
		G: big.NewInt(2),
	}, Y: big.NewInt(3)}
	until := At(time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC))
	jane := func(edit func(*Decider)) Decider {
		d := Decider{Address: "jane@example.com", Keys: []DeciderKey{{Key: first}}, Until: until}
		edit(&d)
		return d
	}
	keyed := func(key string) Decider { return jane(func(d *Decider) { d.Keys[0].Key = key }) }
	asIs := func(*Decider) {}
	for name, c := range map[string]struct {
		deciders []Decider
		want     string
	}{
		"one":                           {[]Decider{jane(asIs)}, ""},
		"nobody":                        {nil, ""},
		"with a comment and a line end": {[]Decider{keyed(first + " jane@laptop\n")}, ""},
		"an ECDSA key":                  {[]Decider{keyed(line(t, &curve.PublicKey))}, ""},
		"an RSA key of 2048 bits":       {[]Decider{keyed(rsaLine(t, 2048))}, ""},
		"two people with a key each": {[]Decider{jane(asIs),
			{Address: "bob@example.com", Keys: []DeciderKey{{Key: second}}, Until: until}}, ""},
		"an RSA key of 2047 bits": {[]Decider{keyed(rsaLine(t, 2047))},
			"0 keys[0].key: it is an RSA key of 2047 bits"},
		"a DSA key": {[]Decider{keyed(line(t, &old))}, "0 keys[0].key: "},
		"no key":    {[]Decider{jane(func(d *Decider) { d.Keys = nil })}, "0 keys: there are none"},
		"a key with options": {[]Decider{keyed(`namespaces="git" ` + first)},
			"0 keys[0].key: it has options before the key"},
		"two keys in one": {[]Decider{keyed(first + "\n" + second)},
			"0 keys[0].key: there are 2 keys in it"},
		"one key of two people": {[]Decider{jane(asIs),
			{Address: "bob@example.com", Keys: []DeciderKey{{Key: first + " bob"}}, Until: until}},
			"1 keys[0].key: it is a key of jane@example.com already"},
		"one person twice": {[]Decider{jane(asIs), jane(func(d *Decider) {
			d.Address = "Jane+work@Example.com"
			d.Keys = []DeciderKey{{Key: second}}
		})}, "1 address: "},
		"no address": {[]Decider{jane(func(d *Decider) { d.Address = "jane" })},
			`0 address: "jane" is not one e-mail address`},
		"no end": {[]Decider{jane(func(d *Decider) { d.Until = Moment{} })},
			"0 until: it is not set"},
		"a partner that is none": {[]Decider{jane(func(d *Decider) { d.Partners = []string{"acme", "*"} })},
			`0 partners[1]: "*" is no partner`},
		"an owner that is none": {[]Decider{jane(func(d *Decider) { d.Owners = []string{"@example.com"} })},
			`0 owners[0]: "@example.com" is not`},
		"a key that is valid at no moment": {[]Decider{jane(func(d *Decider) {
			d.Keys[0].ValidAfter, d.Keys[0].ValidBefore = until, until
		})}, "0 keys[0].valid_before: "},
	} {
		var got []string
		for _, f := range CheckDeciders(c.deciders) {
			got = append(got, fmt.Sprintf("%d %s: %s", f.Decider, f.Argument, f.Problem))
		}
		if (c.want == "" && len(got) > 0) || (c.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.want))) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestADeciderSignsWhileItsKeyIsInForce(t *testing.T) {
	moment := func(day int) Moment { return At(time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)) }
	d := &Decider{Address: "jane@example.com", Until: moment(20)}
	for name, c := range map[string]struct {
		key  DeciderKey
		at   Moment
		want string
	}{
		"in force":                     {DeciderKey{}, moment(19), ""},
		"the moment it begins":         {DeciderKey{ValidAfter: moment(5)}, moment(5), ""},
		"before it":                    {DeciderKey{ValidAfter: moment(5)}, moment(4), "only after 2026-11-05"},
		"the moment it ends":           {DeciderKey{ValidBefore: moment(9)}, moment(9), "before 2026-11-09"},
		"the day before":               {DeciderKey{ValidBefore: moment(9)}, moment(8), ""},
		"revoked":                      {DeciderKey{Revoked: true}, moment(8), "revoked"},
		"the decider's end":            {DeciderKey{}, moment(20), "until 2026-11-20"},
		"the key outlives its decider": {DeciderKey{ValidBefore: moment(30)}, moment(25), "until 2026-11-20"},
	} {
		if got := d.InForce(&c.key, c.at.Time); (c.want == "" && got != "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestADeciderCoversWhatItIsNamedFor(t *testing.T) {
	for name, c := range map[string]struct {
		d    Decider
		want bool
	}{
		"all":                          {Decider{}, true},
		"the partner":                  {Decider{Partners: []string{"globex", "acme"}}, true},
		"another partner":              {Decider{Partners: []string{"globex"}}, false},
		"the owner, written otherwise": {Decider{Owners: []string{"Bob+x@example.com"}}, true},
		"another owner":                {Decider{Owners: []string{"eve@example.com"}}, false},
		"the partner, another owner": {Decider{Partners: []string{"acme"}, Owners: []string{"eve@example.com"}},
			false},
	} {
		if got := c.d.Covers("acme", "bob@example.com"); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
