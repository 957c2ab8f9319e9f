// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// From findings and errors to what Terraform shows. An error of a system says what went wrong; here it is said which
// resource that concerns, what access exists now, and what to do. Errors are told apart by access's sentinels, never by
// their texts.

// offboardNow is the way out if rules refuse a plan while access stands: less access is never refused, but a plan that
// is refused removes nothing. With -target, a mistake does not remove every partner.
const offboardNow = "To offboard now, whatever the rules say: terraform destroy -refresh=false -target=ADDRESS, with " +
	"the address of the resource or module to remove."

// mendIt says what to do about a damaged record.
const mendIt = "Restore the record from a backup, or end that access: terraform destroy with -target, or apply with " +
	"-replace, removes everything under its name. What is created afterwards is new access, without the old " +
	"record's history (reviews, renewals)."

// wayOut says how to offboard, once in a walk, and only if this stack has something that could be. See
// TestTheWayOutIsSaidOnceAndOnlyWhereSomethingExists.
func (s *session) wayOut() (text string) {
	if s.stands() {
		s.offboarding.Do(func() { text = "\n" + offboardNow })
	}
	return text
}

// raise turns findings into diagnostics, each at its attribute. A finding whose level is off says nothing.
func (s *session) raise(diags *diag.Diagnostics, findings []guardrail.Finding) {
	for _, f := range findings {
		switch f.Level {
		case guardrail.Deny:
			addAt(diags, diag.NewErrorDiagnostic(f.Summary(), f.Detail()+s.wayOut()), f.Attribute)
		case guardrail.Warn:
			addAt(diags, diag.NewWarningDiagnostic(f.Summary(), f.Detail()), f.Attribute)
		}
	}
}

// addAt adds a diagnostic at an attribute, or at the whole resource if that is "".
func addAt(diags *diag.Diagnostics, d diag.Diagnostic, attribute string) {
	if attribute != "" {
		d = diag.WithPath(pathTo(attribute), d)
	}
	diags.Append(d)
}

// pathTo returns the path of an attribute as findings name it: "review.by", or waivers["expiry/too-long"].until. The
// key of a map is quoted as in Go.
func pathTo(attribute string) path.Path {
	name, rest, _ := strings.Cut(attribute, "[")
	at := path.Empty()
	for part := range strings.SplitSeq(name, ".") {
		at = at.AtName(part)
	}
	if quoted, err := strconv.QuotedPrefix(rest); err == nil {
		key, _ := strconv.Unquote(quoted)
		at = at.AtMapKey(key)
		if _, inner, found := strings.Cut(rest[len(quoted):], "."); found {
			at = at.AtName(inner)
		}
	}
	return at
}

// failed says that a system did not do what it was asked for, and what access exists now. act is the verb of the
// summary: "Cannot revoke credential acme/prod/etl/secret".
//
// The order of the cases is from what was never tried to what may have been: another system, another stack, an
// interruption before anything was changed, a system that is away, anything else. A time limit of our own is no
// interruption: see TestATimeoutOnAWSIsNoInterruption.
func failed(diags *diag.Diagnostics, act string, ref access.Ref, err error) {
	var other *access.OtherStackError
	var elsewhere *elsewhereError
	summary := fmt.Sprintf("Cannot %s %s", act, ref)
	detail := sentence(err) + "."
	var away *access.Outage
	met := errors.As(err, &away)
	switch {
	// nothing was tried: it is the wrong place
	case errors.As(err, &elsewhere):
		diags.AddError(summary, explainElsewhere(elsewhere))
	// nothing was tried: it is somebody else's
	case errors.As(err, &other):
		diags.AddError(summary, fmt.Sprintf("The %s already exists, and belongs to the stack %q. If two stacks owned "+
			"it, each would undo the other's changes. Give it another name, or import it where it is declared. "+
			"Nothing was changed.", ref, other.Stack))
	// Ctrl-C before anything was changed; an outage or a kind with a consequence of its own says more
	case errors.Is(err, context.Canceled) && !met && consequenceOf(err) == "":
		diags.AddError(summary, "It was interrupted before anything was changed.")
	// the system is away; what remains after a removal is said in any case
	case met && !errors.Is(err, access.ErrRemains):
		diags.AddError(summary, retold(detail, act, ref, away)+consequenceOf(err))
	default:
		diags.AddError(summary, detail+consequenceOf(err))
	}
}

// retold returns what is said of a system that does not answer: the whole reason to the first who meets it, and to the
// others who that was. See TestAServerThatFailsInTheMiddleIsOneLongError.
func retold(text, act string, ref access.Ref, away *access.Outage) string {
	text, first := away.Told(text, ref.String())
	if first {
		text += " Once it answers, run the same command again: it goes on where this one stopped."
	}
	if act == "revoke" {
		text += " The access may still work."
	}
	return text
}

// consequenceOf returns what follows from an error of a system, and what to do: the text of the first kind in the table
// that it is of; "" if it is of none.
func consequenceOf(err error) string {
	for _, row := range []struct {
		kind error
		text string
	}{
		{access.ErrDamaged, " Until that is repaired, its identity gets nothing new. Nobody else is affected. " +
			mendIt},
		{access.ErrForeign, " The provider does not take over silently what it did not create. Remove that, or give " +
			"this one another name. Nothing was changed."},
		{access.ErrGoverned, " To import declared access, give its id alone. Nothing was changed."},
		{access.ErrNoIdentity, " Declare the identity, and refer to it (identity_id = partner_identity.NAME.id), so " +
			"that it is created first. Nothing was granted."},
		{access.ErrRemains, " The resource stays in the state. Run the same command again, or remove by hand what is " +
			"named here."},
		{access.ErrLogin, " This does not say whether the access exists. Get a new token, or one that lasts as long " +
			"as the run, and run the same command again."},
		{access.ErrNotPermitted, " This does not say whether the access exists. Give this login the rights that it " +
			"needs."},
		{access.ErrNotFound, " It existed when this was planned, and was revoked since, perhaps with its identity. " +
			"Run the same command again: the plan then proposes what is still declared."},
	} {
		if errors.Is(err, row.kind) {
			return row.text
		}
	}
	return ""
}

// sentence returns an error as a sentence without its stop: "policy still attached" becomes "Policy still attached".
// What begins with an id or the name of an argument keeps its case.
func sentence(err error) string {
	text := strings.TrimRight(strings.Replace(err.Error(), access.ErrUnavailable.Error()+": ", "", 1), ".")
	first, _, _ := strings.Cut(text, " ")
	if strings.Trim(first, "abcdefghijklmnopqrstuvwxyz") != "" || first == "" {
		return text // it begins with an id, or with an argument's name
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
