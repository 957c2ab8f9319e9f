// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// Options are what a System may be told. Region and Ledger are needed.
type Options struct {
	// Region is where S3 and STS are asked, and partners are sent to.
	Region string
	// Ledger is where is kept what was declared: s3://bucket/prefix.
	Ledger string
	// Boundary is the ARN of the permissions boundary of all that is made; "" for none.
	Boundary string
	// Endpoints are other places than AWS's own.
	Endpoints Endpoints
	// Words are what grants may say, with the company's own.
	Words policy.Words
	// Credentials are those of the provider itself. Nil: the SDK's own chain finds them.
	Credentials aws.CredentialsProvider
	// Transport carries the requests. Nil: the usual one.
	Transport http.RoundTripper
	// Fresh is for how long one reading serves. What this process changes is read again at once. Zero: each reading asks.
	Fresh time.Duration
	// Patience is for how long a request is repeated that AWS could not answer, and something waited for that IAM has yet to
	// spread. Default: 15 seconds.
	Patience time.Duration
	// Concurrency is how many requests may be under way. Default: 16.
	Concurrency int
	// UserAgent says who asks.
	UserAgent string
}

// Endpoints are URLs of services that speak as AWS does; "" for AWS's own.
type Endpoints struct{ IAM, STS, S3 string }

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionName = regexp.MustCompile(`^[a-z0-9-]{3,32}$`)
	prefixName = regexp.MustCompile(`^[A-Za-z0-9!_.*'()/-]*$`)
)

// parseLedger reads s3://bucket/prefix. The prefix has no slash at either end.
func parseLedger(text string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(text, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	prefix = strings.Trim(prefix, "/")
	if !ok || !bucketName.MatchString(bucket) || prefix == "" || !prefixName.MatchString(prefix) || strings.Contains(prefix, "//") || strings.Contains(prefix, "..") {
		return "", "", fmt.Errorf("%q is not the place of a ledger: write s3://bucket/prefix, the prefix of letters, digits and - _ . /", text)
	}
	return bucket, prefix, nil
}

// Check says what is wrong with options; nil where nothing is.
func (o Options) Check() error {
	if _, _, err := parseLedger(o.Ledger); err != nil {
		return err
	}
	if !regionName.MatchString(o.Region) {
		return fmt.Errorf("%q is not a region: write one such as eu-west-1", o.Region)
	}
	for _, endpoint := range []string{o.Endpoints.IAM, o.Endpoints.STS, o.Endpoints.S3} {
		if endpoint == "" {
			continue
		}
		u, err := url.Parse(endpoint)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
			return fmt.Errorf("%q is not an endpoint: write https://host, or http:// on this machine only", endpoint)
		}
	}
	return nil
}

func loopback(host string) bool { return host == "127.0.0.1" || host == "::1" || host == "localhost" }

// partition is one of the worlds that AWS consists of.
type partition struct {
	name, domain string
	// iam is where IAM is, and iamRegion the region that requests to it are signed for.
	iam, iamRegion string
}

func partitionOf(region string) partition {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return partition{"aws-cn", "amazonaws.com.cn", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"}
	case strings.HasPrefix(region, "us-gov-"):
		return partition{"aws-us-gov", "amazonaws.com", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"}
	}
	return partition{"aws", "amazonaws.com", "https://iam.amazonaws.com", "us-east-1"}
}

func (o Options) iamEndpoint() string {
	if o.Endpoints.IAM != "" {
		return strings.TrimSuffix(o.Endpoints.IAM, "/") + "/"
	}
	return partitionOf(o.Region).iam + "/"
}

func (o Options) stsEndpoint() string {
	if o.Endpoints.STS != "" {
		return strings.TrimSuffix(o.Endpoints.STS, "/") + "/"
	}
	return "https://sts." + o.Region + "." + partitionOf(o.Region).domain + "/"
}

// s3Endpoint returns the URL that the keys of a bucket follow, with a slash at its end. A bucket with dots in its name has no certificate
// as a host.
func (o Options) s3Endpoint(bucket string) string {
	switch {
	case o.Endpoints.S3 != "":
		return strings.TrimSuffix(o.Endpoints.S3, "/") + "/" + bucket + "/"
	case strings.Contains(bucket, "."):
		return "https://s3." + o.Region + "." + partitionOf(o.Region).domain + "/" + bucket + "/"
	}
	return "https://" + bucket + ".s3." + o.Region + "." + partitionOf(o.Region).domain + "/"
}
