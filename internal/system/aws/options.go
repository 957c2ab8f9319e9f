// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// Options are what a System may be told. Region and Ledger are needed; the zero value of all else is what most want.
type Options struct {
	// Region is where S3 and STS are asked, and partners are sent to. IAM is one for the whole partition.
	Region string
	// Ledger is where what was declared is kept: s3://bucket/prefix.
	Ledger string
	// Boundary is the ARN of the permissions boundary of all that is made; "" for none.
	Boundary string
	// Endpoints are other places than AWS's own.
	Endpoints Endpoints
	// Words are what grants may say: those of the services, and the company's own (policy.NewWords).
	Words policy.Words
	// Credentials are those of the provider itself. Nil: the SDK's own chain finds them.
	Credentials aws.CredentialsProvider
	// Authorities are the certificates in PEM that are trusted instead of the machine's; nil: the machine's.
	Authorities []byte
	// Transport carries the requests. Nil: the usual one.
	Transport http.RoundTripper
	// Fresh is for how long one reading serves. What this process changes is read again at once.
	// Zero: each reading asks.
	Fresh time.Duration
	// Patience is for how long a request is repeated that AWS could not answer, and for how long something is waited
	// for that IAM has yet to spread. Default: 15 seconds.
	Patience time.Duration
	// Concurrency is how many requests may be under way. Default: 16.
	Concurrency int
	// UserAgent says who asks.
	UserAgent string

	// judged: a test has tried already how the server judges policies.
	judged bool
}

// Endpoints are URLs of services that speak as AWS does; "" for AWS's own.
type Endpoints = client.Endpoints

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionName = regexp.MustCompile(`^[a-z0-9-]{3,32}$`)
	zoneName   = regexp.MustCompile(`^([a-z]{2,4}(?:-[a-z]+)+-[0-9])[a-z]$`)
	// boundaryName is the ARN of a policy of an account's own, or of AWS's.
	boundaryName = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::([0-9]{12}|aws):policy/([!-~]+/)?[A-Za-z0-9+=,.@_-]+$`)
	prefixName   = regexp.MustCompile(`^[A-Za-z0-9!_.*'()/-]*$`)
)

// parseLedger reads s3://bucket/prefix. The prefix has no slash at either end. What would be another key once it is
// cleaned ("..", "//") is refused, and so is the place of another ledger's floor: a login that may write a ledger could
// write that floor.
func parseLedger(text string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(text, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	prefix = strings.Trim(prefix, "/")
	if !ok ||
		!bucketName.MatchString(bucket) ||
		prefix == "" ||
		!prefixName.MatchString(prefix) ||
		strings.Contains(prefix, "//") ||
		strings.Contains(prefix, "..") {
		return "", "", fmt.Errorf("%q is not the place of a ledger: write s3://bucket/prefix, the prefix of letters, "+
			"digits and - _ . /", text)
	}
	if strings.HasSuffix(prefix, store.FloorSuffix) {
		return "", "", fmt.Errorf("%q is not the place of a ledger: the prefix ends with %s, where another ledger "+
			"keeps its floor", text, store.FloorSuffix)
	}
	return bucket, prefix, nil
}

// CheckLedger returns what is wrong with the place of a ledger; nil if nothing is.
func CheckLedger(text string) error {
	_, _, err := parseLedger(text)
	return err
}

// CheckRegion returns what is wrong with a region. An availability zone, such as eu-west-1a, is told as one.
func CheckRegion(text string) error {
	if zone := zoneName.FindStringSubmatch(text); zone != nil {
		return fmt.Errorf("%q is an availability zone: write its region, %s", text, zone[1])
	}
	if !regionName.MatchString(text) {
		return fmt.Errorf("%q is not a region: write one such as eu-west-1", text)
	}
	return nil
}

// CheckBoundary returns what is wrong with the ARN of a permissions boundary: it has to be that of a policy.
func CheckBoundary(text string) error {
	if !boundaryName.MatchString(text) {
		return fmt.Errorf("%q is not the ARN of a policy that can be a boundary: write "+
			"arn:aws:iam::ACCOUNT:policy/NAME", text)
	}
	return nil
}

// CheckEndpoint returns what is wrong with the URL of a service. It does not repeat what may hold a password.
func CheckEndpoint(text string) error {
	u, err := url.Parse(text)
	switch {
	case err == nil && u.User != nil:
		return errors.New("it contains a user or a password: write https://host, and log in through the environment " +
			"or a profile")
	case err != nil || !isBase(u):
		return fmt.Errorf("%q is not an endpoint: write https://host, or http:// on this machine only", text)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("%q has the port %q: ports are 1 to 65535", text, port)
		}
	}
	return nil
}

// isBase reports whether a URL is that of a host and no more, by https, or by http on this machine.
func isBase(u *url.URL) bool {
	private := u.Scheme == "https" || (u.Scheme == "http" && loopback(u.Hostname()))
	return private && u.Host != "" && u.RawQuery == "" && u.Fragment == ""
}

// site returns where AWS is, as the client takes it.
func (o Options) site() client.Site {
	return client.Site{
		Region: o.Region, Endpoints: o.Endpoints, Credentials: o.Credentials, Authorities: o.Authorities,
		Transport: o.Transport,
		Patience:  o.Patience, Concurrency: o.Concurrency, UserAgent: o.UserAgent,
	}
}

// settings are what the configuration says beside where AWS is.
type settings struct {
	Ledger   string
	Boundary string
	Words    policy.Words
	Fresh    time.Duration
	judged   bool
}

// Check returns what is wrong with options, by the name of the argument; nil if nothing is. It makes no request.
func (o Options) Check() error {
	switch {
	case o.Ledger == "":
		return errors.New("aws.ledger is missing: it says where the provider keeps what was declared. Write ledger = " +
			"\"s3://bucket/prefix\", or set PARTNER_AWS_LEDGER")
	case o.Region == "":
		return errors.New("aws.region is missing: write region = \"eu-west-1\", or set AWS_REGION")
	}
	checks := []struct {
		argument, text string
		check          func(string) error
	}{
		{"ledger", o.Ledger, CheckLedger}, {"region", o.Region, CheckRegion}, {"boundary", o.Boundary, CheckBoundary},
		{"endpoints.iam", o.Endpoints.IAM, CheckEndpoint}, {"endpoints.sts", o.Endpoints.STS, CheckEndpoint},
		{"endpoints.s3", o.Endpoints.S3, CheckEndpoint},
	}
	for _, c := range checks {
		if c.text == "" {
			continue
		}
		if err := c.check(c.text); err != nil {
			return fmt.Errorf("aws.%s: %w", c.argument, err)
		}
	}
	if name := policy.PartitionOf(o.Region).Name; o.Boundary != "" && !strings.HasPrefix(o.Boundary, "arn:"+name+":") {
		return fmt.Errorf("aws.boundary: %q is in another partition than %s, which is in %s: write "+
			"arn:%s:iam::ACCOUNT:policy/NAME", o.Boundary, o.Region, name, name)
	}
	return nil
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	return host == "127.0.0.1" ||
		host == "::1" ||
		host == "localhost"
}
