// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/shown"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// refused says why a kind of credential is not offered.
func refused(k access.Kind) string {
	if k == access.Certificate {
		return "IAM Roles Anywhere is not offered yet: use federated, or secret"
	}
	return "AWS accepts no " + k.Plural() + ": use federated, or secret"
}

const cutActs = "A cut acts once IAM has spread it: within seconds; AWS says up to minutes. " + livesOn

// livesOn is what AWS does not end, in the words of the guide.
const livesOn = "A transfer in progress goes on to its end."

// words returns what the state of a resource tells.
func (s *System) words(o access.Object) access.Words {
	w := access.Words{EnforcedBy: enforcedBy, Login: s.login(o)}
	if c, is := o.(*access.Credential); is && c.Federated.Account() {
		w.Later = w.Login["external_id"] == ""
	}
	if i, is := o.(*access.Identity); is {
		w.Cut = fmt.Sprintf("The data source partner_offboarding has the commands: partner = %q.", i.ID.Partner)
	}
	return w
}

const enforcedBy = "AWS, at each request: also in sessions and presigned URLs. " + livesOn

// login returns what the partner needs to log in, nothing secret in it, and nothing that a rotation changes.
func (s *System) login(o access.Object) map[string]string {
	c, ok := o.(*access.Credential)
	if !ok {
		return nil
	}
	m := map[string]string{"region": s.options.Region}
	if e := s.options.Endpoints; e.S3 != "" {
		m["endpoint_url_s3"] = e.S3
	}
	switch {
	case c.Secret != nil:
		m["credential_process"] = "age -d -i YOUR_KEY secret.age"
		return m
	case c.Federated == nil:
		return m
	case c.Federated.Account():
		if id, err := s.externalID(c); err == nil {
			m["external_id"] = id
		}
		m["action"] = "sts:AssumeRole"
	default:
		m["issuer"], m["subject"] = c.Federated.Issuer, c.Federated.Subject
		m["audience"] = strings.Join(slices.Sorted(slices.Values(c.Federated.Audiences)), " ")
		m["action"] = "sts:AssumeRoleWithWebIdentity"
	}
	if account := s.accountNumber(); account != "" {
		m["role_arn"] = roleOf(c.IdentityID).arn(policy.PartitionOf(s.options.Region).Name, account)
	}
	return m
}

// shell spells the flags that say where a command of AWS's own program goes, whatever the environment of who runs it says.
func (s *System) shell(service string) string {
	in, endpoint := policy.PartitionOf(s.options.Region).IAMRegion, s.options.iamEndpoint()
	switch service {
	case "s3":
		in, endpoint = s.options.Region, cmp.Or(s.options.Endpoints.S3, "https://s3."+s.options.Region+"."+policy.PartitionOf(s.options.Region).Domain)
	case "sts":
		in, endpoint = s.options.Region, s.options.stsEndpoint()
	}
	return " --region " + shown.Word(in) + " --endpoint-url " + shown.Word(strings.TrimSuffix(endpoint, "/"))
}

// cutPrincipal returns the command that cuts one principal. With a login of another account, which may have a principal of that name, it cuts
// nothing, and says so.
func (s *System) cutPrincipal(p principal) string {
	word := strings.ToLower(string(p.Kind))
	cut := fmt.Sprintf("aws iam put-%[1]s-policy%[2]s --%[1]s-name %[3]s --policy-name %[4]s --policy-document '%[5]s'", word, s.shell("iam"), shown.Word(p.Name), holdPolicy, policy.Cut().JSON())
	return s.inAccount(cut, fmt.Sprintf("NOT CUT: %s", p), "has the policy cut")
}

// inAccount returns a command that does nothing with a login of another account, which may have the same names, and then says what
// failed, and which right it takes.
func (s *System) inAccount(command, failed, right string) string {
	account := s.accountNumber()
	if account == "" {
		return command
	}
	return fmt.Sprintf(`[ "$(aws sts get-caller-identity%s --query Account --output text)" = %s ] && %s || { echo %s >&2; false; }`,
		s.shell("sts"), account, command, shown.Word(failed+". Take a login of the account "+account+" that "+right+"."))
}

// markByHand returns the command that lets a cut last, whatever is destroyed and made anew meanwhile.
func (s *System) markByHand(scope string) string {
	return "echo 'Cut by hand.' | aws s3 cp" + s.shell("s3") + " - " + shown.Word(s.store.where(heldKey+scope))
}

// revocation returns how to cut an object's access by hand, a step each. A grant cannot be cut alone: its identity is, with all that hangs on it.
func (s *System) revocation(l ledger.Ledger, o access.Object, e *ledger.Entry) (steps []string) {
	cut := func(e *ledger.Entry) {
		for _, p := range principalsOf(e) {
			steps = append(steps, s.cutPrincipal(p))
		}
	}
	if c, ok := o.(*access.Credential); ok {
		cut(e)
		return append(steps, s.markByHand(c.Ref().ID))
	}
	for _, id := range l.WithSubcontractors(o.Holder()) {
		if e := l[id.Ref()]; e != nil && !e.Removed() {
			cut(e)
		}
		for _, kind := range []access.Kind{access.Federated, access.Secret} {
			if e := l[access.Ref{Type: access.TypeCredential, ID: id.String() + "/" + string(kind)}]; e != nil && !e.Removed() {
				cut(e)
			}
		}
		steps = append(steps, s.markByHand(id.String()))
	}
	return steps
}

// cutByHand returns the steps that cut all that a partner has: each principal at once, and then a mark by which all that is made for it later
// is cut as well.
func (s *System) cutByHand(partner string, records []*access.Record) (steps []string) {
	scopes := []string{}
	for _, r := range records {
		switch o := r.Object.(type) {
		case *access.Credential:
			steps = append(steps, r.Revocation[:max(0, len(r.Revocation)-1)]...)
		case *access.Identity:
			if len(r.Adopted) > 0 {
				steps = append(steps, s.cutPrincipal(adoptedOf(o.ID)))
			}
			if o.ID.Partner != partner {
				scopes = append(scopes, o.ID.String())
			}
		}
	}
	if len(records) > 0 {
		scopes = append(scopes, partner)
	}
	for _, scope := range scopes {
		steps = append(steps, s.markByHand(scope))
	}
	return steps
}
