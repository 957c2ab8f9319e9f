// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// What a grant comes to in IAM: statements, each with its end. The size of a user's policies is limited to 2,048
// characters, so statements are united as far as they can be without allowing anything more.

// Grant is what a grant comes to: actions on what an ARN stands for, until a moment that is enforced.
type Grant struct {
	// Name is what the grant is called in errors.
	Name     string
	Resource access.Pattern
	Actions  []string
	// EndsAt is enforced to the second; what lies between two seconds ends at the first. Zero is an error: nothing is
	// granted without an end.
	EndsAt time.Time
}

// right is one statement before it is united with others. It allows each of its actions on each of its resources, under
// all of its conditions.
type right struct {
	actions []string
	// resources are what the actions are on: ARNs, or "*" for actions that have no narrower resource.
	resources []string
	// prefixes are what may be listed of a bucket; nil if the right is to the whole bucket, or no listing.
	prefixes []string
	// via are the services through which alone a key is used; nil if the right is not about a key. region is where own
	// words are valid; "" if they are of the service.
	via    []string
	region string
	// end is when IAM stops to allow it; never zero.
	end time.Time
}

// CompileGrants returns partner-grants of a principal: all grants of its identity, each until the earlier of its own
// end and the principal's. The document is empty if there is no grant, and the same grants in any order give the same
// text (TestTheOrderOfGrantsAndActionsMakesNoDifferenceToThePolicy): a plan compares it with what IAM has.
//
// A grant that cannot be compiled, such as one with a word that the configuration has lost, is an error for all of
// them: the caller decides what the principal has until then.
func CompileGrants(grants []Grant, end time.Time, words Words) (Document, error) {
	if end.IsZero() {
		return Document{}, errors.New("compile grants: the principal has no end")
	}
	var rights []right
	for _, g := range grants {
		of, err := words.rights(g, end)
		if err != nil {
			return Document{}, fmt.Errorf("compile grant %s: %w", g.Name, err)
		}
		rights = append(rights, of...)
	}
	// Each step makes of the united rights what the next one can compare: folders of one bucket first, then what has
	// the same actions, then what is on the same resources. A right without prefixes stands apart in the first one:
	// with a prefix, it would be narrower.
	rights = unite(rights, func(r *right) *[]string { return &r.prefixes }, right.listsAll)
	rights = unite(rights, func(r *right) *[]string { return &r.resources }, nil)
	rights = unite(rights, func(r *right) *[]string { return &r.actions }, nil)
	if len(rights) == 0 {
		return Document{}, nil
	}
	var statements []Statement
	for _, r := range rights {
		statements = append(statements, r.statement())
	}
	return document(statements...), nil
}

// rights returns what a grant comes to: what its words of the service allow is one right on its resource; listing a
// bucket, and each own word, is another one, since it is on something else or under another condition.
func (w Words) rights(g Grant, end time.Time) ([]right, error) {
	a, err := parseARN(g.Resource)
	switch {
	case err != nil:
		return nil, err
	case administrations[a.Service] != "":
		return nil, fmt.Errorf("%s is of %s", a, administrations[a.Service])
	case g.EndsAt.IsZero():
		return nil, errors.New("it has no end")
	}
	end = access.Earliest(g.EndsAt, end)
	var all []right
	plain := right{resources: []string{a.String()}, end: end}
	for _, word := range slices.Sorted(slices.Values(g.Actions)) {
		actions, own, err := w.actions(a, word)
		switch {
		case err != nil:
			return nil, err
		case own:
			r, err := w.ownRight(a, actions, end)
			if err != nil {
				return nil, err
			}
			all = append(all, r)
		case a.Service == "s3" && word == listing:
			all = append(all, listed(a, actions, end))
		default:
			plain.actions = append(plain.actions, actions...)
		}
	}
	if len(plain.actions) > 0 {
		plain.actions = distinct(plain.actions)
		if a.Service == "kms" {
			plain.via = keyUsers(a)
		}
		all = append(all, plain)
	}
	return all, nil
}

// listed returns the right to see what lies in a folder. In IAM, that is s3:ListBucket on the bucket, for requests
// whose prefix begins with the folder's: "exchange/acme/*" is the bucket "exchange" with the prefix "acme/*".
func listed(a ARN, actions []string, end time.Time) right {
	bucket, prefix, _ := strings.Cut(a.Resource, "/")
	on := a
	on.Resource = bucket
	r := right{actions: actions, resources: []string{on.String()}, end: end}
	if prefix != "*" {
		r.prefixes = []string{prefix}
	}
	return r
}

// ownRight returns the right to what a word of the company's own stands for, in one region: that of the ARN, or the
// provider's. IAM compares the region of the request, since not every ARN has one.
func (w Words) ownRight(a ARN, actions []string, end time.Time) (right, error) {
	r := right{actions: actions, resources: []string{a.String()}, region: cmp.Or(a.Region, w.Region), end: end}
	if r.region == "" {
		return right{}, fmt.Errorf("%s names no region, and without one a word of your own would be valid everywhere",
			a)
	}
	if a.Resource == "" {
		r.resources = []string{"*"}
	}
	return r, nil
}

// keyUsers returns the services that use a key for a partner, as kms:ViaService names them. By itself, the key is of no
// use to it: what it could decrypt directly would not be bound to any grant on data.
func keyUsers(a ARN) []string {
	domain := "." + PartitionOf(a.Region).Domain
	var users []string
	for _, service := range []string{"dynamodb", "s3", "secretsmanager", "sns", "sqs"} {
		users = append(users, service+"."+a.Region+domain)
	}
	return users
}

// listsAll reports whether a right has no prefix: it is no listing, or one of a whole bucket.
func (r right) listsAll() bool { return len(r.prefixes) == 0 }

// same returns all of a right as one text, but for one of its parts, so that rights which differ in that part only have
// the same text. None of the values holds a space or a line end.
func (r right) same(but *[]string, of *right) string {
	part := func(p *[]string) string {
		if p == but {
			return ""
		}
		return strings.Join(*p, " ") // none of them holds a space
	}
	return strings.Join([]string{
		part(&of.actions), part(&of.resources), part(&of.prefixes), part(&of.via), of.region, second(of.end),
	}, "\n")
}

// unite makes one of the rights that differ in one part only. Each allows all combinations of its parts, so together
// they allow what they did before, and nothing more. Those that are set apart stay as they are. What it returns is
// sorted.
func unite(rights []right, part func(*right) *[]string, apart func(right) bool) []right {
	var united []right
	at := map[string]int{}
	for _, r := range rights {
		if apart != nil && apart(r) {
			united = append(united, r)
			continue
		}
		key := r.same(part(&r), &r)
		i, there := at[key]
		if !there {
			at[key] = len(united)
			united = append(united, r)
			continue
		}
		values := part(&united[i])
		*values = distinct(append(slices.Clone(*values), *part(&r)...))
	}
	order.Sort(united, func(a, b right) int { return strings.Compare(a.same(nil, &a), b.same(nil, &b)) })
	return united
}

// distinct returns texts in order, each once.
func distinct(texts []string) []string { return slices.Compact(slices.Sorted(slices.Values(texts))) }

// statement returns a right as IAM takes it. Every one has an end; that is the first condition, before what else there
// is.
func (r right) statement() Statement {
	c := Conditions{"DateLessThan": {currentTime: {second(r.end)}}}
	equals := map[string]Texts{}
	if len(r.prefixes) > 0 {
		c["StringLike"] = map[string]Texts{"s3:prefix": r.prefixes}
	}
	if len(r.via) > 0 {
		equals["kms:ViaService"] = r.via
	}
	if r.region != "" {
		equals["aws:RequestedRegion"] = Texts{r.region}
	}
	if len(equals) > 0 {
		c["StringEquals"] = equals
	}
	return Statement{Effect: allow, Action: r.actions, Resource: r.resources, Condition: c}
}

const (
	allow = "Allow"
	deny  = "Deny"
	// currentTime is the clock of AWS, at each request.
	currentTime = "aws:CurrentTime"
)

// second writes a moment as IAM reads it, in UTC. Parts of a second are cut off, never rounded up: access would end
// later than declared.
func second(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// End returns partner-end of a principal: from its end on it is denied everything, whatever else is attached to it. At
// that second, partner-grants stops to allow as well; this holds also for what somebody else allows.
//
// If it may come from some networks only, each request from elsewhere is denied, also inside of a session. So is one
// without an address, as through a VPC endpoint: NotIpAddress is met if the key is missing (AWS IAM, condition
// operators). What a service asks in the partner's name has the service's address, and passes: S3 asks KMS so.
func End(end time.Time, allowed []netip.Prefix) Document {
	over := everything()
	over.Condition = Conditions{"DateGreaterThanEquals": {currentTime: {second(end)}}}
	if len(allowed) == 0 {
		return document(over)
	}
	away := everything()
	away.Condition = Conditions{
		"NotIpAddress": {sourceIP: networks(allowed)},
		"BoolIfExists": {"aws:ViaAWSService": {"false"}}, // S3 asks KMS from its own network
	}
	return document(over, away)
}

// Cut returns partner-cut and partner-hold: everything is denied, now. Both have the same text; the name says who cut.
func Cut() Document { return document(everything()) }

// everything returns a denial of everything, to which conditions may be added.
func everything() Statement { return Statement{Effect: deny, Action: Texts{"*"}, Resource: Texts{"*"}} }

// sourceIP is where a request comes from.
const sourceIP = "aws:SourceIp"

// networks writes networks as IAM reads them, the fewest that cover the same addresses: each takes some 20 of the
// characters that there are for all policies.
func networks(allowed []netip.Prefix) (texts Texts) {
	for _, n := range access.MergeNetworks(allowed) {
		texts = append(texts, n.String())
	}
	return texts
}
