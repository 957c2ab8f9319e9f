// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A model of how IAM judges a request, after its reference of policy elements and evaluation logic, in its own terms:
// it reads the text of the policies, and knows nothing of how they were made.

// request is what AWS is asked, with what it knows of who asks.
type request struct {
	action, resource string
	now              time.Time
	// context holds the other keys of conditions; what is not in it is not known of the request.
	context map[string]string
}

// iamRead reads policies as IAM takes them.
func iamRead(t testing.TB, policies ...string) (statements []map[string]any) {
	for _, text := range policies {
		var p struct {
			Version   string
			Statement []map[string]any
		}
		if err := json.Unmarshal([]byte(text), &p); err != nil || p.Version != "2012-10-17" {
			t.Fatalf("IAM takes no such policy: %v: %s", err, text)
		}
		statements = append(statements, p.Statement...)
	}
	return statements
}

// iamAllows says whether IAM allows a request by some statements: one Deny is enough to refuse it,
// one Allow to allow it.
func iamAllows(t testing.TB, statements []map[string]any, r request) bool {
	allowed := false
	for _, s := range statements {
		if !iamApplies(t, s, r) {
			continue
		}
		if s["Effect"] == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

func iamApplies(t testing.TB, s map[string]any, r request) bool {
	some := func(v any, is func(string) bool) bool { return slices.ContainsFunc(iamTexts(v), is) }
	if !some(s["Action"], func(a string) bool { return iamLike(strings.ToLower(a), strings.ToLower(r.action)) }) {
		return false
	}
	if s["Resource"] != nil && !some(s["Resource"], func(a string) bool { return iamLike(a, r.resource) }) {
		return false
	}
	conditions, _ := s["Condition"].(map[string]any)
	for operator, keys := range conditions {
		for key, values := range keys.(map[string]any) {
			if !iamHolds(t, operator, key, iamTexts(values), r) {
				return false
			}
		}
	}
	return true
}

func iamHolds(t testing.TB, operator, key string, values []string, r request) bool {
	of, known := r.context[key]
	in := func() bool {
		return slices.ContainsFunc(values,
			func(v string) bool { return netip.MustParsePrefix(v).Contains(netip.MustParseAddr(of)) })
	}
	switch operator {
	case "DateLessThan", "DateGreaterThanEquals":
		if key != "aws:CurrentTime" || len(values) != 1 {
			t.Fatalf("%s of %s", operator, key)
		}
		end, err := time.Parse(time.RFC3339, values[0])
		if err != nil {
			t.Fatal(err)
		}
		return r.now.Before(end) == (operator == "DateLessThan")
	case "StringEquals":
		return known && slices.Contains(values, of)
	case "StringLike":
		return known && slices.ContainsFunc(values, func(v string) bool { return iamLike(v, of) })
	case "IpAddress":
		return known && in()
	case "NotIpAddress":
		return !known || !in()
	case "BoolIfExists":
		return !known || slices.Contains(values, of)
	}
	t.Fatalf("the model has no %s", operator)
	return false
}

func iamTexts(v any) []string {
	if one, is := v.(string); is {
		return []string{one}
	}
	var all []string
	for _, one := range v.([]any) {
		all = append(all, one.(string))
	}
	return all
}

// iamLike matches as IAM does: * stands for any characters, slashes too, and ? for any one.
func iamLike(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	if pattern[0] == '*' {
		return iamLike(pattern[1:], text) || (text != "" && iamLike(pattern, text[1:]))
	}
	return text != "" &&
		(pattern[0] == '?' || pattern[0] == text[0]) &&
		iamLike(pattern[1:], text[1:])
}

// declared says whether a request is one that a grant means: the actions of its words on what its pattern stands for,
// before its end and the principal's.
func declared(grants []Grant, end time.Time, words map[string][]string, r request) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool {
		if !r.now.Before(g.EndsAt.Truncate(time.Second)) || !r.now.Before(end.Truncate(time.Second)) {
			return false
		}
		return slices.ContainsFunc(g.Actions, func(word string) bool { return meant(g.Resource, word, words, r) })
	})
}

func meant(p access.Pattern, word string, words map[string][]string, r request) bool {
	service, _, _ := strings.Cut(r.action, ":")
	if strings.Split(string(p), ":")[2] != service {
		return false
	}
	if r.action == "s3:ListBucket" {
		if word != "list" || !strings.HasPrefix(string(p), r.resource+"/") {
			return false
		}
		folder := strings.TrimSuffix(strings.TrimPrefix(string(p), r.resource+"/"), "*")
		return strings.HasPrefix(r.context["s3:prefix"], folder)
	}
	if !p.Matches(r.resource) || !slices.Contains(words[service+" "+word], r.action) {
		return false
	}
	if service == "kms" {
		via := r.context["kms:ViaService"]
		return strings.HasPrefix(via, "s3.eu-west-1.") || strings.HasPrefix(via, "sqs.eu-west-1.")
	}
	if word == "peek" {
		return r.context["aws:RequestedRegion"] == "eu-west-1"
	}
	return true
}

// meanings are the words of the model: written down here once more, so that a slip in the table shows.
var meanings = map[string][]string{
	"s3 read": {"s3:GetObject"}, "s3 write": {"s3:PutObject", "s3:AbortMultipartUpload"},
	"s3 delete": {"s3:DeleteObject"},
	"sqs send":  {"sqs:SendMessage", "sqs:GetQueueUrl"},
	"sqs receive": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes",
		"sqs:GetQueueUrl"},
	"kms decrypt": {"kms:Decrypt"}, "kms encrypt": {"kms:GenerateDataKey"},
	"s3 peek": {"s3:GetObjectTagging"},
}

var (
	noon = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)
	ends = []time.Time{noon, noon.Add(time.Hour), noon.Add(time.Hour + 300*time.Millisecond),
		noon.Add(2 * time.Hour)}
	moments = []time.Time{
		noon.Add(-time.Second), noon, noon.Add(time.Hour - time.Second), noon.Add(time.Hour), noon.Add(2*time.Hour - 1),
		noon.Add(3 * time.Hour),
	}
)

const (
	aKey   = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f"
	aQueue = "arn:aws:sqs:eu-west-1:111122223333:acme-in"
)

func someResource(t *rapid.T) access.Pattern {
	if rapid.IntRange(0, 4).Draw(t, "service") == 0 {
		return access.Pattern(rapid.SampledFrom([]string{aKey, aQueue}).Draw(t, "thing"))
	}
	segments := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "ab", "b"}), 1, 3).Draw(t, "segments")
	if rapid.Bool().Draw(t, "open") {
		segments[len(segments)-1] = "*"
	}
	return access.Pattern("arn:aws:s3:::" + rapid.SampledFrom([]string{"one", "two"}).Draw(t, "bucket") + "/" +
		strings.Join(segments, "/"))
}

func someGrant(t *rapid.T) Grant {
	p := someResource(t)
	words := []string{"read", "write", "delete", "peek"}
	switch {
	case string(p) == aKey:
		words = []string{"decrypt", "encrypt"}
	case string(p) == aQueue:
		words = []string{"send", "receive"}
	case strings.HasSuffix(string(p), "/*"):
		words = append(words, "list")
	}
	return Grant{
		Name: "g", Resource: p, EndsAt: rapid.SampledFrom(ends).Draw(t, "end"),
		Actions: rapid.SliceOfNDistinct(rapid.SampledFrom(words), 1, len(words), rapid.ID).Draw(t, "actions"),
	}
}

// someRequests are all requests of the model at one moment.
func someRequests(now time.Time) (all []request) {
	var keys []string
	level := []string{""}
	for range 3 {
		var next []string
		for _, k := range level {
			for _, s := range []string{"a", "ab", "b", "x"} {
				next = append(next, strings.TrimPrefix(k+"/"+s, "/"))
			}
		}
		level, keys = next, append(keys, next...)
	}
	for _, bucket := range []string{"arn:aws:s3:::one", "arn:aws:s3:::two", "arn:aws:s3:::onetwo"} {
		for _, key := range keys {
			for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} {
				all = append(all, request{action: action, resource: bucket + "/" + key, now: now})
			}
			for _, prefix := range []string{key, key + "/"} {
				all = append(all, request{
					action:   "s3:ListBucket",
					resource: bucket,
					now:      now,
					context:  map[string]string{"s3:prefix": prefix},
				})
			}
			for _, region := range []string{"eu-west-1", "us-east-1"} {
				all = append(all, request{
					action:   "s3:GetObjectTagging",
					resource: bucket + "/" + key,
					now:      now,
					context:  map[string]string{"aws:RequestedRegion": region},
				})
			}
		}
		all = append(all, request{action: "s3:PutBucketPolicy", resource: bucket, now: now},
			request{action: "s3:ListBucketVersions", resource: bucket, now: now})
	}
	for _, via := range []string{"", "s3.eu-west-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com",
		"s3.us-east-1.amazonaws.com", "ec2.eu-west-1.amazonaws.com"} {
		for _, action := range []string{"kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"} {
			r := request{action: action, resource: aKey, now: now, context: map[string]string{"kms:ViaService": via}}
			if via == "" {
				r.context = nil
			}
			all = append(all, r)
		}
	}
	for _, action := range []string{"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:GetQueueUrl", "sqs:DeleteMessage",
		"sqs:AddPermission", "sqs:DeleteQueue"} {
		all = append(all, request{action: action, resource: aQueue, now: now},
			request{action: action, resource: aQueue + "x", now: now})
	}
	return all
}

func TestIAMAllowsExactlyWhatAGrantMeansWhileNothingHasEnded(t *testing.T) {
	words, err := NewWords("eu-west-1", map[string][]string{"peek": {"s3:GetObjectTagging"}})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		grants := rapid.SliceOfN(rapid.Custom(someGrant), 0, 5).Draw(rt, "grants")
		end := rapid.SampledFrom(ends).Draw(rt, "end of the principal")
		compiled, err := CompileGrants(grants, end, words)
		if err != nil {
			rt.Fatal(err)
		}
		policies := []string{}
		if !compiled.Empty() {
			policies = append(policies, compiled.JSON()) // without partner-end: each of the two ends it
		}
		statements := iamRead(t, policies...)
		for _, r := range someRequests(rapid.SampledFrom(moments).Draw(rt, "now")) {
			if is, want := iamAllows(t, statements, r), declared(grants, end, meanings, r); is != want {
				rt.Fatalf("%s on %s at %s with %v: IAM allows it: %v, declared: %v\n%v\n%s", r.action, r.resource,
					r.now, r.context, is, want, grants, policies)
			}
		}
	})
}

func TestTheOrderOfGrantsAndActionsMakesNoDifferenceToThePolicy(t *testing.T) {
	words, err := NewWords("eu-west-1", map[string][]string{"peek": {"s3:GetObjectTagging"}})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		grants := rapid.SliceOfN(rapid.Custom(someGrant), 1, 6).Draw(rt, "grants")
		first, err := CompileGrants(grants, noon.Add(time.Hour), words)
		if err != nil {
			rt.Fatal(err)
		}
		shuffled := rapid.Permutation(grants).Draw(rt, "shuffled")
		for i := range shuffled {
			shuffled[i].Actions = rapid.Permutation(shuffled[i].Actions).Draw(rt, "actions")
		}
		second, err := CompileGrants(shuffled, noon.Add(time.Hour), words)
		if err != nil || first.JSON() != second.JSON() {
			rt.Fatalf("%v\n%s\n%s", err, first.JSON(), second.JSON())
		}
	})
}

func TestAfterItsEndAndFromElsewhereAPrincipalIsDeniedWhateverElseIsAttached(t *testing.T) {
	administrator := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	end := End(noon, []netip.Prefix{netip.MustParsePrefix("203.0.113.0/25"),
		netip.MustParsePrefix("203.0.113.128/25")}).JSON()
	for name, c := range map[string]struct {
		policy string
		at     time.Time
		from   map[string]string
		want   bool
	}{
		"a second before its end, from home": {end, noon.Add(-time.Second),
			map[string]string{"aws:SourceIp": "203.0.113.200"}, true},
		"at its end": {end, noon, map[string]string{"aws:SourceIp": "203.0.113.200"},
			false},
		"from elsewhere": {end, noon.Add(-time.Second),
			map[string]string{"aws:SourceIp": "198.51.100.1"}, false},
		"from a network that AWS does not see": {end, noon.Add(-time.Second), nil, false},
		"by a service of AWS that asks for it": {end, noon.Add(-time.Second),
			map[string]string{"aws:SourceIp": "198.51.100.1", "aws:ViaAWSService": "true"}, true},
		"by itself, where a server says so": {end, noon.Add(-time.Second),
			map[string]string{"aws:SourceIp": "198.51.100.1", "aws:ViaAWSService": "false"}, false},
		"cut": {Cut().JSON(), noon.Add(-time.Hour), nil, false},
		"where nothing limits from where it comes": {End(noon, nil).JSON(), noon.Add(-time.Second), nil, true},
	} {
		r := request{
			action:   "ec2:RunInstances",
			resource: "arn:aws:ec2:eu-west-1:111122223333:instance/*",
			now:      c.at,
			context:  c.from,
		}
		if is := iamAllows(t, iamRead(t, administrator, c.policy), r); is != c.want {
			t.Errorf("%s: allowed %v, want %v", name, is, c.want)
		}
	}
}

func ExampleCompileGrants() {
	words, _ := NewWords("eu-west-1", nil)
	d, _ := CompileGrants([]Grant{
		{Resource: "arn:aws:s3:::partner-exchange/acme/daily/*", Actions: []string{"read", "list"}, EndsAt: noon},
		{Resource: "arn:aws:s3:::partner-exchange/acme/weekly/*", Actions: []string{"read", "list"}, EndsAt: noon},
	}, noon.Add(time.Hour), words)
	for _, s := range d.Statement {
		text, _ := encode(s)
		fmt.Println(string(text))
	}
	// Output:
	// {"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::partner-exchange/acme/daily/*","arn:aws:s3:::partner-exchange/acme/weekly/*"],"Condition":{"DateLessThan":{"aws:CurrentTime":"2027-03-31T12:00:00Z"}}}
	// {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::partner-exchange","Condition":{"DateLessThan":{"aws:CurrentTime":"2027-03-31T12:00:00Z"},"StringLike":{"s3:prefix":["acme/daily/*","acme/weekly/*"]}}}
}
