// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What somebody wrote is read here into the words of declarations, for an adoption or for the blocks that an inventory
// prints. What is declared from it must never be a little wider than it was, so each part is either said exactly, or
// told in words of its own.

// Found is what somebody wrote into policies and a trust, in the words of declarations.
type Found struct {
	// Trusts and Grants say exactly what was written. The grants have no name and no end.
	Trusts []access.FederatedTrust
	Grants []Grant
	// Unsaid is what declarations have no words for, sorted, each once. What of it limits the old access ends in Wider.
	Unsaid []string
}

// Find reads the trust of a role ("" for a user) and the policies of a principal.
func (w Words) Find(trust string, policies ...string) (found Found) {
	f, ok := read(trust)
	if trust != "" && !ok {
		found.Unsaid = append(found.Unsaid, "a trust that cannot be read")
	}
	for _, s := range f.Statement {
		found.trust(s)
	}
	opens := map[access.Pattern][]string{}
	for _, text := range policies {
		f, ok := read(text)
		if !ok {
			found.Unsaid = append(found.Unsaid, "a policy that cannot be read")
		}
		for _, s := range f.Statement {
			if s.Effect == allow {
				w.open(s, opens, &found)
			} else {
				found.Unsaid = append(found.Unsaid, denial(s))
			}
		}
	}
	for _, p := range slices.Sorted(maps.Keys(opens)) {
		slices.Sort(opens[p])
		found.Grants = append(found.Grants, Grant{Resource: p, Actions: slices.Compact(opens[p])})
	}
	slices.Sort(found.Unsaid)
	found.Unsaid = slices.Compact(found.Unsaid)
	return found
}

// Wider ends what is told of a limit that the old access has, and that no declaration says: a denial, a boundary, a
// condition.
const Wider = ": what is declared here may give more than it did"

// denial tells a statement that denies something, and what.
func denial(s Stated) string {
	of := fmt.Sprintf("%q on %q", s.Action, s.Resource)
	if len(s.Action) == 0 || len(s.Resource) == 0 {
		of = "all but what NotAction or NotResource names"
	}
	return "a denial of " + of + under(s) + Wider
}

// under tells what a statement is bound to; "" if that is nothing.
func under(s Stated) string {
	if len(s.Condition) == 0 {
		return ""
	}
	return fmt.Sprintf(" under the condition %q", s.Condition)
}

// conditions reads what a statement is bound to; false if a part of it cannot be read, such as a value that is no text.
// Then nobody may act as if it were bound to nothing.
func conditions(s Stated) (when map[string]map[string]Texts, ok bool) {
	return when, len(s.Condition) == 0 || json.Unmarshal(s.Condition, &when) == nil
}

// trust notes whom a statement of a trust lets in, if a credential can say it exactly. IAM takes an account's number
// for its root, as it is declared here.
func (found *Found) trust(s Stated) {
	if s.Effect != allow {
		who, _ := json.Marshal(s.Principal) // it came from JSON
		found.Unsaid = append(found.Unsaid, fmt.Sprintf("a denial in the trust, of %q%s%s", who, under(s), Wider))
		return
	}
	when, readable := conditions(s)
	note := func(who string, t access.FederatedTrust, exact bool) {
		if readable && exact {
			found.Trusts = append(found.Trusts, t)
		} else {
			found.Unsaid = append(found.Unsaid, fmt.Sprintf("trust in %q under the condition %q", who, s.Condition))
		}
	}
	of := s.Of()
	for _, who := range Listed(of["AWS"]) {
		if accountNumber.MatchString(who) {
			who = "arn:aws:iam::" + who + ":root"
		}
		t, exact := trustInAccount(who, when)
		note(who, t, exact)
	}
	for _, who := range Listed(of["Federated"]) {
		t, exact := trustInIssuer(IssuerOf(who), when)
		note(who, t, exact)
	}
}

// trustInAccount returns the trust in a principal of AWS under conditions; false if they are more than one external id.
// A second factor or a network, for example, would be lost.
func trustInAccount(who string, when map[string]map[string]Texts) (access.FederatedTrust, bool) {
	if _, err := access.ParseAWSPrincipal(who); err != nil {
		return access.FederatedTrust{}, false
	}
	if len(when) == 0 {
		return access.FederatedTrust{AWSPrincipal: who}, true
	}
	equal := when["StringEquals"]
	id := equal["sts:ExternalId"]
	if len(when) != 1 || len(equal) != 1 || len(id) != 1 {
		return access.FederatedTrust{}, false
	}
	return access.FederatedTrust{AWSPrincipal: who, ExternalID: id[0]}, true
}

// trustInIssuer returns the trust in an issuer under conditions; false if they are not one subject and its audiences.
func trustInIssuer(issuer string, when map[string]map[string]Texts) (access.FederatedTrust, bool) {
	equal := when["StringEquals"]
	subject := equal[issuer+":sub"]
	audiences := equal[issuer+":aud"]
	if issuer == "" ||
		len(when) != 1 ||
		len(equal) != 2 ||
		len(subject) != 1 ||
		len(audiences) == 0 {
		return access.FederatedTrust{}, false
	}
	return access.FederatedTrust{Issuer: "https://" + issuer, Subject: subject[0], Audiences: audiences}, true
}

// Listed returns one or more texts of JSON; what is none is left out.
func Listed(v any) (texts []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// open notes what a statement allows: the words that say it, by their places, and each action that no word says.
func (w Words) open(s Stated, opens map[access.Pattern][]string, found *Found) {
	if len(s.Action) == 0 || len(s.Resource) == 0 {
		found.Unsaid = append(found.Unsaid, "a statement with NotAction or NotResource")
		return
	}
	for _, resource := range s.Resource {
		said := map[string]bool{}
		for _, p := range w.places(s, resource) {
			if words := w.wordsIn(p, s.Action, said); len(words) > 0 {
				opens[p] = append(opens[p], words...)
			}
		}
		for _, action := range s.Action {
			if !said[action] {
				found.Unsaid = append(found.Unsaid,
					fmt.Sprintf("%q on %q under the condition %q", action, resource, s.Condition))
			}
		}
	}
}

// places returns the patterns that a resource is as grants write it. A bucket that is listed is the folders that the
// condition names. Any other condition is a limit that no grant has, so there is no pattern.
func (w Words) places(s Stated, resource string) (all []access.Pattern) {
	texts := []string{resource}
	if bucket, is := strings.CutPrefix(resource, "arn:aws:s3:::"); is && !strings.Contains(bucket, "/") {
		when, ok := conditions(s)
		if texts = nil; ok && len(when) == 1 && len(when["StringLike"]) == 1 {
			for _, prefix := range when["StringLike"]["s3:prefix"] {
				texts = append(texts, resource+"/"+prefix)
			}
		}
	} else if len(s.Condition) > 0 {
		return nil
	}
	for _, text := range texts {
		p, err := access.ParsePattern(text)
		if err != nil {
			continue
		}
		if _, err := parseARN(p); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// wordsIn returns the words for a place all of whose actions a statement allows, and notes which of the statement's
// actions they say. An action with a wildcard covers words, and is told all the same, as it allows more than these.
func (w Words) wordsIn(p access.Pattern, allowed Texts, said map[string]bool) (words []string) {
	a, err := parseARN(p)
	if err != nil {
		return nil
	}
	known := map[string][]string{}
	for word := range builtIn()[a.Service] {
		known[word], _, err = w.actions(a, word)
		if err != nil {
			delete(known, word)
		}
	}
	for word := range w.own {
		if actions, _, err := w.actions(a, word); err == nil {
			known[word] = actions
		}
	}
	covers := func(action string) bool {
		return slices.ContainsFunc(allowed, func(pattern string) bool { return actionMatches(pattern, action) })
	}
	for word, actions := range known {
		if slices.ContainsFunc(actions, func(action string) bool { return !covers(action) }) {
			continue
		}
		words = append(words, word)
		for _, action := range actions {
			for _, text := range allowed {
				said[text] = said[text] || strings.EqualFold(text, action)
			}
		}
	}
	return words
}

// actionMatches reports whether an action, which may end in a wildcard, stands for another one: "S3:Get*" for
// "s3:GetObject". IAM is blind to case here. A wildcard elsewhere is not read, and matches only itself.
func actionMatches(pattern, action string) bool {
	pattern, action = strings.ToLower(pattern), strings.ToLower(action)
	start, wild := strings.CutSuffix(pattern, "*")
	return pattern == action || (wild && strings.HasPrefix(action, start))
}
