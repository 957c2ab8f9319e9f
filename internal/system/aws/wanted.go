// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// wanted is what a principal has to be, by the ledger. It belongs to one caller; what align finds out is written into
// it.
type wanted struct {
	principal
	// credential is what it is made for, which is the identity for an adopted user. newest: the credential has nothing
	// newer.
	credential access.Ref
	newest     bool
	// cut: somebody cut it by AWS's own means, which align has noticed.
	cut bool
	// end is when it ends: of a key, its own end or the credential's.
	end time.Time
	// trust is who may take on a role; nothing for a user.
	trust policy.Document
	// policies are its inline policies, by name. One that is not in it is not to be there; but partner-hold is removed
	// only if lifted.
	policies map[string]policy.Document
	// lifted: what was cut by hand is released, and has yet to be taken away.
	lifted bool
	// adopted: somebody made it by hand, and its identity has adopted it.
	adopted bool
	// logins are the ids of the keys that it was adopted with. alone: its identity has no credential beside them.
	logins []string
	alone  bool
	// tags are those of ours; others are left alone. owner is the identity.
	tags  map[string]string
	owner access.IdentityID
	// boundary is the permissions boundary that the configuration names; "" for none.
	boundary string
	// left are the names of the grants that do not fit into its policies, and so give nothing.
	left []string
	// unclear is why it cannot be told what is to be allowed, and untrusted why it cannot be told who is to be trusted;
	// nil if it can. What ends and cuts it is known all the same.
	unclear, untrusted error
	// made: a change of its credential is carried out, so that it is made if it is not there.
	made bool
	// nobody is why AWS took no trust in whom it is declared; nil if it did.
	nobody error
	// own is the number of this account, whose principals in a trust let in nobody of a partner; "" if the trust is
	// meant for this account.
	own string
	// cutOff is its credential if the account has no trust in its issuer any more; nil if it has.
	cutOff *access.Credential
	// issuer is that of a workload, and trusts the trust in it, by the ARN of what the account has of the issuer; for a
	// partner's account, trusts takes the external id. provider is what that ARN is on AWS; "" if it is not known whose
	// account it is.
	issuer, provider string
	trusts           func(provider string) policy.Document
}

// compile writes the policies of a principal. Where the grants cannot be compiled, there is no partner-grants, and
// unclear says why; what cuts and ends it is there in any case.
func (w *wanted) compile(grants []policy.Grant, c *access.Credential, words policy.Words, cut, held bool) {
	w.policies = map[string]policy.Document{endPolicy: policy.End(w.end, c.AllowedCIDRs)}
	w.tags = maps.Clone(w.tags)
	w.tags[endTag] = w.end.UTC().Format(time.RFC3339)
	var allowed policy.Document
	if allowed, w.left, w.unclear = policy.CompileFitting(grants, w.end, words, policy.Room(c)); !allowed.Empty() {
		w.policies[grantsPolicy] = allowed
	}
	if cut {
		w.policies[cutPolicy] = policy.Cut()
	}
	if held {
		w.policies[holdPolicy] = policy.Cut()
	}
}

// trustAsBefore takes the ARN of an issuer's trust, or an external id that was made, from the role itself, if nothing
// else tells it: less is not refused for that. For a role that cannot be read either, it is the ARN that AWS would give
// it.
func (w *wanted) trustAsBefore(n *native) {
	if w.untrusted == nil || w.trusts == nil {
		return
	}
	provider := ""
	var held policy.Document
	if json.Unmarshal([]byte(n.Trust), &held) == nil && len(held.Statement) == 1 {
		provider = held.Statement[0].Principal["Federated"]
		if id := held.Statement[0].Condition["StringEquals"]["sts:ExternalId"]; w.issuer == "" && len(id) == 1 {
			w.trust, w.untrusted = w.trusts(id[0]), nil
			return
		}
	} else if n.unread != nil {
		provider = w.provider
	}
	if isOfIssuer(provider, w.issuer) {
		w.trust, w.untrusted = w.trusts(provider), nil
	}
}

// denied reports whether it has to be denied everything.
func (w *wanted) denied() bool {
	return !w.policies[cutPolicy].Empty() || !w.policies[holdPolicy].Empty()
}
