// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// logged is a world whose gateways wrote these lines.
func logged(t *testing.T, lines ...string) (*world, string) {
	t.Helper()
	w := newWorld(t)
	w.put(identity(acme, 90))
	w.put(secret(acme, 30))
	w.put(federated(acme, 30))
	log := filepath.Join(t.TempDir(), "use-1.jsonl")
	writeLog(t, log, lines...)
	w.options.UseLogs = []string{filepath.Join(filepath.Dir(log), "use-*.jsonl")}
	return w, log
}

func writeLog(t *testing.T, path string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func at(d time.Duration) string { return start.Add(d).Format(time.RFC3339) }

func TestTheGatewaysLogsTellWhenAccessWasLastUsed(t *testing.T) {
	// Somebody else was let in before and after ours was made: so the logs speak of both kinds.
	others := func(d time.Duration, kind string) string {
		return fmt.Sprintf(`{"time": %q, "identity": "somebody/prod/else", "kind": %q, "admitted": true}`, at(d), kind)
	}
	speaks := []string{others(-time.Hour, "secret"), others(-time.Hour, "federated"), others(time.Minute, "secret"),
		others(time.Minute, "federated")}
	ours := func(d time.Duration, kind, more string) string {
		return fmt.Sprintf(`{"time": %q, "identity": "acme/prod/etl", "kind": %q, "more": [1]%s}`, at(d), kind, more)
	}
	in := `, "admitted": true`
	timed := func(at string) string {
		return fmt.Sprintf(`{"time": %s, "identity": "acme/prod/etl", "kind": "secret", "admitted": true}`, at)
	}
	decided := func(d time.Duration, result string) string {
		return fmt.Sprintf(`{"timestamp": %q, "path": "partner/verdict", "input": {"credential": {"claims": {}}}, "result": %s}`, at(d), result)
	}
	for name, c := range map[string]struct {
		lines                    []string
		identity, key, federated time.Duration // after the start; 0: never
		unknown                  []access.Kind // and so of the identity
	}{
		"a use": {append(speaks, ours(time.Hour, "secret", in)), time.Hour, time.Hour, 0, nil},
		"the latest of several": {append(speaks, ours(3*time.Hour, "secret", in), ours(2*time.Hour, "federated", in)),
			3 * time.Hour, 3 * time.Hour, 2 * time.Hour, nil},
		"a decision of OPA": {append(speaks, decided(time.Hour, `{"allow": true, "identity": "acme/prod/etl"}`)),
			time.Hour, 0, time.Hour, nil},
		"lines twice, and in any order": {append([]string{ours(3*time.Hour, "secret", in),
			ours(time.Hour, "secret", in), ours(3*time.Hour, "secret", in)}, append(speaks, speaks...)...),
			3 * time.Hour, 3 * time.Hour, 0, nil},
		"a refusal": {append(speaks,
			decided(time.Hour, `{"allow": false, "identity": "acme/prod/etl"}`)), 0, 0, 0, nil},
		"a decision without an identity": {append(speaks, decided(time.Hour, `{"allow": true}`)), 0, 0, 0, nil},
		"a request that was refused": {append(speaks, ours(time.Hour, "secret", `, "admitted": false`)), 0, 0, 0,
			nil},
		"what does not say whether": {append(speaks, ours(time.Hour, "secret", "")), 0, 0, 0, nil},
		"what says so in words": {append(speaks, ours(time.Hour, "secret", `, "admitted": "true"`)), 0, 0, 0,
			nil},
		"no use, and both kinds spoken": {speaks, 0, 0, 0, nil},
		"silence about one kind":        {speaks[:3], 0, 0, 0, []access.Kind{access.Federated}},
		"silence, but for one used": {append(speaks[:1:1], ours(time.Hour, "federated", in)), time.Hour, 0,
			time.Hour, []access.Kind{access.Secret}},
		"logs that begin later":  {speaks[2:], 0, 0, 0, []access.Kind{access.Secret, access.Federated}},
		"logs that ended before": {speaks[:2], 0, 0, 0, []access.Kind{access.Secret, access.Federated}},
		"an empty log":           {nil, 0, 0, 0, []access.Kind{access.Secret, access.Federated}},
		"a kind that is none": {append(speaks, ours(time.Hour, "voodoo", in)), time.Hour, 0, 0,
			[]access.Kind{access.Secret, access.Federated}},
		"a kind that is none, before": {append(speaks, ours(time.Hour, "", in), ours(2*time.Hour, "secret", in)),
			2 * time.Hour, 2 * time.Hour, 0, []access.Kind{access.Federated}},
		"a line of the future": {append(speaks, ours(72*time.Hour, "secret", in)), 0, 0, 0,
			[]access.Kind{access.Secret}},
		"a clock that went ahead": {append(speaks, ours(time.Hour, "secret", in),
			ours(72*time.Hour, "secret", in)), time.Hour, time.Hour, 0, []access.Kind{access.Secret}},
		"a zone that was lost later": {append(speaks, ours(time.Hour, "secret", in),
			timed(`"2026-06-09 13:00:00"`)), time.Hour, time.Hour, 0, []access.Kind{access.Secret}},
		"OPA with all of it masked": {append(speaks,
			strings.Replace(decided(time.Hour, `{"allow": true, "identity": "acme/prod/etl"}`),
				`{"credential": {"claims": {}}}`, `"masked"`, 1)),
			time.Hour, 0, 0, []access.Kind{access.Secret, access.Federated}},
		"one of before it was made": {append(speaks, ours(-time.Minute, "secret", in)), 0, 0, 0, nil},
		"what is no JSON, and too long": {append(speaks, "GET /", strings.Repeat("x", 3<<20), "{", "",
			ours(time.Hour, "secret", in)), time.Hour, time.Hour, 0, nil},
		"a first line after zeros": {append(append([]string{"\x00\x00\x00" + speaks[0]}, speaks[1:]...),
			"\ufeff"+ours(time.Hour, "secret", in)), time.Hour, time.Hour, 0, nil},
		"lines of Windows": {append(speaks, ours(time.Hour, "secret", in)+"\r"), time.Hour, time.Hour, 0,
			nil},
		"nginx's local time": {append(speaks,
			timed(`"`+start.Add(time.Hour).Format("02/Jan/2006:15:04:05 -0700")+`"`)), time.Hour, time.Hour, 0, nil},
		"a zone without colon": {append(speaks,
			timed(`"`+start.Add(time.Hour).In(time.FixedZone("", 7200)).Format("2006-01-02T15:04:05.000-0700")+`"`)),
			time.Hour, time.Hour, 0, nil},
		"seconds since 1970": {append(speaks, timed(fmt.Sprintf("%d.123", start.Add(time.Hour).Unix()))),
			time.Hour, time.Hour, 0, nil},
		"milliseconds since 1970": {append(speaks,
			timed(fmt.Sprintf("%q", fmt.Sprint(start.Add(time.Hour).UnixMilli())))), time.Hour, time.Hour, 0, nil},
		"a time without a zone": {append(speaks, timed(`"2026-06-01 13:00:00"`)), 0, 0, 0,
			[]access.Kind{access.Secret}},
		"what is not UTF-8": {append(speaks, "\xff\xfe{",
			strings.Replace(ours(time.Hour, "secret", in), "[1]", "\"\xff\"", 1)), time.Hour, time.Hour, 0, nil},
		"OPA with a time of its own": {append(speaks,
			strings.Replace(decided(time.Hour, `{"allow": true, "identity": "acme/prod/etl"}`), "{",
				`{"time": "1 June, 13h", `, 1)), time.Hour, 0, time.Hour, nil},
		"an id that begins as ours": {append(speaks,
			strings.ReplaceAll(ours(time.Hour, "secret", in), "prod/etl", "prod/etl-2")), 0, 0, 0, nil},
		"an id that ours begins with": {append(speaks,
			strings.ReplaceAll(ours(time.Hour, "secret", in), "prod/etl", "prod/et")), 0, 0, 0, nil},
		"an id that climbs": {append(speaks,
			fmt.Sprintf(`{"time": %q, "identity": "../../etc", "admitted": true}`, at(time.Hour))), 0, 0, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := logged(t, c.lines...)
			w.wait(24 * time.Hour)
			for kind, d := range map[access.Kind]time.Duration{
				"":               c.identity,
				access.Secret:    c.key,
				access.Federated: c.federated,
			} {
				ref, unknown := acme.Ref(), len(c.unknown) > 0
				if kind != "" {
					ref, unknown = access.Ref{Type: access.TypeCredential, ID: acme.String() + "/" + string(kind)},
						slices.Contains(c.unknown, kind)
				}
				want := time.Time{}
				if d > 0 {
					want = start.Add(d)
				}
				if r := w.get(ref); !r.LastUsedAt.Equal(want) || r.UseUnknown != unknown {
					t.Errorf("%s was last used at %s, want %s; unknown: %v, want %v", ref, r.LastUsedAt, want,
						r.UseUnknown, unknown)
				}
			}
		})
	}
}

// A gateway whose log was shipped no more went on to let its partner in, who counted as dormant, so that its renewal
// was refused. So did one whose log has a gap.
func TestALogThatStoppedSaysNothingOfWhatCameAfter(t *testing.T) {
	line := func(d time.Duration, kind, more string) string {
		return fmt.Sprintf(`{"time": %q, "kind": %q%s}`, at(d), kind, more)
	}
	const day = 24 * time.Hour
	by := func(who string) string { return `, "admitted": true, "identity": "` + who + `"` }
	going := func(from, to time.Duration) string { // on, from day to day
		var all []string
		for d := from; d <= to; d++ {
			all = append(all, line(d*day, "", ""))
		}
		return strings.Join(all, "\n")
	}
	before := line(-day, "secret", "")
	used := line(day, "secret", by("acme/prod/etl"))
	now := going(1, 59) + "\n" + line(60*day-time.Hour, "secret", "")
	for name, c := range map[string]struct {
		logs    map[string][]string
		used    bool
		unknown bool
		seen    time.Duration // after the start, up to when every use was seen; 0: nobody knows
		again   time.Duration // and from when on it is seen again; 0: it is not
	}{
		"goes on, and tells of a use": {map[string][]string{"a.jsonl": {before, used, now}}, true, false, 0,
			0},
		"goes on, and tells of none": {map[string][]string{"a.jsonl": {before, now}}, false, false, 0, 0},
		"stopped after a use":        {map[string][]string{"a.jsonl": {before, used}}, true, true, day, 0},
		"stopped, and told of no use": {map[string][]string{"a.jsonl": {before, going(1, 55),
			line(56*day, "secret", "")}}, false, true, 56 * day, 0},
		"is silent over a weekend": {map[string][]string{"a.jsonl": {before, used, going(2, 57),
			line(57*day+time.Hour, "secret", "")}}, true, false, 0, 0},
		"stopped, beside another that goes on": {map[string][]string{"a.jsonl": {before, used},
			"b.jsonl": {before, now}}, true, true, day, 0},
		"began later, beside another": {map[string][]string{"a.jsonl": {before, now},
			"b.jsonl": {line(50*day, "secret", ""), now}}, false, true, 0, 0},
		"stopped, and is of another kind": {map[string][]string{"a.jsonl": {before, used, now},
			"b.jsonl": {line(-day, "certificate", "")}}, true, false, 0, 0},
		"goes on with lines of other kinds": {map[string][]string{"a.jsonl": {before, used, going(2, 59),
			line(60*day-time.Hour, "federated", "")}}, true, false, 0, 0},
		"goes on with lines of no kind": {map[string][]string{"a.jsonl": {before, used, going(2, 59)}}, true,
			false, 0, 0},
		"goes on in the next file, by number": {map[string][]string{
			"a.jsonl":   {now},
			"a.jsonl.1": {used},
			"a.jsonl.2": {before},
		}, true, false, 0, 0},
		"goes on in the next file, by day": {map[string][]string{"a-20260610.jsonl": {before, used},
			"a-20260801.jsonl": {now}}, true, false, 0, 0},
		"goes on in the next folder, by day": {map[string][]string{"2026/06/10/a.jsonl": {before, used},
			"2026/08/01/a.jsonl": {now}}, true, false, 0, 0},
		"stopped, of a gateway with another name": {map[string][]string{"gw-1.jsonl": {before, used},
			"gw-2.jsonl": {before, now}}, true, true, day, 0},
		"holds no line that can be read": {map[string][]string{"a.jsonl": {before, used, now},
			"b.jsonl": {"GET /"}}, true, false, 0, 0},
		"stopped, of a gateway that is gone": {map[string][]string{"gone.jsonl": {before},
			"a.jsonl": {before, line(50*day, "secret", by("acme/prod/etl")), now}}, true, true, -day, 0},
		"has a gap": {map[string][]string{"a.jsonl": {before, used, going(1, 20),
			going(30, 60)}}, true, true, 20 * day, 30*day + time.Hour},
		"has a gap of three days": {map[string][]string{"a.jsonl": {before, used, going(1, 20),
			going(23, 60)}}, true, false, 0, 0},
		"has two gaps": {map[string][]string{"a.jsonl": {before, going(30, 40), used,
			going(1, 20), going(50, 60)}}, true, true, 20 * day, 50*day + time.Hour},
		"has a gap, and is stopped": {map[string][]string{"a.jsonl": {before, used, going(1, 20),
			going(30, 50)}}, true, true, 20 * day, 0},
		"has a gap, beside another's": {map[string][]string{"a.jsonl": {before, used, going(1, 20),
			going(30, 60)}, "b.jsonl": {before, going(0, 10), going(15, 60)}}, true, true, 10 * day,
			30*day + time.Hour},
		"had a gap before the use": {map[string][]string{"a.jsonl": {line(-20*day, "secret", ""), before,
			going(10, 60), line(12*day, "secret", by("acme/prod/etl"))}}, true, false, 0, 0},
		"had a gap up to the use": {map[string][]string{"a.jsonl": {line(-20*day, "secret", ""), before,
			line(10*day, "secret", by("acme/prod/etl")), going(11, 60)}}, true, false, 0, 0},
		"had a gap before it was made": {map[string][]string{"a.jsonl": {line(-20*day, "secret", ""),
			going(-1, 60), line(59*day, "secret", "")}}, false, false, 0, 0},
		"has a gap that a file fills": {map[string][]string{
			"a.jsonl":   {going(30, 60)},
			"a.jsonl.1": {before, used, going(1, 20)},
			"a.jsonl.2": {going(15, 40)},
		}, true, false, 0, 0},
		"has a gap, and is of other kind": {map[string][]string{"a.jsonl": {before, used, now},
			"b.jsonl": {line(-day, "certificate", ""), line(59*day, "certificate", "")}}, true, false, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := logged(t)
			folder := t.TempDir()
			w.options.UseLogs = nil
			for file, lines := range c.logs {
				path := filepath.Join(folder, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				writeLog(t, path, lines...)
				w.options.UseLogs = append(w.options.UseLogs, path)
			}
			w.wait(60 * day)
			_, _ = w.Notes() // of the keys
			r := w.get(access.Ref{Type: access.TypeCredential, ID: acme.String() + "/secret"})
			if r.LastUsedAt.IsZero() == c.used || r.UseUnknown != c.unknown {
				t.Errorf("last used at %s, unknown since: %v, want %v", r.LastUsedAt, r.UseUnknown, c.unknown)
			}
			seen := time.Time{}
			if c.seen != 0 {
				seen = start.Add(c.seen)
			}
			again := time.Time{}
			if c.again != 0 {
				again = start.Add(c.again)
			}
			why, i := r.Unseen.Why, w.get(acme.Ref()).Unseen
			told := strings.Contains(why, ".jsonl has had no line since 202") ||
				strings.Contains(why, ".jsonl has no line between 202")
			if !r.Unseen.Since.Equal(seen) ||
				!r.Unseen.Until.Equal(again) ||
				told != (c.seen != 0) ||
				(i.Since != r.Unseen.Since && !i.Since.IsZero()) {
				t.Errorf("every use was seen up to %s and from %s (%q), want %s and %s; of the identity up to %s",
					r.Unseen.Since, r.Unseen.Until, why, seen, again, i.Since)
			}
			_, warned := w.Notes()
			if stopped := strings.Contains(name,
				"stopped"); stopped != (len(warned) == 1 &&
				strings.Contains(warned[0][1], ".jsonl has had no line since 202")) {
				t.Errorf("it is told %q", warned)
			}
		})
	}
}

// A certificate has room for 64 characters of an id. What stands there instead of a longer one began with another
// identity's whole id, and the use was credited to that one.
func TestTheUseOfALongIDIsItsOwn(t *testing.T) {
	long := access.IdentityID{
		Partner:     "acme",
		Environment: "prod",
		Name:        "stock-feed-of-the-new-warehouse-in-rotterdam-and-its-annexes",
	}
	short := access.IdentityID{Partner: "acme", Environment: "prod", Name: "stock-feed-of-the-new"}
	if !strings.HasPrefix(long.CommonName(), short.String()+":") {
		t.Fatalf("%s does not begin with %s", long.CommonName(), short)
	}
	for name, who := range map[string]string{
		"as nginx writes it":   `"dn": "CN=` + long.CommonName() + `"`,
		"as OpenSSL writes it": `"dn": "/CN=` + long.CommonName() + `"`,
		"as the identity":      `"identity": "` + long.CommonName() + `"`,
		"whole":                `"identity": "` + long.String() + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			w, log := logged(t)
			w.put(identity(long, 90))
			w.put(identity(short, 90))
			writeLog(t, log, fmt.Sprintf(`{"time": %q, %s, "kind": "certificate", "admitted": true}`, at(time.Hour),
				who))
			w.wait(24 * time.Hour)
			if got := w.get(long.Ref()).LastUsedAt; !got.Equal(start.Add(time.Hour)) {
				t.Errorf("its last use is %s", got)
			}
			if got := w.get(short.Ref()).LastUsedAt; !got.IsZero() {
				t.Errorf("another identity's last use is %s", got)
			}
		})
	}
}

// Logs are packed when they are rotated, and with them went what they knew.
func TestAPackedLogIsRead(t *testing.T) {
	line := fmt.Sprintf(`{"time": %q, "identity": "acme/prod/etl", "kind": "secret", "admitted": true}`,
		at(time.Minute))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, line+"\n"+strings.Repeat(line+"\n", 1000)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		bytes []byte
		used  bool
	}{
		"whole":               {packed.Bytes(), true},
		"while it is written": {packed.Bytes()[:packed.Len()-8], true},
		"just begun":          {packed.Bytes()[:4], false},
	} {
		t.Run(name, func(t *testing.T) {
			w, log := logged(t)
			writeLog(t, log, string(c.bytes))
			w.wait(time.Hour)
			if got := w.get(acme.Ref()).LastUsedAt; got.IsZero() == c.used {
				t.Errorf("last used at %s", got)
			}
		})
	}
}

func TestALogIsReadAgainWhenItGrows(t *testing.T) {
	w, log := logged(t)
	if !w.get(acme.Ref()).UseUnknown {
		t.Error("it is known from nothing")
	}
	w.wait(time.Hour)
	writeLog(t, filepath.Join(filepath.Dir(log), "use-2.jsonl"),
		fmt.Sprintf(`{"time": %q, "identity": "acme/prod/etl", "kind": "secret", "admitted": true}`, at(time.Minute)))
	if got := w.get(acme.Ref()).LastUsedAt; !got.Equal(start.Add(time.Minute)) {
		t.Errorf("last used at %s", got)
	}
	for what, lay := range map[string]func(path string) error{
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"a pipe":   func(path string) error { return exec.Command("mkfifo", path).Run() },
	} {
		path := filepath.Join(filepath.Dir(log), "use-3.jsonl")
		if err := lay(path); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Get(w.ctx(), acme.Ref()); !errors.Is(err, access.ErrUnavailable) ||
			!strings.Contains(err.Error(), "use-3.jsonl") {
			t.Errorf("%s: %v", what, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// The real OPA writes the log that is read.
func TestOPAsOwnDecisionLogTells(t *testing.T) {
	w, log := logged(t)
	w.put(grant(acme, "daily", "orders/*", 30, "read"))
	published := filepath.Join(w.dir, "publish")
	bundle := func(name string) map[string]any {
		return map[string]any{"resource": "file://" + filepath.Join(published, name),
			"signing": map[string]any{"keyid": "partner"}}
	}
	settings, err := json.Marshal(map[string]any{
		"bundles": map[string]any{"partner": bundle("bundle.tar.gz"),
			"partner_hold": map[string]any{"resource": "file://" + filepath.Join(published, "hold.tar.gz")}},
		"keys": map[string]any{"partner": map[string]any{"algorithm": "ES256",
			"key": w.read("publish/policy/key.pem")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "opa.json")
	writeLog(t, config, string(settings))
	input := filepath.Join(t.TempDir(), "input.json")
	writeLog(t, input,
		`{"credential": {"claims": {"iss": "https://login.acme.test", "sub": "svc-etl", "aud": "orders.example.com"}}, "action": "read", "path": "orders/1"}`)
	cmd := exec.Command(realtool.Find(t, "opa"), "exec", "--decision=partner/verdict",
		"--set=decision_logs.console=true", "--log-level=info", "--log-format=json",
		"--config-file", config, input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(log, out, 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := new(useLogs).latest([]string{log}, time.Now())
	if got := u.last[use{acme.String(), access.Federated}]; err != nil ||
		time.Since(got) > time.Minute ||
		!got.Equal(u.last[use{acme.String(), ""}]) {
		t.Errorf("last used at %s (%v), by\n%s", got, err, out)
	}
}
