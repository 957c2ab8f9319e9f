// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// A shadow partner reads what is not there: a table of DynamoDB that bears its name. DynamoDB asks IAM first, and
// only then looks for the table. On another cloud, which may have S3 alone, it reads the object of the ledger that
// says which system this is.

// rehearsals is how the shadows of partners come in, and what is remembered of that.
type rehearsals struct {
	at    *account
	store *pages
}

// Stage lets the shadow of a partner's account or workload in by the login of this provider, since nobody else's is at
// hand: the role of the shadow differs from the partner's in whom it trusts, and in nothing that cuts it. It returns
// what the shadow is granted.
func (rh *rehearsals) Stage(ctx context.Context, c *access.Credential) (action string, on access.Pattern, err error) {
	if err := rh.at.Enter(ctx); err != nil {
		return "", "", err
	}
	if c.Federated != nil {
		own, err := rh.ownPrincipal(ctx)
		if err != nil {
			return "", "", err
		}
		c.Federated = &access.FederatedTrust{AWSPrincipal: own, ExternalID: rand.Text()}
	}
	return "read", rh.probed(c.IdentityID), nil
}

// probed returns what the shadow of an identity reads, as the resource of a grant.
func (rh *rehearsals) probed(id access.IdentityID) access.Pattern {
	in := policy.PartitionOf(rh.at.Site.Region).Name
	if rh.at.Site.Endpoints.S3 != "" {
		return access.Pattern("arn:" + in + ":s3:::" + rh.store.Name + "/" + rh.store.Prefix + "/" + store.SystemKey)
	}
	return access.Pattern("arn:" + in + ":dynamodb:" + rh.at.Site.Region + ":" + rh.at.accountNumber() + ":table/" +
		id.Partner)
}

// ownPrincipal returns the ARN of the user or role that this login is of, as a trust can name it. STS names a session
// by its role without the folder, and a trust needs the folder; so IAM is asked for it. The root of an account may not
// assume a role.
func (rh *rehearsals) ownPrincipal(ctx context.Context) (string, error) {
	if rh.at.Site.Endpoints.STS == "" && rh.at.Site.Endpoints.IAM != "" {
		return "", fmt.Errorf("%w: this cloud has no STS", access.ErrUnsupported)
	}
	var out struct {
		ARN string `xml:"GetCallerIdentityResult>Arn"`
	}
	if err := rh.at.STS(ctx, &out, url.Values{"Action": {"GetCallerIdentity"}}); err != nil {
		return "", err
	}
	_, session, is := strings.Cut(out.ARN, ":assumed-role/")
	if is { // a session: its role may be in a folder, which only IAM tells
		name, _, _ := strings.Cut(session, "/")
		d, err := rh.at.describe(ctx, principal{Kind: store.Role, Name: name})
		if err != nil {
			return "", err
		}
		out.ARN = d.ARN
	}
	if !strings.Contains(out.ARN, ":user/") && !strings.Contains(out.ARN, ":role/") {
		return "", fmt.Errorf("%w: the login is %s, and AWS lets only a user or a role assume the shadow's role",
			access.ErrUnsupported, out.ARN)
	}
	return out.ARN, nil
}

// Doors returns the way in of a shadow: its key, or a session of its role.
func (rh *rehearsals) Doors(p access.Proof) []access.Door {
	id := p.Credential.IdentityID
	if p.Credential.Secret != nil {
		var key opened
		_ = json.Unmarshal([]byte(p.Secret), &key) // one that is no key is refused, and told as never let in
		v := rh.visitor(id, aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey})
		return []access.Door{{
			How:   "a read of " + v.what() + " with the shadow's key",
			Note:  rh.atOneService(),
			Enter: v.May,
		}}
	}
	d := &roleDoor{rehearsals: rh, id: id, externalID: p.Credential.Federated.ExternalID}
	note := "Nobody here can log in as the partner's account or workload: the shadow's role trusts this provider's " +
		"login instead, with the same policies and the same cut."
	return []access.Door{{
		How:  "a read of " + rh.visitor(id, aws.Credentials{}).what() + " in a session of the shadow's role",
		Note: strings.TrimSpace(note + " " + rh.atOneService()), Enter: d.enter, Open: d.open,
	}}
}

// atOneService says what a measure does not tell: IAM spreads a cut, and not all services hear of it at once.
func (rh *rehearsals) atOneService() string {
	if rh.at.Site.Endpoints.IAM != "" {
		return ""
	}
	return "Measured at DynamoDB in " + rh.at.Site.Region +
		" alone: another service or region may refuse a moment later."
}

// roleDoor lets in whoever assumes the role of a shadow, each time in a new session.
type roleDoor struct {
	*rehearsals
	id         access.IdentityID
	externalID string
	// admitted: it has let in once. knocked is when it was tried first.
	admitted bool
	knocked  time.Time
}

// take assumes the role; no visit if that is refused, as it is until IAM has spread the role, and after a cut. If it
// was refused for twice the patience and never let in, this login lacks the right, which is an error that names it.
func (d *roleDoor) take(ctx context.Context) (*shadowVisit, error) {
	arn := store.RoleOf(d.id).ARN(policy.PartitionOf(d.at.Site.Region).Name, d.at.accountNumber())
	var out struct {
		Taken client.Taken `xml:"AssumeRoleResult>Credentials"`
	}
	err := d.at.STS(ctx, &out, url.Values{
		"Action":          {"AssumeRole"},
		"RoleArn":         {arn},
		"RoleSessionName": {client.SessionName},
		"ExternalId":      {d.externalID},
	})
	if d.knocked.IsZero() {
		d.knocked = access.WallClock()
	}
	switch refused := errors.Is(err, access.ErrNotPermitted); {
	case refused && !d.admitted && access.WallClock().Sub(d.knocked) > 2*d.at.Site.Patience:
		return nil, fmt.Errorf("assume the role of the shadow: %w. Give this login sts:AssumeRole on %s, as the "+
			"policy apply has it", err, arn)
	case refused:
		return nil, nil
	case err != nil:
		return nil, err
	}
	d.admitted = true
	login, err := out.Taken.Credentials()
	return d.visitor(d.id, login), err
}

// enter tries the door once, and reports whether it let in.
func (d *roleDoor) enter(ctx context.Context, action, path string) (bool, error) {
	v, err := d.take(ctx)
	if v == nil || err != nil {
		return false, err
	}
	return v.May(ctx, action, path)
}

// open returns a visit that goes on, to see how soon an open session is refused; nil if the door does not let in.
func (d *roleDoor) open(ctx context.Context) (access.Visit, error) {
	v, err := d.take(ctx)
	if v == nil || err != nil {
		return nil, err
	}
	return v, nil
}

// shadowVisit reads as a shadow, with the credentials that it came in with.
type shadowVisit struct {
	client *client.Client
	id     access.IdentityID
	bucket string
	key    string
}

// visitor returns a visit of a shadow with a login. Nothing is asked yet.
func (rh *rehearsals) visitor(id access.IdentityID, login aws.Credentials) *shadowVisit {
	as := rh.at.As(credentials.NewStaticCredentialsProvider(login.AccessKeyID, login.SecretAccessKey,
		login.SessionToken))
	return &shadowVisit{as, id, rh.store.Name, rh.store.Prefix + "/" + store.SystemKey}
}

// what names what it reads.
func (v *shadowVisit) what() string {
	if v.client.Site.Endpoints.S3 != "" {
		return "s3://" + v.bucket + "/" + v.key
	}
	return "a table that is not there"
}

// May does what the shadow was granted, and reports whether it was allowed. What AWS does not find, it allowed:
// DynamoDB asks IAM before it looks for the table. A key that is not known counts as refused, since a new one is not
// known everywhere.
func (v *shadowVisit) May(ctx context.Context, _, _ string) (bool, error) {
	r := client.Request{
		Service: "s3",
		Region:  v.client.Site.Region,
		Method:  http.MethodGet,
		URL:     v.client.Site.S3(v.bucket) + v.key,
	}
	if v.client.Site.Endpoints.S3 == "" {
		r.Service, r.Method, r.URL = "dynamodb", http.MethodPost,
			"https://dynamodb."+v.client.Site.Region+"."+policy.PartitionOf(v.client.Site.Region).Domain+"/"
		r.Header = map[string]string{"Content-Type": "application/x-amz-json-1.0",
			"X-Amz-Target": "DynamoDB_20120810.GetItem"}
		r.Body = []byte(`{"TableName":"` + v.id.Partner + `","Key":{"probe":{"S":"probe"}}}`)
	}
	_, err := v.client.Send(ctx, r)
	switch {
	case errors.Is(err, access.ErrNotPermitted), errors.Is(err, access.ErrLogin):
		// a key that is new is not known everywhere
		return false, nil
	case errors.Is(err, client.ErrAbsent):
		return true, nil
	}
	return err == nil, err
}

// Leave does nothing: AWS ends no session, and the shadow's role is removed.
func (*shadowVisit) Leave(context.Context) error { return nil }

// Shell lets the printed steps run with this login, which is in the environment only, and with nothing else that could
// lead them elsewhere. The program aws has to be there: what a person on call would miss is to be missed in a
// rehearsal.
func (rh *rehearsals) Shell(ctx context.Context) (environment []string, clean func() error, err error) {
	if _, err := exec.LookPath("aws"); err != nil {
		return nil, nil, fmt.Errorf("%w: they need the program aws, which is not on the PATH of this machine",
			access.ErrUnsupported)
	}
	login, err := rh.at.Credentials(ctx)
	if err != nil {
		return nil, nil, err
	}
	folder, err := os.MkdirTemp("", "partner-steps-")
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", access.ErrUnavailable, err)
	}
	environment = []string{
		"HOME=" + folder, "AWS_ACCESS_KEY_ID=" + login.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + login.SecretAccessKey,
		"AWS_PAGER=", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
	if login.SessionToken != "" {
		environment = append(environment, "AWS_SESSION_TOKEN="+login.SessionToken)
	}
	// the way there
	for _, name := range []string{"PATH", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy",
		"no_proxy", "AWS_CA_BUNDLE"} {
		if value, is := os.LookupEnv(name); is {
			environment = append(environment, name+"="+value)
		}
	}
	return environment, func() error { return os.RemoveAll(folder) }, nil
}

// Tidy removes the marks that the steps left of shadow partners which have nothing any more. They are the only marks
// that are ever removed.
func (rh *rehearsals) Tidy(ctx context.Context) error {
	h, err := rh.store.Load(ctx)
	if err != nil {
		return fmt.Errorf("take away the marks of shadow partners: %w", err)
	}
	has := map[string]bool{}
	for ref := range h.Ledger {
		partner, _, _ := strings.Cut(ref.ID, "/")
		has[partner] = true
	}
	for scope := range h.Holds {
		partner, _, _ := strings.Cut(scope, "/")
		if !access.IsShadow(partner) || has[partner] {
			continue
		}
		err = cmp.Or(err, rh.store.Remove(ctx, store.HeldKey+scope, ""))
	}
	rh.store.Reread()
	if err != nil {
		return fmt.Errorf("take away the marks of shadow partners: %w", err)
	}
	return nil
}

// Remember keeps when a partner was rehearsed, in the name of an object, and forgets the times before.
func (rh *rehearsals) Remember(ctx context.Context, partner string, at time.Time) error {
	defer rh.store.Reread()
	key := store.RehearsedKey + partner + "/" + at.UTC().Format(store.RehearsedForm)
	err := rh.store.Place(ctx, key, []byte("When the cut of this partner was rehearsed last.\n"))
	if err == nil {
		err = rh.store.ForgetOlder(ctx, partner, key)
	}
	if err != nil {
		return fmt.Errorf("remember the rehearsal of %s: %w", partner, err)
	}
	return nil
}

// Rehearsed returns when each partner was rehearsed last.
func (rh *rehearsals) Rehearsed(ctx context.Context) (map[string]time.Time, error) {
	h, err := rh.store.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read when partners were rehearsed: %w", err)
	}
	return maps.Clone(h.Rehearsed), nil
}
