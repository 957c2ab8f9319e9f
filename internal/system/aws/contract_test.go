// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

func TestContractOnVersityGW(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a server that speaks as AWS does")
	}
	realtool.Find(t, "versitygw")
	t.Run("random lives of keys", randomLives)
	systemtest.RunPart(t, 1, func(t *testing.T, _ *systemtest.Clock) systemtest.Harness {
		if !strings.Contains(t.Name(), "random") { // which are hard work, and in parallel with each other already
			t.Parallel()
		}
		return startLab(t, versitygw(t), access.Secret).harness()
	}, access.Federated, access.Certificate, access.SSHCertificate)
}

// lab is a cloud for one test.
type lab struct {
	t      testing.TB
	cloud  *realtool.Cloud
	kinds  []access.Kind
	admin  *account
	broken atomic.Bool
	// gone: a role of a partner was removed.
	gone atomic.Bool
	// quotas count what a server does not; nil: it counts itself.
	quotas *quotas
	// lent is the real account that it is in; nil: a server of its own.
	lent *live
	// writing is held while something is written with a condition.
	writing sync.RWMutex
}

const region = "us-east-1"

// impatience is for how long is asked where it is known that nobody answers.
const impatience = 200 * time.Millisecond

func (l *lab) region() string {
	if l.lent != nil {
		return l.lent.region
	}
	return region
}

// startLab makes the bucket of the ledger, and one with the orders.
func startLab(t testing.TB, cloud *realtool.Cloud, kinds ...access.Kind) *lab {
	t.Helper()
	l := &lab{t: t, cloud: cloud, kinds: kinds}
	l.admin = l.open().at
	l.fill(t)
	return l
}

// fill makes its buckets.
func (l *lab) fill(t testing.TB) {
	t.Helper()
	where := ""
	if l.region() != region { // S3 asks for it everywhere else
		where = "<CreateBucketConfiguration><LocationConstraint>" + l.region() +
			"</LocationConstraint></CreateBucketConfiguration>"
	}
	for _, name := range []string{l.bucket("ledger"), l.bucket("shop")} {
		l.s3(t, l.admin, http.MethodPut, name, where)
	}
	for _, key := range []string{"daily/1.csv", "weekly/1.csv", "daily2/1.csv", "1.csv", "daily/deep/1.csv/more"} {
		l.s3(t, l.admin, http.MethodPut, l.bucket("shop")+"/orders/acme/"+key, "text")
	}
}

// bucket returns the name of a bucket of this lab: no two accounts have one of the same name.
func (l *lab) bucket(what string) string {
	if l.lent != nil {
		return l.lent.bucketsOf() + what
	}
	return what + "-" + strings.ToLower(l.cloud.Access)
}

// place begins what is in the bucket of the orders.
func (l *lab) place() string { return "arn:aws:s3:::" + l.bucket("shop") + "/" }

// s3 asks, and answers with the status.
func (l *lab) s3(t testing.TB, c *account, method, path, text string) int {
	t.Helper()
	a, err := c.SendOnce(context.Background(), client.Request{
		Service: "s3", Region: l.region(), Method: method, URL: strings.TrimSuffix(l.cloud.S3, "/") + "/" + path,
		Body: []byte(text),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.Status
}

func (l *lab) harness() systemtest.Harness {
	system := l.open()
	return systemtest.Harness{
		System: offering{system, l.kinds},
		Second: func() access.System { return offering{l.open(), l.kinds} },
		Break: func() func() {
			patient := system.at.Site.Patience
			system.at.Site.Patience = impatience
			l.broken.Store(true)
			return func() { l.broken.Store(false); system.at.Site.Patience = patient }
		},
		Advance:   time.Sleep,
		Unit:      3 * time.Second,
		ModelUnit: time.Hour,
		Place:     l.place(),
		Allows:    l.allows,
	}
}

// offering is a System where not every kind can be had.
type offering struct {
	*System
	kinds []access.Kind
}

func (o offering) Capabilities() access.Capabilities {
	c := o.System.Capabilities()
	c.Kinds = o.kinds
	check := c.CheckCredential
	c.CheckCredential = func(c *access.Credential) error {
		if !slices.Contains(o.kinds, c.Kind()) {
			return access.ErrUnsupported
		}
		return check(c)
	}
	return c
}

func (o offering) Put(ctx context.Context, change access.Change) (*access.Record, error) {
	if c, ok := change.Object.(*access.Credential); ok && !slices.Contains(o.kinds, c.Kind()) {
		return nil, access.ErrUnsupported
	}
	return o.System.Put(ctx, change)
}

// open is another handle, as another process has.
func (l *lab) open(edits ...func(*Options)) *System {
	l.t.Helper()
	words, err := policy.NewWords(l.region(), nil)
	if err != nil {
		l.t.Fatal(err)
	}
	o := Options{
		Region: region, Ledger: "s3://" + l.bucket("ledger") + "/prod",
		Endpoints: Endpoints{IAM: l.cloud.IAM, STS: l.cloud.STS, S3: l.cloud.S3}, Words: words,
		Credentials: credentials.NewStaticCredentialsProvider(l.cloud.Access, l.cloud.Secret, ""),
		Patience:    3 * time.Second,
		judged:      true, // which TestACloudIsTriedBeforeItsFirstCredential shows of both servers
	}
	o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
		if l.broken.Load() {
			return nil, errors.New("the cable is cut")
		}
		// What S3 promises versitygw (1.8.0) keeps for one writer at a time, and while nobody reads: of 160 writes with
		// If-Match by 16 writers it lost 3; with readers beside one writer, 4 of 40 runs of the churn lost a change,
		// and without them none of 60.
		if l.cloud.STS == "" &&
			r.Method == http.MethodPut &&
			r.Header.Get("If-Match")+r.Header.Get("If-None-Match") != "" {
			l.writing.Lock()
			defer l.writing.Unlock()
		} else if l.cloud.STS == "" {
			l.writing.RLock()
			defer l.writing.RUnlock()
		}
		if l.quotas != nil {
			return l.quotas.in(http.DefaultTransport).RoundTrip(r)
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	if l.lent != nil {
		o.Region = l.lent.region
		o.Endpoints = l.lent.endpoints
		o.Credentials = l.admin.Login
		o.Patience = time.Minute
		o.Transport = carrier(l.lent.carry)
	}
	if l.broken.Load() {
		o.Patience = impatience
	}
	for _, edit := range edits {
		edit(&o)
	}
	s, err := Open(o)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

// as is a client with a partner's key; nil where the secret is none.
func (l *lab) as(secret string) *account {
	var o opened
	if json.Unmarshal([]byte(secret), &o) != nil {
		return nil
	}
	return l.holding(aws.Credentials{AccessKeyID: o.AccessKeyID, SecretAccessKey: o.SecretAccessKey})
}

func (l *lab) holding(login aws.Credentials) *account {
	return &account{Client: client.New(client.Site{
		Region: l.region(), Endpoints: Endpoints{IAM: l.cloud.IAM, S3: l.cloud.S3}, Concurrency: 4,
		Credentials: credentials.NewStaticCredentialsProvider(login.AccessKeyID, login.SecretAccessKey,
			login.SessionToken),
	})}
}

// allows asks S3 with what a partner holds.
func (l *lab) allows(t testing.TB, p systemtest.Probe) bool {
	t.Helper()
	c := l.as(p.Secret)
	return c != nil && l.may(t, c, p.Action, p.Path)
}

// may does an action on an object, or on the folder that it is in.
func (l *lab) may(t testing.TB, c *account, action, arn string) bool {
	t.Helper()
	path := strings.TrimPrefix(arn, "arn:aws:s3:::")
	method := map[string]string{
		"read":   http.MethodGet,
		"list":   http.MethodGet,
		"write":  http.MethodPut,
		"delete": http.MethodDelete,
	}[action]
	if action == "list" {
		bucket, key, _ := strings.Cut(path, "/")
		path = bucket + "?list-type=2&prefix=" + strings.ReplaceAll(key, "/", "%2F")
	}
	status := l.s3(t, c, method, path, "")
	if !slices.Contains([]int{200, 204, 403, 404}, status) {
		t.Fatalf("%s %s: %d", method, path, status)
	}
	return status != http.StatusForbidden
}

// ministack and versitygw are servers of their own for one test. A short run has none.
func ministack(t testing.TB) *realtool.Cloud {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs a server that speaks as AWS does")
	}
	return realtool.StartMinistack(t)
}

func versitygw(t testing.TB) *realtool.Cloud {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs a server that speaks as AWS does")
	}
	return realtool.StartVersityGW(t)
}

// TestMain lets more tests run side by side than there are cores: most of their time they wait for an end to come.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "16")
	os.Exit(m.Run())
}
