// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

func TestContractOnMinistack(t *testing.T) {
	cloud := ministack(t)
	var accounts atomic.Int64
	systemtest.RunPart(t, 1, func(t *testing.T, _ *systemtest.Clock) systemtest.Harness {
		if !strings.Contains(t.Name(), "random") {
			t.Parallel()
		}
		l := startLab(t, cloud.In(strconv.FormatInt(111122220000+accounts.Add(1), 10)), access.Federated)
		l.quotas = newQuotas()
		h := l.harness()
		key := ecKey(t)
		h.Allows = func(t testing.TB, p systemtest.Probe) bool {
			c := l.withToken(t, p.Credential, key)
			return c != nil && l.may(t, c, p.Action, p.Path)
		}
		return h
	}, access.Certificate, access.SSHCertificate, access.Secret)
}

// session is what STS answers with.
type session struct {
	ID     string `xml:"AccessKeyId"`
	Secret string `xml:"SecretAccessKey"`
	Token  string `xml:"SessionToken"`
}

func (s session) login() aws.Credentials {
	return aws.Credentials{AccessKeyID: s.ID, SecretAccessKey: s.Secret, SessionToken: s.Token}
}

// withToken logs in with a token of the partner's issuer; nil where it is refused.
func (l *lab) withToken(t testing.TB, c *access.Credential, key *ecdsa.PrivateKey) *account {
	t.Helper()
	token := signedToken(t, key, c.Federated.Issuer, c.Federated.Subject, c.Federated.Audiences...)
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleSessionName": {"partner"},
		"WebIdentityToken": {token},
		"RoleArn":          {store.RoleOf(c.IdentityID).ARN("aws", l.cloud.Access)},
	}
	resp, err := http.PostForm(l.cloud.STS, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out struct {
		Session session `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}
	if err := xml.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode != http.StatusOK {
		return nil
	}
	return l.holding(out.Session.login())
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// token is one of an issuer that nobody has to have heard of: ministack looks at no signature.
func (l *lab) token(t testing.TB, issuer, subject string, audiences ...string) string {
	t.Helper()
	return signedToken(t, ecKey(t), issuer, subject, audiences...)
}

func signedToken(t testing.TB, key *ecdsa.PrivateKey, issuer, subject string, audiences ...string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	token, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: issuer, Subject: subject, Audience: jwt.Audience(audiences), IssuedAt: jwt.NewNumericDate(now),
		Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// assume takes on a role, and tells an external id; nil where that is refused.
func (l *lab) assume(t testing.TB, as *account, arn, externalID string) *account {
	t.Helper()
	form := url.Values{
		"Action":          {"AssumeRole"},
		"Version":         {"2011-06-15"},
		"RoleSessionName": {"partner"},
		"RoleArn":         {arn},
	}
	if externalID != "" {
		form.Set("ExternalId", externalID)
	}
	a, err := as.SendOnce(context.Background(), client.Request{
		Service: "sts", Region: region, Method: http.MethodPost, URL: l.cloud.STS + "/",
		Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
		Body:   []byte(form.Encode()),
	})
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		Session session `xml:"AssumeRoleResult>Credentials"`
	}
	if err := xml.Unmarshal(a.Body, &out); err != nil || a.Status != http.StatusOK {
		return nil
	}
	return l.holding(out.Session.login())
}
