// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// explainReach warns of what a change of a grant takes away, which acts on open sessions at their next request, and of
// what it newly reaches: a line for each action, so that a reviewer sees how far it goes. Terraform itself shows two
// sets of words, and a pattern is easily misread. See TestAChangeOfAGrantSaysWhatItReaches.
func explainReach(c change, diags *diag.Diagnostics) {
	before, wasGrant := c.before.(*access.Grant)
	after, isGrant := c.after.(*access.Grant)
	if !wasGrant || !isGrant || hasAny(c.unknown, "resource", "actions") {
		return
	}
	if more := beyond(before, after); len(more) > 0 {
		diags.AddWarning("Wider access with "+after.Ref().String(), "Newly reachable:\n\n"+strings.Join(more, "\n"))
	}
	if less := beyond(after, before); len(less) > 0 {
		diags.AddWarning("Narrower access with "+after.Ref().String(), "No longer reachable, in open sessions "+
			"from their next request on:\n\n"+strings.Join(less, "\n"))
	}
}

// beyond returns the actions and patterns of the second grant that the first does not have, a line each, with a path
// that shows it. If the first reads a/b/* and the second reads and lists a/*, the lines are
//
//	list on a/*
//	read on a/*, such as a/x
func beyond(has, wants *access.Grant) (lines []string) {
	path, outside := access.Outside([]access.Pattern{has.Resource}, wants.Resource)
	for _, action := range slices.Sorted(slices.Values(wants.Actions)) {
		switch {
		case !slices.Contains(has.Actions, action):
			lines = append(lines, fmt.Sprintf("  %s on %s", action, wants.Resource))
		case outside && string(wants.Resource) == path:
			lines = append(lines, fmt.Sprintf("  %s on %s", action, wants.Resource))
		case outside:
			lines = append(lines, fmt.Sprintf("  %s on %s, such as %s", action, wants.Resource, path))
		}
	}
	return lines
}
