// SPDX-License-Identifier: MPL-2.0

package client

import (
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// Site is where AWS is, and how it is asked. New takes it as it is: the defaults, and what is allowed, are the
// caller's.
type Site struct {
	// Region is where S3 and STS are asked. IAM is one for each partition.
	Region string
	// Endpoints are other places than AWS's own. If IAM's is set, it is taken for another cloud, which may serve less.
	Endpoints Endpoints
	// Credentials are those of the provider itself. Nil: they are found as AWS's own programs find theirs (FindLogin).
	Credentials aws.CredentialsProvider
	// Authorities are certificates in PEM that are trusted instead of the machine's, as AWS_CA_BUNDLE names them. Nil:
	// the machine's. Without an effect beside Transport.
	Authorities []byte
	// Transport carries the requests; tests put faults here. Nil: one of net/http, with the proxy of the environment.
	Transport http.RoundTripper
	// Patience is for how long a request is repeated that AWS could not answer.
	Patience time.Duration
	// Concurrency is how many requests may be under way at once; more wait. It must not be 0.
	Concurrency int
	// UserAgent says who asks, in AWS's logs.
	UserAgent string
}

// Endpoints are URLs of services that speak as AWS does, with or without a slash at the end; "" for AWS's own.
type Endpoints struct{ IAM, STS, S3 string }

// elsewhere reports whether a service is not AWS's own.
func (s Site) elsewhere(service string) bool {
	return map[string]string{"iam": s.Endpoints.IAM, "sts": s.Endpoints.STS, "s3": s.Endpoints.S3}[service] != ""
}

// IAM returns the URL of IAM, with a slash at its end, as STS and S3 do.
func (s Site) IAM() string {
	if s.Endpoints.IAM != "" {
		return strings.TrimSuffix(s.Endpoints.IAM, "/") + "/"
	}
	return policy.PartitionOf(s.Region).IAM + "/"
}

// STS returns the URL of STS in the region.
func (s Site) STS() string {
	if s.Endpoints.STS != "" {
		return strings.TrimSuffix(s.Endpoints.STS, "/") + "/"
	}
	return "https://sts." + s.Region + "." + policy.PartitionOf(s.Region).Domain + "/"
}

// S3 returns the URL that the keys of a bucket follow. The bucket is a part of the host, unless its name has dots: the
// certificate of S3 is for one label below its domain (Amazon S3 User Guide, virtual hosting of buckets). Other clouds
// get it in the path.
func (s Site) S3(bucket string) string {
	switch {
	case s.Endpoints.S3 != "":
		return strings.TrimSuffix(s.Endpoints.S3, "/") + "/" + bucket + "/"
	case strings.Contains(bucket, "."):
		return "https://s3." + s.Region + "." + policy.PartitionOf(s.Region).Domain + "/" + bucket + "/"
	}
	return "https://" + bucket + ".s3." + s.Region + "." + policy.PartitionOf(s.Region).Domain + "/"
}
