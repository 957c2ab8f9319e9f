// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// What bounds a principal from elsewhere: policies that are attached, groups, a boundary. Somebody may have cut it by
// one of these, and what only denies has to stay. So their texts are read, but only for principals that have any.

// withManaged reads what bounds a principal from elsewhere, which no listing has: the company's own policies that are
// attached to it, a boundary that is not declared, and what its groups say. AWS's own policies are known by their
// names. What may not be read is unreadable.
func (rd *reader) withManaged(ctx context.Context, n *native) (*native, error) {
	more := *n
	more.managed = map[string]string{}
	note := func(name string, read func() (string, error)) error {
		var may forgiving
		text, err := read()
		if may.not(err) {
			text, err = unreadable, nil
		}
		more.managed[name] = text
		return client.Gone(err)
	}
	for _, arn := range append(slices.Clone(n.attached), rd.strange(n)...) {
		if strings.Contains(arn, ofAWS) {
			continue
		}
		if err := note(arn, func() (string, error) { return rd.at.managed(ctx, arn) }); err != nil {
			return nil, err
		}
	}
	for _, g := range n.Groups {
		if err := note(ofGroup(g), func() (string, error) { return rd.saidByGroup(ctx, g) }); err != nil {
			return nil, err
		}
	}
	return &more, nil
}

// strange returns the boundary of a principal if it is not the one of the provider block.
func (rd *reader) strange(n *native) []string {
	if n.Boundary == "" || n.Boundary == rd.at.options.Boundary {
		return nil
	}
	return []string{n.Boundary}
}

// ofGroup returns the key under which is kept what a group says, beside the ARNs of policies.
func ofGroup(name string) string { return "group " + name }

// saidByGroup returns what the policies of a group say together. One that denies everything is enough, whatever may not
// be read besides (TestWhatAGroupDeniesCountsWhateverElseItSays).
func (rd *reader) saidByGroup(ctx context.Context, name string) (string, error) {
	g := principal{Kind: group, Name: name}
	var may forgiving
	policies, err := rd.inlineOf(ctx, g, &may)
	if err != nil {
		return "", err
	}
	texts := slices.Collect(maps.Values(policies))
	if at := slices.IndexFunc(texts, policy.DeniesAll); at >= 0 { // whatever else it says
		return texts[at], nil
	}
	if may.why != nil {
		return "", may.why
	}
	attached, err := rd.at.attachedTo(ctx, g)
	if err != nil {
		return "", err
	}
	for _, arn := range attached {
		text, err := rd.at.managed(ctx, arn)
		if errors.Is(err, client.ErrAbsent) { // it went meanwhile
			continue
		}
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	return policy.Join(texts, unreadable), nil
}

// undeclared returns the inline policies that nobody declared, by name: all but ours. A policy named partner-hold that
// allows something is nobody's cut, so it is among them.
func (n *native) undeclared() map[string]string {
	all := map[string]string{}
	for name, text := range n.policies {
		if !slices.Contains([]string{grantsPolicy, cutPolicy, endPolicy}, name) && (name != holdPolicy || !n.held()) {
			all[name] = text
		}
	}
	return all
}

// denies reports whether an attached policy denies everything, or all that is granted.
func (n *native) denies(arn string, granted policy.Document) bool {
	return isDenyAll(arn) || policy.Denies(n.managed[arn], granted)
}

// lessens reports whether an attached policy only takes access away, or may: one that cannot be read stays.
func (n *native) lessens(arn string) bool {
	if strings.Contains(arn, ofAWS) {
		return isDenyAll(arn) || strings.Contains(arn, quarantine)
	}
	return n.managed[arn] == unreadable || policy.OnlyDenies(n.managed[arn])
}

// boundByNothing reports whether a boundary allows nothing, also one that only denies: a boundary allows what it says,
// and nothing else.
func (n *native) boundByNothing() bool {
	text := n.managed[n.Boundary]
	return isDenyAll(n.Boundary) || policy.DeniesAll(text) || policy.OnlyDenies(text)
}

// AWS's own policies have no account in their ARN. Of them, only those that cut are known here.
const (
	ofAWS   = ":iam::aws:policy/"
	denyAll = ofAWS + "AWSDenyAll"
	// quarantine begins the name of what AWS itself attaches to a user whose key it found published.
	quarantine = ofAWS + "AWSCompromisedKeyQuarantine"
)

func isDenyAll(arn string) bool { return strings.HasSuffix(arn, denyAll) }

// deniedBy says by what somebody denied a principal everything, or all that it is granted, beside the policies of our
// own that do that, as the end of a sentence; "" if nothing does.
func deniedBy(n *native, granted policy.Document) string {
	if n.boundByNothing() {
		return "its boundary denies everything"
	}
	for _, g := range n.Groups {
		if n.denies(ofGroup(g), granted) {
			return "it was put into the group " + g + ", which " + denying(n.managed[ofGroup(g)])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n.policies)) {
		if name != cutPolicy && name != holdPolicy && policy.Denies(n.policies[name], granted) {
			return fmt.Sprintf("its policy %q %s", name, denying(n.policies[name]))
		}
	}
	if slices.ContainsFunc(n.attached, isDenyAll) {
		return "AWSDenyAll is attached, which denies everything"
	}
	for _, arn := range n.attached {
		if n.denies(arn, granted) {
			return arn + " is attached, which " + denying(n.managed[arn])
		}
	}
	return ""
}

// denying says what a policy denies by which somebody cut a principal.
func denying(text string) string {
	if policy.DeniesAll(text) {
		return "denies everything"
	}
	return "denies all that it is granted"
}
