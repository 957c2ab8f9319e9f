// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

type object = map[string]any

// request is a decision and what it must be.
type request struct {
	Name  string
	At    time.Time `json:"-"`
	NS    int64     `json:"ns"`
	Input object    `json:"input"`
	Allow bool      `json:"-"`
	Who   string    `json:"-"`
	Why   []string  `json:"-"`
}

// reading is a request that is allowed, with some of its input replaced; nil leaves a part out.
func reading(changes object) object {
	input := object{
		"credential": object{"secret": key},
		"action":     "read",
		"path":       "orders/acme/daily/1.csv",
		"ip":         "198.51.100.1",
	}
	for name, value := range changes {
		if value == nil {
			delete(input, name)
		} else {
			input[name] = value
		}
	}
	return input
}

func allowed(name string, changes object) request {
	return request{Name: name, At: now, Input: reading(changes), Allow: true, Who: "acme/prod/orders"}
}

func refused(name, why string, changes object) request {
	return request{Name: name, At: now, Input: reading(changes), Who: "acme/prod/orders", Why: []string{why}}
}

func unknown(name string, changes object) request {
	return refused(name, "credential_unknown", changes).of("")
}

func (r request) of(who string) request {
	if who != "" {
		who = "acme/prod/" + who
	}
	r.Who = who
	return r
}

func (r request) by(who string) request { r.Who = who; return r }

func (r request) at(moment time.Time) request { r.At = moment; return r }

func cert(fields object) object { return object{"credential": object{"certificate": fields}} }

func claims(changes object) object {
	c := object{"iss": issuer, "sub": subject, "aud": audience}
	for name, value := range changes {
		if value == nil {
			delete(c, name)
		} else {
			c[name] = value
		}
	}
	return object{"credential": object{"claims": c}}
}

// own is a token that the access system itself gave out.
func own(changes object, more ...any) object {
	c := object{
		"iss": "urn:partner:prod",
		"aud": "partner",
		"sub": "acme/prod/orders",
		"uid": "uid-orders",
		"jti": "one",
		"exp": now.Unix() + 60,
	}
	for name, value := range changes {
		if value == nil {
			delete(c, name)
		} else {
			c[name] = value
		}
	}
	return with(object{"credential": object{"claims": c}}, more...)
}

func with(base object, more ...any) object {
	for i := 0; i < len(more); i += 2 {
		base[more[i].(string)] = more[i+1]
	}
	return base
}

func as(key string, more ...any) object {
	return with(object{"credential": object{"secret": key}, "path": "shared/x"}, more...)
}

var decisions = slices.Concat([]request{
	allowed("a key", nil),
	unknown("another key", object{"credential": object{"secret": "partner_nobody"}}),
	unknown("no credential", object{"credential": nil}),
	unknown("the hash of the key instead of the key", object{"credential": object{"secret": hashed(key)}}),
	unknown("an empty key", object{"credential": object{"secret": ""}}),
	unknown("a key that is no text", object{"credential": object{"secret": 1}}),
	unknown("a key and something else", object{"credential": object{"secret": key, "claims": object{}}}),
	refused("a key that was rotated away", "credential_ended", object{"credential": object{"secret": oldKey}}),
	allowed("the moment before the key ends", object{"path": "late/x"}).at(keyEnds.Add(-1)),
	refused("the moment when the key ends", "credential_ended", object{"path": "late/x"}).at(keyEnds),

	allowed("a certificate by fingerprint", cert(object{"fingerprint": fingerprint})),
	allowed("a fingerprint as openssl prints it", cert(object{"fingerprint": colons(fingerprint)})),
	allowed("a certificate by serial", cert(object{"serial": serial})),
	allowed("a serial as nginx prints it", cert(object{"serial": strings.ToUpper(serial)})),
	allowed("a serial without its leading zero", cert(object{"serial": serial[1:]})),
	unknown("another fingerprint", cert(object{"fingerprint": "00" + fingerprint})),
	unknown("another serial", cert(object{"serial": serial + "0"})),
	unknown("an empty serial", cert(object{"serial": ""})),
	unknown("a right serial with another fingerprint", cert(object{"fingerprint": "00", "serial": serial})),
	unknown("a certificate and something else",
		object{"credential": object{"certificate": object{"fingerprint": fingerprint}, "secret": ""}}),
	unknown("a serial and something else",
		object{"credential": object{"certificate": object{"serial": serial}, "secret": ""}}),

	allowed("a token", claims(nil)),
	allowed("a token of several audiences", claims(object{"aud": []string{"elsewhere", "other.example.com"}})),
	unknown("a token for somebody else", claims(object{"aud": "elsewhere"})),
	unknown("a token for nobody", claims(object{"aud": []string{}})),
	unknown("a token without audience", claims(object{"aud": nil})),
	unknown("an audience that is an object", claims(object{"aud": object{"x": audience}})),
	unknown("a token of another subject", claims(object{"sub": "svc-billing"})),
	unknown("a token of another issuer", claims(object{"iss": issuer + "/"})),
	unknown("a token without subject", claims(object{"sub": nil})),
	unknown("a token and something else",
		object{"credential": object{"secret": "", "claims": claims(nil)["credential"].(object)["claims"]}}),
	allowed("a token that has not ended", claims(object{"exp": now.Unix() + 1})),
	refused("a token that has ended", "token_ended", claims(object{"exp": now.Unix()})),
	refused("a token whose end is no number", "token_ended", claims(object{"exp": "2099"})),
	allowed("a token of two identities, as the one that may", with(claims(nil), "path", "own/x")).of("shared"),
	allowed("a token of two identities, as the other", with(claims(nil), "path", "late/x")),

	allowed("a token for one run", own(nil)),
	allowed("a token for one run of several audiences", own(object{"aud": []string{"elsewhere", "partner"}})),
	refused("a token for one run, for what is not granted", "not_granted", with(own(nil), "path", "orders/globex/1")),
	refused("a token for one run that has ended", "credential_ended", own(object{"exp": now.Unix()})),
	unknown("a token for one run without an end", own(object{"exp": nil})),
	unknown("a token for one run whose end is no number", own(object{"exp": "2099"})),
	unknown("a token for one run with a secret",
		object{"credential": object{"secret": "", "claims": own(nil)["credential"].(object)["claims"]}}),
	unknown("a token for one run of another environment", own(object{"iss": "urn:partner:test"})),
	unknown("a token for one run of another issuer", own(object{"iss": issuer})),
	unknown("a token for one run for somebody else", own(object{"aud": "elsewhere"})),
	unknown("a token for one run of nobody", own(object{"sub": "acme/prod/nobody"})),
	unknown("a token for one run of whom the identity replaced", own(object{"uid": "uid-before"})),
	unknown("a token for one run without uid", own(object{"uid": nil})),
	unknown("a token for one run of an identity without uid", own(object{"sub": "acme/prod/office", "uid": nil})),
	unknown("a token for one run without jti", own(object{"jti": nil})),
	refused("a token for one run that was revoked", "token_revoked", own(object{"jti": "revoked"})).of(""),
	allowed("a partner's token with the jti of one that was revoked", claims(object{"jti": "revoked"})),
	refused("a token for one run of a suspended identity", "identity_suspended",
		own(object{"sub": "acme/prod/paused", "uid": "uid-paused"})).of("paused"),
	refused("a token for one run of an identity that was cut by hand", "identity_on_hold",
		own(object{"sub": "globex/prod/cut", "uid": "uid-cut"})).by("globex/prod/cut"),
	refused("a token for one run of an identity that has ended", "identity_ended",
		own(object{"sub": "acme/prod/long", "uid": "uid-long", "exp": whoEnds.Unix() + 60}, "path",
			"shared/x")).of("long").at(whoEnds),

	allowed("from its network", as(officeKey, "ip", "203.0.113.7")).of("office"),
	allowed("from its IPv6 network", as(officeKey, "ip", "2001:db8:0:1::7")).of("office"),
	allowed("from its network, as servers write it that listen to both",
		as(officeKey, "ip", "::ffff:203.0.113.7")).of("office"),
	refused("from elsewhere, written so", "network_not_allowed",
		as(officeKey, "ip", "::ffff:198.51.100.7")).of("office"),
	refused("from its network, with a port", "network_not_allowed",
		as(officeKey, "ip", "203.0.113.7:443")).of("office"),
	refused("from a link, with its zone", "network_not_allowed", as(officeKey, "ip", "fe80::1%eth0")).of("office"),
	refused("from elsewhere", "network_not_allowed", as(officeKey)).of("office"),
	refused("from nowhere", "network_not_allowed", as(officeKey, "ip", nil)).of("office"),
	refused("from what is no address", "network_not_allowed", as(officeKey, "ip", "203.0.113.7 ")).of("office"),
	refused("from a whole network", "network_not_allowed", as(officeKey, "ip", "203.0.113.0/30")).of("office"),
	allowed("from nowhere, where no network is asked for", object{"ip": nil}),

	refused("an identity whose partner was cut by hand", "identity_on_hold", as("partner_cut")).by("globex/prod/cut"),
	allowed("an identity that was released", as("partner_freed")).by("globex/prod/freed"),
	refused("what hangs on one that was cut by hand", "identity_on_hold", as("partner_below")).of("below"),
	allowed("what hangs on one that was released", as("partner_under")).of("under"),
	refused("an identity that was cut by hand alone", "identity_on_hold", as("partner_taken")).of("taken"),
	refused("an identity that was released with its partner, and cut alone", "identity_on_hold",
		as("partner_again")).by("globex/prod/again"),
	refused("a credential that was cut by hand alone", "credential_on_hold", as("partner_alone")).of("alone"),
	refused("a suspended identity", "identity_suspended", as(suspendedKey)).of("paused"),
	allowed("the moment before the identity ends", as(longKey)).of("long").at(whoEnds.Add(-1)),
	refused("the moment when the identity ends", "identity_ended", as(longKey)).of("long").at(whoEnds),
	allowed("the moment before the copy is too old", as("partner_stale")).of("stale").at(valid.Add(-1)),
	refused("the moment when the copy is too old", "policy_outdated", as("partner_stale")).of("stale").at(valid),

	allowed("the moment before the grant ends", nil).at(mayEnds.Add(-1)),
	refused("the moment when the grant ends", "grant_ended", nil).at(mayEnds),
	refused("a grant that ended", "grant_ended", object{"path": "archive/2025"}),
	allowed("the grant's other action", object{"action": "list"}),
	refused("an action of another grant", "not_granted", object{"action": "write"}),
	refused("an action in upper case", "not_granted", object{"action": "READ"}),
	refused("no action", "not_granted", object{"action": nil}),

	allowed("far below", object{"path": "orders/acme/daily/2026/06/1.csv"}),
	refused("the folder itself", "not_granted", object{"path": "orders/acme/daily"}),
	refused("a sister folder", "not_granted", object{"path": "orders/acme/weekly/1.csv"}),
	refused("a folder that begins alike", "not_granted", object{"path": "orders/acme/daily2/1.csv"}),
	allowed("a name with a space, an umlaut and dots",
		object{"path": "orders/acme/daily/März 2026/..bericht v1.2 (neu).csv"}),
	allowed("a name of another script", object{"path": "orders/acme/daily/日本語.csv"}),
	allowed("an exact resource", object{"path": "orders/acme/manifest"}),
	refused("below an exact resource", "not_granted", object{"path": "orders/acme/manifest/x"}),
	allowed("one segment", object{"path": "orders/x/inbox", "action": "write"}),
	refused("two segments for one", "not_granted", object{"path": "orders/x/y/inbox", "action": "write"}),
	refused("no segment for one", "not_granted", object{"path": "orders/inbox", "action": "write"}),
	refused("a path that is no text", "path_unclear", object{"path": []string{"orders", "acme", "daily", "x"}}),
	refused("no path", "path_unclear", object{"path": nil}),
}, unclear("orders/acme/daily/../../../etc", "orders/acme/daily/./1.csv", "orders/acme/daily/",
	"orders/acme/daily//1.csv",
	"/orders/acme/daily/1.csv", "", "orders/acme/daily/%2e%2e", "orders/acme/daily/a%2Fb", `orders/acme/daily/..\..\x`,
	"orders/acme/daily/x?y", "orders/acme/daily/x#y", "orders/acme/daily/..;/x", "orders/acme/daily/x\x00.csv",
	"orders/acme/daily/x\n", "orders/acme/daily/x\x7f",
	// What a server might take for dots and slashes, or drop.
	"orders/acme/daily/\uff0e\uff0e/x", "orders/acme/daily/\u2024\u2024/x", "orders/acme/daily/\u2025/x",
	"orders/acme/daily/..\uff0fx",
	"orders/acme/daily/..\u2215x", "orders/acme/daily/..\uff3cx", "orders/acme/daily/.../x", "orders/acme/daily/.. /x",
	"orders/acme/daily/ ../x",
	"orders/acme/daily/. ./x", "orders/acme/daily/ /x", "orders/acme/daily/..\u00a0/x", "orders/acme/daily/..\u200b/x",
	"orders/acme/daily/.\ufeff./x",
	"orders/acme/daily/x\u0085", "orders/acme/daily/x\u202ecsv.exe", "orders/acme/daily/x\u00ad",
	"orders/acme/daily/\ufffd"))

func unclear(paths ...string) []request {
	var out []request
	for _, p := range paths {
		out = append(out, refused("the path "+p, "path_unclear", object{"path": p}))
	}
	return out
}

func colons(digits string) string {
	return strings.ToUpper(strings.TrimSuffix(regexp.MustCompile("..").ReplaceAllString(digits, "$0:"), ":"))
}

// judge asks the real OPA for every decision at once.
const judge = `package judge

decisions := [d |
	some r in data.requests
	a := data.partner.allow with input as r.input with time.now_ns as r.ns
	w := concat("", [i | i := data.partner.identity with input as r.input with time.now_ns as r.ns])
	y := data.partner.reason with input as r.input with time.now_ns as r.ns
	d := {"allow": a, "who": w, "why": y}
]
`

type decision struct {
	Allow bool
	Who   string
	Why   []string
}

func decide(t testing.TB, policy string) ([]decision, error) {
	t.Helper()
	dir := t.TempDir()
	requests := slices.Clone(decisions)
	for i := range requests {
		requests[i].NS = requests[i].At.UnixNano()
	}
	all := files(t, fixture(), signer(t))
	var out []decision
	err := evaluate(t, "data.judge.decisions", &out,
		put(t, dir, "data.json", all["policy/data.json"]), put(t, dir, "hold.json", all["policy/hold.json"]),
		put(t, dir, "requests.json", asJSON(t, object{"requests": requests})),
		put(t, dir, "policy.rego", []byte(policy)), put(t, dir, "judge.rego", []byte(judge)))
	return out, err
}

func TestEachRequestIsDecidedAsTheTableSays(t *testing.T) {
	got, err := decide(t, rego)
	if err != nil || len(got) != len(decisions) {
		t.Fatalf("%d answers to %d requests: %v", len(got), len(decisions), err)
	}
	for i, want := range decisions {
		if got := got[i]; got.Allow != want.Allow || got.Who != want.Who {
			t.Errorf("%s: got %+v, want allow %v of %q", want.Name, got, want.Allow, want.Who)
		} else if missing := missing(want.Why, got.Why); missing != "" || (want.Allow && len(got.Why) > 0) {
			t.Errorf("%s: the reasons are %q, want %q", want.Name, got.Why, want.Why)
		}
	}
}

func missing(want, got []string) string {
	for _, w := range want {
		if !slices.Contains(got, w) {
			return w
		}
	}
	return ""
}

// TestEveryProtectionCounts takes out one condition of the policy after the other, and makes each comparison weaker:
// either nothing compiles any more, or some decision above changes.
func TestEveryProtectionCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("runs OPA some fifty times")
	}
	decides, _, _ := strings.Cut(rego, "# Why a request is refused")
	lines := strings.SplitAfter(decides, "\n")
	rest := strings.TrimPrefix(rego, decides)
	for i, line := range lines {
		for _, weaker := range weakened(line) {
			mutant := strings.Join(slices.Replace(slices.Clone(lines), i, i+1, weaker), "") + rest
			t.Run(strings.TrimSpace(line), func(t *testing.T) {
				t.Parallel()
				got, err := decide(t, mutant)
				if err == nil &&
					slices.EqualFunc(got, decisions,
						func(d decision, r request) bool { return d.Allow == r.Allow && d.Who == r.Who }) {
					t.Errorf("nothing changed without it, or as %q", strings.TrimSpace(weaker))
				}
			})
		}
	}
}

// weakened are the ways to take a protection out of a line.
func weakened(line string) []string {
	body := strings.HasPrefix(line, "\t") &&
		!strings.HasPrefix(line, "\t#") &&
		!strings.HasSuffix(line, "{\n")
	var out []string
	if body {
		out = append(out, "\ttrue\n")
	}
	if condition := regexp.MustCompile(` if [^{]+$`); !body && condition.MatchString(line) {
		out = append(out, condition.ReplaceAllString(line, " if true\n"))
	}
	for weak, weaker := range map[string]string{" < ": " <= ", " > ": " >= ", "== 1": ">= 1", "[%": "[", `\\?`: "?",
		"?#": "#", "#;": ";", `;]`: "]", "[ -~": `[\t-~`, "-~": `-\x7f`, `\p{L}`: `\p{L}\p{C}`,
		`\p{M}`: `\p{M}\p{P}`, `\p{Nd}`: `\p{Nd}\p{S}`, "[. ]*": "[. ]+", "^[.": "^[", "[. ]": "[.]"} {
		if strings.HasPrefix(line, "#") || !strings.Contains(line, weak) {
			continue
		}
		out = append(out, strings.Replace(line, weak, weaker, 1))
	}
	return out
}
