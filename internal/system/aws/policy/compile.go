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

// Grant is what a grant comes to: actions on what an ARN stands for, until a moment that is enforced.
type Grant struct {
	// Name is what the grant is called in errors.
	Name     string
	Resource access.Pattern
	Actions  []string
	EndsAt   time.Time
}

// right is one statement before it is merged with others: the resources that it is on are the only
// thing that it may share.
type right struct {
	actions   []string
	resources []string
	// prefixes are what may be listed of a bucket; nil where that is no listing, or the whole bucket.
	prefixes []string
	// via are the services through which alone a key is used. region is where own words are valid.
	via    []string
	region string
	end    time.Time
}

// CompileGrants returns partner-grants of a principal: all grants of its identity, each until the earlier of
// its own end and the principal's. What has the same actions and the same end is one statement, and so is what
// is on the same resources.
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

// rights returns what a grant comes to.
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

// listed returns the right to see what lies in a folder: it is one on the bucket, for names that
// begin with the folder's.
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

// ownRight returns the right to what a word of the company's own stands for, in one region.
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

// keyUsers returns the services that use a key for a partner: by itself, the key is of no use to it.
func keyUsers(a ARN) []string {
	domain := "." + PartitionOf(a.Region).Domain
	var users []string
	for _, service := range []string{"dynamodb", "s3", "secretsmanager", "sns", "sqs"} {
		users = append(users, service+"."+a.Region+domain)
	}
	return users
}

// listsAll reports whether a right is one to see the whole of a bucket: there is no prefix to add to.
func (r right) listsAll() bool { return len(r.prefixes) == 0 }

// same returns all of a right, but for one of its parts.
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

// unite makes one of the rights that differ in one part only: each allows all combinations of its parts, so together
// they allow what they did before. Those that are set apart stay.
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

// second writes a moment as IAM reads it. What lies between two seconds ends at the first.
func second(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// End returns partner-end of a principal: from its end on it is denied everything, whatever else is attached to it.
// Where it may come from some networks only, so is each request from elsewhere: also inside of a session.
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

// Cut returns partner-cut and partner-hold: everything is denied, now.
func Cut() Document { return document(everything()) }

func everything() Statement { return Statement{Effect: deny, Action: Texts{"*"}, Resource: Texts{"*"}} }

// sourceIP is where a request comes from.
const sourceIP = "aws:SourceIp"

// networks writes networks as IAM reads them, the fewest that cover the same addresses.
func networks(allowed []netip.Prefix) (texts Texts) {
	for _, n := range access.MergeNetworks(allowed) {
		texts = append(texts, n.String())
	}
	return texts
}
