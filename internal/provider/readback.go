// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Done means read back: after each change, the ends that the system enforces are compared with those that were asked
// for. A system may cap what it issues, or set an end of its own.

// tolerableEarly is how much earlier than asked access may end without a word: some systems end it up to that much too
// early, so that it never ends too late.
const tolerableEarly = 90 * time.Second

// bound is one end that was asked for, and the one that the system enforces. what names it in a message.
type bound struct {
	what            string
	asked, enforced time.Time
}

// boundsOf returns the ends to compare: the object's and, if something was issued by this change (fresh) and ends
// otherwise than asked, that of what was issued. If both end early at the same moment, one of them is enough to say it.
func boundsOf(seen observed, asked time.Time, fresh bool) []bound {
	ref := seen.Object.Ref()
	own := bound{ref.String(), asked, seen.EndsAt}
	c, ok := seen.Object.(*access.Credential)
	if !ok || !fresh || seen.Issued == nil || seen.Issued.Until.IsZero() {
		return []bound{own}
	}
	issued := bound{"the certificate or secret of " + ref.String(), c.IssueLife(seen.Issued.At, asked),
		seen.Issued.Until}
	saidAlready := own.differs() && issued.enforced.Equal(own.enforced)
	if !issued.differs() || saidAlready {
		return []bound{own}
	}
	return []bound{own, issued}
}

// readBack compares the ends that the system enforces with those asked for, and reports whether what was given may
// stay. A later end is an error, and what was given is revoked at once: access must never outlive what was declared. An
// earlier one is a warning, since an early end harms nobody who is told. fresh: something was issued by this change.
//
// Too late is looked for in all of them before anything is said.
func (g *governed[M, P]) readBack(ctx context.Context, seen observed, asked time.Time, fresh bool,
	diags *diag.Diagnostics) bool {
	bounds := boundsOf(seen, asked, fresh)
	for _, b := range bounds {
		if b.enforced.After(b.asked) {
			g.takeBack(ctx, seen, b, diags)
			return false
		}
	}
	for _, b := range bounds {
		if b.differs() {
			diags.AddWarning("An earlier end than declared: "+b.what, fmt.Sprintf("The declaration ends it on %s, the "+
				"system on %s. The access works until then. The system's own maximum, or something that it depends on "+
				"there, may be shorter than the declaration.", access.At(b.asked), access.At(b.enforced)))
		}
	}
	return true
}

// differs reports whether the system ends it later than asked, or earlier by more than is tolerable.
func (b bound) differs() bool {
	return b.enforced.Before(b.asked.Add(-tolerableEarly)) || b.enforced.After(b.asked)
}

// takeBack revokes what the system would end too late. It does so even if Terraform was interrupted meanwhile, since
// the access is in force; if it cannot, the error says that it is.
func (g *governed[M, P]) takeBack(ctx context.Context, seen observed, b bound, diags *diag.Diagnostics) {
	ref := seen.Object.Ref()
	said := "It was revoked."
	if _, err := g.system.Delete(context.WithoutCancel(ctx), ref, seen.UID); err != nil && !isNotFound(err) {
		failed(diags, "revoke", ref, err)
		said = "It could not be revoked and is in force: revoke it by hand now."
	}
	diags.AddError("A later end than declared: "+b.what, fmt.Sprintf("The declaration ends it on %s, the "+
		"system would end it on %s. %s", access.At(b.asked), access.At(b.enforced), said))
}
