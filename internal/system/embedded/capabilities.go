// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The actions on ssh/LOGIN, and those of them that give more than commands.
var (
	shellActions      = []string{"login", "login-pty", "login-forward"}
	privilegedActions = []string{"login-pty", "login-forward"}
)

// Capabilities says what gateways can do with a publication.
func (s *System) Capabilities() access.Capabilities {
	return access.Capabilities{
		Name:  "embedded",
		Place: "the directory " + s.paths.root,
		Origin: access.Origin{
			With: "new authorities", Means: "Gateways do not trust them until you install them there.",
			KeptIn: "ledger/system.json",
			Correct: "mount the volume, or correct embedded.directory, environment, or the directory that " +
				"Terraform runs in",
		},
		Kinds:        access.Kinds(),
		Fixed:        signedKinds(),
		Exclusive:    true,
		KnowsLastUse: len(s.options.UseLogs) > 0,
		LogsUse:      true, // the gateways do: sshd and nginx each login, OPA each decision
		CheckGrant:   checkGrant, CheckCredential: checkCredential,
		Reach: reach,
		Does:  does,
		CutByHand: func(partner string, _ []*access.Record) []string {
			return []string{cutCommand(s.paths.root, partner)}
		},
		CutActs:   cutActs,
		Words:     func(o access.Object) access.Words { return words(s.paths.root, o) },
		CannotEnd: cannotEnd,
	}
}

// checkGrant refuses what sshd would not do, or would ignore.
func checkGrant(g *access.Grant) error {
	literals, wild := g.Resource.Fixed()
	if wild || literals != 2 || !strings.HasPrefix(string(g.Resource), "ssh/") {
		return nil
	}
	if shellLogin(g.Resource) == "" {
		return fmt.Errorf("%s: %q is not a login name, which matches %s", g.Resource,
			strings.TrimPrefix(string(g.Resource), "ssh/"), loginName)
	}
	for _, action := range g.Actions {
		if !slices.Contains(shellActions, action) {
			return fmt.Errorf("%s has no action %q: it has %s", g.Resource, action, strings.Join(shellActions, ", "))
		}
	}
	return nil
}

// checkCredential refuses at plan what the authorities would refuse to sign.
func checkCredential(c *access.Credential) error {
	if check := traitOf(c.Kind()).check; check != nil {
		return check(c)
	}
	return nil
}

// reach says what a grant reaches beyond data: the access system itself, and rights that go further than commands.
// There is nothing to look up, so it is the same at plan and at apply.
func reach(p access.Pattern, actions []string) access.Reach {
	return access.Reach{System: systemPath(p), Privileged: privileged(p, actions)}
}

// does says what an action lets do: a terminal and forwarding come with the login that has them.
func does(p access.Pattern, action string) []string {
	if p.Overlaps("ssh/+") && slices.Contains(privilegedActions, action) {
		return []string{shellActions[0], action}
	}
	return []string{action}
}

// systemPath says why a pattern reaches what administers the machine; "" where it does not.
func systemPath(p access.Pattern) string {
	if p.Overlaps("ssh/root") {
		return "it reaches ssh/root, which administers the machine"
	}
	return ""
}

// privileged says which action gives more than single commands, on a pattern that overlaps a login; "" where none does.
func privileged(p access.Pattern, actions []string) string {
	for _, action := range privilegedActions {
		if p.Overlaps("ssh/+") && slices.Contains(actions, action) {
			return action + " gives more than single commands over SSH"
		}
	}
	return ""
}

// cannotEnd says why no gateway could end access at a moment; "" where they can.
func cannotEnd(_ access.Object, end time.Time) string {
	switch {
	case end.IsZero():
		return "it has no end"
	case end.After(lastNanosecond):
		return "Open Policy Agent counts time in nanoseconds and cannot compare moments after " +
			lastNanosecond.UTC().Format(time.RFC3339)
	}
	return ""
}
