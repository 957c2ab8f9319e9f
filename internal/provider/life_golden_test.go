// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/golden"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// A change of the code that is to change nothing changes neither the state, nor the journal, nor what is remembered or
// published. So a whole life of a partner is told here, act by act, on the embedded system and with the clock of the
// test: what was refused, and which lines of the state and of each file are new. What is random stands by its kind.
func TestALifeIsWrittenAsBefore(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	g := &life{
		core: &core{world: w, state: map[string]held{}, shuffle: func([]string) {}},
		told: map[string]string{},
	}
	g.live(t)
	golden.Compare(t, filepath.Join("testdata", "life.golden"), g.text.String())
}

// life tells what a configuration and its changes leave.
type life struct {
	*core
	told map[string]string // each file and each state as it was told last
	text strings.Builder
}

// live is what a partner and its subcontractor go through: each kind of credential, and each change of what is
// declared.
func (g *life) live(t *testing.T) {
	const feed, lab = "acme/prod/feed", "globex/prod/lab"
	review := map[string]any{"at": "2026-12-14T00:00:00Z", "by": "john.roe@example.com", "reason": "Still needed"}
	all := func() map[string]wanted {
		object := func(kind string, more map[string]any) wanted {
			arguments := map[string]any{"owner": "jane.doe@example.com", "expires_at": "2027-03-31T00:00:00Z"}
			maps.Copy(arguments, more)
			return wanted{"partner_" + kind, arguments}
		}
		credential := func(kind string, request map[string]any) wanted {
			more := map[string]any{
				"identity_id": feed, kind: request, "expires_at": "2027-02-15T00:00:00Z",
				"allowed_cidrs": []string{"203.0.113.0/24"},
			}
			if kind != "federated" {
				more["rotation"] = map[string]any{"every": "480h", "overlap": "48h"}
			}
			return object("credential", more)
		}
		return map[string]wanted{
			"partner_identity.feed": object("identity", map[string]any{
				"partner": "acme", "name": "feed", "purpose": "Nightly order feed into the ERP",
				"ceiling":        []string{"orders/acme/*"},
				"subcontractors": map[string]any{"allowed": true},
			}),
			"partner_identity.lab": object("identity", map[string]any{
				"partner": "globex", "name": "lab", "purpose": "Checks the orders of a week for the feed",
				"parent_id": feed, "ceiling": []string{"orders/acme/lab/*"}, "expires_at": "2027-02-28T00:00:00Z",
			}),
			"partner_credential.federated": credential("federated", map[string]any{
				"issuer": "https://login.acme.test", "subject": "svc-feed", "audiences": []string{"orders.example.com"},
			}),
			"partner_credential.certificate": credential("certificate", map[string]any{"csr": partnerCSR}),
			"partner_credential.ssh": credential("ssh_certificate",
				map[string]any{"public_key": partnerSSHKey}),
			"partner_credential.secret": credential("secret", map[string]any{"recipient": partnerRecipient}),
			"partner_grant.daily": object("grant", map[string]any{
				"identity_id": feed, "name": "daily", "resource": "orders/acme/daily/*",
				"actions": []string{"read", "list"}, "purpose": "Read the daily order files",
				"expires_at": "2027-02-15T00:00:00Z",
			}),
			"partner_grant.lab": object("grant", map[string]any{
				"identity_id": lab, "name": "lab", "resource": "orders/acme/lab/*", "actions": []string{"read"},
				"purpose": "Read what is to be checked", "expires_at": "2027-02-15T00:00:00Z",
			}),
		}
	}
	config := all()
	set := func(address string, arguments map[string]any) { maps.Copy(config[address].arguments, arguments) }
	act := func(name string, change func()) {
		t.Helper()
		change()
		refused := g.apply(config, false)
		g.tell(t, name, refused)
	}
	act("all of it is created", func() {})
	act("nothing is changed", func() {})
	act("too much is asked for", func() { set("partner_grant.daily", map[string]any{"resource": "orders/*"}) })
	act("a grant is narrowed", func() {
		set("partner_grant.daily", map[string]any{"resource": "orders/acme/daily/in/*", "actions": []string{"read"}})
	})
	act("three weeks later, rotation has come", g.world.passes(21*24*time.Hour))
	act("the identity and its grant are renewed after a review", func() {
		set("partner_identity.feed", map[string]any{"expires_at": "2027-05-31T00:00:00Z", "review": review})
		set("partner_grant.daily", map[string]any{"expires_at": "2027-03-01T00:00:00Z", "review": review})
	})
	act("a network is taken away", func() {
		set("partner_credential.federated", map[string]any{"allowed_cidrs": []string{"203.0.113.0/28"}})
	})
	act("secrets of before are revoked", func() {
		set("partner_credential.secret", map[string]any{"revoke_issued_before": "2026-12-15T12:00:00Z"})
	})
	act("the identity is suspended", func() { set("partner_identity.feed", map[string]any{"suspended": true}) })
	act("it goes on", func() { set("partner_identity.feed", map[string]any{"suspended": false}) })
	act("the subcontractor's identity ends earlier, and all below", func() {
		set("partner_identity.lab", map[string]any{"expires_at": "2027-01-31T00:00:00Z"})
		set("partner_grant.lab", map[string]any{"expires_at": "2027-01-31T00:00:00Z"})
	})
	act("a waiver is given", func() {
		set("partner_credential.secret",
			map[string]any{"waivers": map[string]any{"credential/static-secret": map[string]any{
				"reason": "Their tool knows nothing else", "approver": "ciso@example.com",
				"until": "2027-01-31T00:00:00Z"}}})
	})
	act("the ssh certificate is removed", func() { delete(config, "partner_credential.ssh") })
	act("the subcontractor is removed", func() {
		delete(config, "partner_identity.lab")
		delete(config, "partner_grant.lab")
	})
	act("its grant ends while nobody looks", g.world.passes(80*24*time.Hour))
	act("the rest is removed", func() { clear(config) })
	act("it is created anew", func() {
		fresh := all()
		config["partner_identity.feed"] = fresh["partner_identity.feed"]
		set("partner_identity.feed", map[string]any{"expires_at": "2027-06-30T00:00:00Z"})
	})
}

// tell tells an act: what refused it, and what is new in the state and in the files.
func (g *life) tell(t *testing.T, act string, refused []string) {
	t.Helper()
	fmt.Fprintf(&g.text, "== %s\n", act)
	for _, r := range refused {
		fmt.Fprintln(&g.text, "refused:", r)
	}
	now := g.files(t)
	maps.Copy(now, g.states(t))
	for _, name := range slices.Sorted(maps.Keys(g.told)) {
		if _, ok := now[name]; !ok {
			fmt.Fprintln(&g.text, "gone:", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if was, ok := g.told[name]; !ok || was != now[name] {
			fmt.Fprintf(&g.text, "now: %s\n%s", name, golden.Changed(was, now[name]))
		}
	}
	g.told = now
	fmt.Fprintln(&g.text)
}

// states are the resources by their addresses: each attribute that is not null, and the private part.
func (g *life) states(t *testing.T) map[string]string {
	t.Helper()
	p := g.world.protocol(alone)
	all := map[string]string{}
	for address, h := range g.state {
		var b strings.Builder
		attributes := p.attributes(h.kind, h.state)
		for _, name := range slices.Sorted(maps.Keys(attributes)) {
			if v := attributes[name]; !v.IsNull() {
				text, err := json.Marshal(saidOf(t, v))
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&b, "%s = %s\n", name, text)
			}
		}
		for key, part := range provider.PrivateParts(h.private) {
			fmt.Fprintf(&b, "private %s = %s\n", key, part)
		}
		all["state of "+address] = g.plain(b.String())
	}
	return all
}

// saidOf returns a known value as JSON has it.
func saidOf(t *testing.T, v tftypes.Value) any {
	t.Helper()
	as := func(to any) {
		if err := v.As(to); err != nil {
			t.Fatal(err)
		}
	}
	switch {
	case v.IsNull():
		return nil
	case v.Type().Is(tftypes.String):
		var text string
		as(&text)
		return text
	case v.Type().Is(tftypes.Bool):
		var yes bool
		as(&yes)
		return yes
	case v.Type().Is(tftypes.Object{}), v.Type().Is(tftypes.Map{}):
		var in map[string]tftypes.Value
		as(&in)
		out := map[string]any{}
		for name, e := range in {
			if !e.IsNull() {
				out[name] = saidOf(t, e)
			}
		}
		return out
	case v.Type().Is(tftypes.List{}), v.Type().Is(tftypes.Set{}):
		var in []tftypes.Value
		as(&in)
		var out []any
		for _, e := range in {
			out = append(out, saidOf(t, e))
		}
		return out
	}
	return v.String()
}

// files are those of the access system's directory, but for keys and locks; an archive is what it holds.
func (g *life) files(t *testing.T) map[string]string {
	t.Helper()
	found := map[string][]string{} // by names, of which several are of one kind
	err := filepath.WalkDir(g.world.directory, func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, g.world.directory+"/")
		if err != nil ||
			d.IsDir() ||
			strings.Contains(name, ".lock") ||
			strings.Contains(name, ".staged") ||
			strings.Contains(name, ".stamp") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(name, "keys/"):
			text = []byte("a key\n")
		case strings.HasSuffix(name, ".tar.gz"):
			if text, err = listed(text); err != nil {
				return err
			}
		case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
			text = []byte("binary\n")
		case !strings.Contains(name, "jsonl") && json.Valid(text):
			var v any
			if err := json.Unmarshal(text, &v); err != nil {
				return err
			}
			if text, err = json.MarshalIndent(inOrder(v), "", " "); err != nil {
				return err
			}
			text = append(text, '\n')
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		kind := plainLife(name)
		found[kind] = append(found[kind], info.Mode().String()+"\n"+g.plain(string(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for kind, texts := range found {
		slices.Sort(texts)
		for n, text := range texts {
			name := kind
			if n > 0 {
				name = fmt.Sprintf("%s %d", kind, n+1)
			}
			all[name] = text
		}
	}
	return all
}

// inOrder puts what has a name by chance, such as a secret its hash, into the order of what it says, and counts it.
func inOrder(v any) any {
	switch v := v.(type) {
	case []any:
		chance := 0
		for i := range v {
			v[i] = inOrder(v[i])
			if text := textOf(v[i]); plainLife(text) != text {
				chance++
			}
		}
		if chance == len(v) { // what has serials is in their order
			slices.SortStableFunc(v, func(a, b any) int {
				return strings.Compare(plainLife(textOf(a)), plainLife(textOf(b)))
			})
		}
	case map[string]any:
		named := map[string][]string{}
		for name, e := range v {
			if plain := plainLife(name); plain != name {
				named[plain] = append(named[plain], textOf(inOrder(e)))
				delete(v, name)
			} else {
				v[name] = inOrder(e)
			}
		}
		for plain, texts := range named {
			slices.SortFunc(texts, func(a, b string) int { return strings.Compare(plainLife(a), plainLife(b)) })
			for n, text := range texts {
				v[fmt.Sprintf("%s %d", plain, n+1)] = json.RawMessage(text)
			}
		}
	}
	return v
}

func textOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was JSON
	}
	return string(text)
}

// listed returns the names in an archive.
func listed(archive []byte) ([]byte, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for in := tar.NewReader(unzipped); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return b.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(&b, "holds", h.Name)
	}
}

// chances are what differs from run to run.
var chances = []golden.Chance{
	golden.NewChance(`-----BEGIN ([^-]*)-----[A-Za-z0-9+/=\\n\s]*-----END [^-]*-----`, "PEM $1"),
	golden.NewChance(`ssh-ed25519(-cert-v01@openssh\.com)? [A-Za-z0-9+/=]+`, "SSH$1"),
	golden.NewChance(`\bage1[a-z0-9]{58}\b`, "RECIPIENT"),
	golden.NewChance(`SHA256:[A-Za-z0-9+/]{43}`, "SHA256"),
	golden.NewChance(`\b[0-9a-f]{64}\b`, "SHA256"),
	golden.NewChance(`\b[0-9a-f]{28,32}\b`, "SERIAL"),
	golden.NewChance(`\b\d{15,20}\b`, "NUMBER"),
	golden.NewChance(`\b[A-Z2-7]{26}\b`, "UID"),
	golden.NewChance(`\bMEU?[A-Za-z0-9+/]{80,}={0,2}|\bME[QY][A-Za-z0-9+/]{80,}={0,2}`, "SIGNATURE"),
	golden.NewChance(`"[A-Za-z0-9+/_-]{43}=?"`, `"KEY"`),
	golden.NewChance(`"actor":\{[^}]*\}`, `"actor":{}`),
	golden.NewChance(`"generation":"[0-9a-f]{16}/`, `"generation":"ID/`),
	golden.NewChance(`\b([ck]rl) (\S+) [A-Za-z0-9+/=,\\]{80,}`, "$1 $2 LIST"),
	golden.NewChance(`"UID","[A-Za-z0-9+/]{12}"`, `"UID","PRINT"`),
}

// plain is a text without what differs from run to run, and without where the directory is.
func (g *life) plain(text string) string {
	return strings.ReplaceAll(plainLife(text), g.world.directory, "DIRECTORY")
}

// plainLife is a text without what differs from run to run.
func plainLife(text string) string {
	return golden.Plain(text, chances)
}
