// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/shown"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// wording says what a record and its commands say. It asks AWS nothing but the id of the ledger, until that is known.
//
// The commands are for somebody at night who has no Terraform at hand: whole lines for a shell, which name where they
// go, and which fail if they cut nothing.
type wording struct {
	at       *account
	store    *pages
	compiler *compiler
}

// refused says why a kind of credential is not offered.
func refused(k access.Kind) string {
	if k == access.Certificate {
		return "IAM Roles Anywhere is not offered yet: use federated, or secret"
	}
	return "AWS accepts no " + k.Plural() + ": use federated, or secret"
}

// cutActs says when a cut by hand acts.
const cutActs = "A cut acts once IAM has spread it: within seconds; AWS says up to minutes. " + livesOn

// livesOn is what AWS does not end, in the words of the guide.
const livesOn = "A transfer in progress goes on to its end."

// words returns what the state of a resource tells. It makes no request, so a plan can foretell it. Later: the external
// id follows from the id of the system, which is made with the first change.
func (ws *wording) words(o access.Object) access.Words {
	w := access.Words{EnforcedBy: enforcedBy, Login: ws.login(o)}
	if c, is := o.(*access.Credential); is && c.Federated.Account() {
		w.Later = w.Login["external_id"] == ""
	}
	if i, is := o.(*access.Identity); is {
		w.Cut = fmt.Sprintf("The data source partner_offboarding has the commands: partner = %q.", i.ID.Partner)
	}
	return w
}

// enforcedBy says who ends access.
const enforcedBy = "AWS, at each request: also in sessions and presigned URLs. " + livesOn

// login returns what the partner needs to log in, nothing secret in it, and nothing that a rotation changes.
func (ws *wording) login(o access.Object) map[string]string {
	c, ok := o.(*access.Credential)
	if !ok {
		return nil
	}
	m := map[string]string{"region": ws.at.Site.Region}
	if e := ws.at.Site.Endpoints; e.S3 != "" {
		m["endpoint_url_s3"] = e.S3
	}
	switch {
	case c.Secret != nil:
		m["credential_process"] = "age -d -i YOUR_KEY secret.age"
		return m
	case c.Federated == nil:
		return m
	case c.Federated.Account():
		if id, err := ws.compiler.externalID(c); err == nil {
			m["external_id"] = id
		}
		m["action"] = "sts:AssumeRole"
	default:
		m["issuer"], m["subject"] = c.Federated.Issuer, c.Federated.Subject
		m["audience"] = strings.Join(slices.Sorted(slices.Values(c.Federated.Audiences)), " ")
		m["action"] = "sts:AssumeRoleWithWebIdentity"
	}
	if account := ws.at.accountNumber(); account != "" {
		m["role_arn"] = store.RoleOf(c.IdentityID).ARN(policy.PartitionOf(ws.at.Site.Region).Name, account)
	}
	return m
}

// shell returns the flags that say where a command of AWS's own program goes, whatever the environment of the person
// who runs it says: a profile may name another region, or another endpoint.
func (ws *wording) shell(service string) string {
	in := policy.PartitionOf(ws.at.Site.Region).IAMRegion
	endpoint := ws.at.Site.IAM()
	switch service {
	case "s3":
		in, endpoint = ws.at.Site.Region,
			cmp.Or(ws.at.Site.Endpoints.S3,
				"https://s3."+ws.at.Site.Region+"."+policy.PartitionOf(ws.at.Site.Region).Domain)
	case "sts":
		in, endpoint = ws.at.Site.Region, ws.at.Site.STS()
	}
	return " --region " + shown.Word(in) + " --endpoint-url " + shown.Word(strings.TrimSuffix(endpoint, "/"))
}

// cutPrincipal returns the command that cuts one principal. With a login of another account, which may have a principal
// of that name, it cuts nothing, and says so.
func (ws *wording) cutPrincipal(p principal) string {
	word := strings.ToLower(string(p.Kind))
	cut := fmt.Sprintf("aws iam put-%[1]s-policy%[2]s --%[1]s-name %[3]s --policy-name %[4]s --policy-document '%[5]s'",
		word, ws.shell("iam"), shown.Word(p.Name), holdPolicy, policy.Cut().JSON())
	return ws.inAccount(cut, fmt.Sprintf("NOT CUT: %s", p), "has the policy cut")
}

// inAccount returns a command that does nothing with a login of another account, which may have the same names, and
// then says what failed, and which right it takes. If it is not known which account this is, the command is bare.
func (ws *wording) inAccount(command, failed, right string) string {
	account := ws.at.accountNumber()
	if account == "" {
		return command
	}
	return fmt.Sprintf(`[ "$(aws sts get-caller-identity%s --query Account --output text)" = %s ] && %s || { echo %s >&2; false; }`,
		ws.shell("sts"), account, command,
		shown.Word(failed+". Take a login of the account "+account+" that "+right+"."))
}

// markByHand returns the command that lets a cut last, whatever is destroyed and made anew meanwhile.
func (ws *wording) markByHand(scope string) string {
	return "echo 'Cut by hand.' | aws s3 cp" + ws.shell("s3") + " - " + shown.Word(ws.store.Where(store.HeldKey+scope))
}

// revocation returns how to cut an object's access by hand, a step each; the last one marks it. A grant cannot be cut
// alone: its identity is, with all that hangs on it.
func (ws *wording) revocation(l ledger.Ledger, o access.Object, e *ledger.Entry) (steps []string) {
	cut := func(e *ledger.Entry) {
		for _, p := range store.PrincipalsOf(e) {
			steps = append(steps, ws.cutPrincipal(p))
		}
	}
	if c, ok := o.(*access.Credential); ok {
		cut(e)
		return append(steps, ws.markByHand(c.Ref().ID))
	}
	for _, id := range l.WithSubcontractors(o.Holder()) {
		if e := l[id.Ref()]; e != nil && !e.Removed() {
			cut(e)
		}
		for _, kind := range []access.Kind{access.Federated, access.Secret} {
			if e := l[access.Ref{Type: access.TypeCredential, ID: id.String() + "/" + string(kind)}]; e != nil &&
				!e.Removed() {
				cut(e)
			}
		}
		steps = append(steps, ws.markByHand(id.String()))
	}
	return steps
}

// cutByHand returns the steps that cut all that a partner has: each principal at once, and then a mark by which all
// that is made for it later is cut as well. Subcontractors of another partner get a mark each.
func (ws *wording) cutByHand(partner string, records []*access.Record) (steps []string) {
	scopes := []string{}
	for _, r := range records {
		switch o := r.Object.(type) {
		case *access.Credential:
			steps = append(steps, r.Revocation[:max(0, len(r.Revocation)-1)]...)
		case *access.Identity:
			if len(r.Adopted) > 0 {
				steps = append(steps, ws.cutPrincipal(store.AdoptedOf(o.ID)))
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
		steps = append(steps, ws.markByHand(scope))
	}
	return steps
}

// record returns what callers are told of an entry, in this system's words.
func (ws *wording) record(ctx context.Context, l ledger.Ledger, e *ledger.Entry) (*access.Record, error) {
	r, err := l.Record(e)
	if err != nil {
		return nil, err
	}
	r.Words, r.Revocation = ws.words(r.Object), ws.revocation(l, r.Object, e)
	r.Adopted = ws.leftLogins(r.Object.Holder(), keysOfLogins(e.Adopted))
	r.System, err = ws.store.Identified(ctx)
	return r, err
}

// leftLogins tells of the keys of an adopted user that are left, and how to remove each.
func (ws *wording) leftLogins(id access.IdentityID, keys []string, inactive ...string) (said []string) {
	for _, k := range keys {
		login := "The access key " + k + " of " + store.AdoptedOf(id).String()
		if slices.Contains(inactive, k) {
			login += " (inactive)"
		}
		said = append(said, ledger.Undeclared(login, ws.removeKey(store.AdoptedOf(id), k)))
	}
	return said
}

// moving returns the command that moves a user to where an identity adopts it, and keeps what it was in a tag, which is
// written first: a user that was moved without it would be nobody's.
func (ws *wording) moving(u principal, id access.IdentityID) string {
	to := store.AdoptedOf(id)
	return ws.inAccount(fmt.Sprintf("aws iam tag-user%[1]s --user-name %[2]s --tags Key=%[3]s,Value=%[4]s && aws iam "+
		"update-user%[1]s --user-name %[2]s --new-path %[5]s --new-user-name %[6]s",
		ws.shell("iam"), shown.Word(u.Name), wasTag, shown.Word(u.String()), shown.Word(to.Path), shown.Word(to.Name)),
		"NOT MOVED: "+u.String(), "may administer users")
}

// removeKey returns the command that removes a key of a user, and no deny of it. Once all are gone, the next apply
// removes the user.
func (ws *wording) removeKey(u principal, key string) string {
	remove := fmt.Sprintf("aws iam delete-access-key%s --user-name %s --access-key-id %s", ws.shell("iam"),
		shown.Word(u.Name), shown.Word(key))
	return ws.inAccount(remove, "NOT REMOVED: the key "+key+" of "+u.String(), "may administer users")
}

// kinds are the kinds of credentials that are offered. Nobody changes it.
var kinds = []access.Kind{access.Federated, access.Secret}
