// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// wording is what people are told of an object.
type wording struct {
	*server
	creds *credentials
}

// words returns what the state of a resource tells: a line each. The commands that cut a partner are whole only if they
// say where they go and what they cut. They are too long for each state, so partner_offboarding has them.
func (ws *wording) words(o access.Object) access.Words {
	w := access.Words{EnforcedBy: ws.enforcedBy(o), Login: ws.tellLogin(o)}
	if i, ok := o.(*access.Identity); ok {
		w.Cut = fmt.Sprintf("The data source partner_offboarding has the commands: partner = %q.", i.ID.Partner)
	}
	return w
}

// cutActs says when a cut acts.
const cutActs = "A cut acts at the next request."

// enforcedBy says who ends an object's access, and when.
func (ws *wording) enforcedBy(o access.Object) string {
	switch o := o.(type) {
	case *access.Grant:
		return "OpenBao, at each request."
	case *access.Credential:
		if o.Kind() == access.Federated {
			return "OpenBao, at each login; sessions end with it."
		}
		return fmt.Sprintf("OpenBao, at each login; sessions last up to %s, never beyond the grants.",
			access.Hours(ws.options.Session))
	}
	return fmt.Sprintf("OpenBao, at each login and request; sessions last up to %s, never beyond the grants.",
		access.Hours(ws.options.Session))
}

// partners returns where partners ask.
func (s *server) partners() string { return cmp.Or(s.options.PartnerAddress, s.client.Address()) }

// cutByHand returns how to cut an object's access by hand, if Terraform cannot be run: each step is a command, and the
// policy cut is enough for it. Who is cut takes along what hangs on it. A grant cannot be cut alone: whoever may write
// a policy may give itself any.
func (ws *wording) cutByHand(l ledger.Ledger, o access.Object) (steps []string) {
	x := ws.ownShell()
	if c, ok := o.(*access.Credential); ok { // and then the sessions that it opened
		steps = append(steps, x.shut(c.IdentityID, ws.creds.shutting(c))+" && "+x.mark(c.Ref().ID))
	}
	for _, id := range l.WithSubcontractors(o.Holder()) {
		steps = append(steps, x.cut(id))
	}
	return steps
}

// cutPartner returns the steps that cut a partner off: each identity at once, with its live sessions, then all that is
// made for it later, and then its ways to log in. records are what is to be cut, with subcontractors of other partners.
func (ws *wording) cutPartner(partner string, records []*access.Record) (steps []string) {
	x := ws.ownShell()
	var own, logins []string
	for _, r := range records {
		switch o := r.Object.(type) {
		case *access.Identity:
			if o.ID.Partner == partner {
				own = append(own, x.isThere(o.ID))
				steps = append(steps, x.there(o.ID)+" && "+x.disable(o.ID))
			} else {
				steps = append(steps, x.cut(o.ID))
			}
		case *access.Credential:
			logins = append(logins, x.shut(o.IdentityID, ws.creds.shutting(o)))
		}
	}
	if len(own) > 0 {
		steps = append(steps, alone+"{ "+strings.Join(own, " || ")+"; } && "+x.mark(partner))
	}
	return append(steps, logins...)
}

// tellLogin returns what the partner needs to log in, nothing secret in it, and nothing that a rotation changes; nil
// for what is no credential. The command is for the bao program; it prints the token, and reads what is secret from its
// input.
func (ws *wording) tellLogin(o access.Object) map[string]string {
	c, ok := o.(*access.Credential)
	if !ok {
		return nil
	}
	m := map[string]string{"address": ws.partners()}
	where := ws.shellAt(ws.partners()).where
	if namespace := ws.client.Namespace(); namespace != "" {
		m["namespace"] = namespace
	}
	ws.creds.methodOf(c.Kind()).tellLogin(c, where, m)
	return m
}
