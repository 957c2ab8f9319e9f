// SPDX-License-Identifier: MPL-2.0

package client

import (
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// Site is where AWS is, and how it is asked.
type Site struct {
	// Region is where S3 and STS are asked.
	Region string
	// Endpoints are other places than AWS's own.
	Endpoints Endpoints
	// Credentials are those of the provider itself. Nil: the SDK's own chain finds them.
	Credentials aws.CredentialsProvider
	// Authorities are the certificates in PEM that are trusted instead of the machine's; nil: the machine's.
	Authorities []byte
	// Transport carries the requests. Nil: the usual one.
	Transport http.RoundTripper
	// Patience is for how long a request is repeated that AWS could not answer.
	Patience time.Duration
	// Concurrency is how many requests may be under way.
	Concurrency int
	// UserAgent says who asks.
	UserAgent string
}

// Endpoints are URLs of services that speak as AWS does; "" for AWS's own.
type Endpoints struct{ IAM, STS, S3 string }

// elsewhere reports whether a service is not AWS's own.
func (s Site) elsewhere(service string) bool {
	return map[string]string{"iam": s.Endpoints.IAM, "sts": s.Endpoints.STS, "s3": s.Endpoints.S3}[service] != ""
}

// IAM returns the URL of IAM.
func (s Site) IAM() string {
	if s.Endpoints.IAM != "" {
		return strings.TrimSuffix(s.Endpoints.IAM, "/") + "/"
	}
	return policy.PartitionOf(s.Region).IAM + "/"
}

// STS returns the URL of STS.
func (s Site) STS() string {
	if s.Endpoints.STS != "" {
		return strings.TrimSuffix(s.Endpoints.STS, "/") + "/"
	}
	return "https://sts." + s.Region + "." + policy.PartitionOf(s.Region).Domain + "/"
}

// S3 returns the URL that the keys of a bucket follow, with a slash at its end. A bucket with dots in its name has no
// certificate as a host.
func (s Site) S3(bucket string) string {
	switch {
	case s.Endpoints.S3 != "":
		return strings.TrimSuffix(s.Endpoints.S3, "/") + "/" + bucket + "/"
	case strings.Contains(bucket, "."):
		return "https://s3." + s.Region + "." + policy.PartitionOf(s.Region).Domain + "/" + bucket + "/"
	}
	return "https://" + bucket + ".s3." + s.Region + "." + policy.PartitionOf(s.Region).Domain + "/"
}
