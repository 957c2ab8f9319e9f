// SPDX-License-Identifier: MPL-2.0

package policy

import "strings"

// Partition is one of the worlds that AWS consists of: nothing reaches from one into another, not even a role's trust.
type Partition struct {
	// Name is what ARNs call it: "aws", "aws-cn". Domain is that of its services.
	Name, Domain string
	// IAM is the URL of its IAM, which is one for all regions. IAMRegion is the region that requests to it are signed
	// for.
	IAM, IAMRegion string
}

// PartitionOf returns the partition that a region is in; "aws" if the region begins like none of the others. The table
// is botocore's (partitions.json, and the endpoints of IAM).
func PartitionOf(region string) Partition {
	of := func(prefix string) bool { return strings.HasPrefix(region, prefix+"-") }
	switch {
	case of("cn"):
		return Partition{"aws-cn", "amazonaws.com.cn", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"}
	case of("us-gov"):
		return Partition{"aws-us-gov", "amazonaws.com", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"}
	case of("eusc"):
		return Partition{"aws-eusc", "amazonaws.eu", "https://iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"}
	case of("us-iso"):
		return Partition{"aws-iso", "c2s.ic.gov", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"}
	case of("us-isob"):
		return Partition{"aws-iso-b", "sc2s.sgov.gov", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"}
	case of("eu-isoe"):
		return Partition{"aws-iso-e", "cloud.adc-e.uk", "https://iam.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"}
	case of("us-isof"):
		return Partition{"aws-iso-f", "csp.hci.ic.gov", "https://iam.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"}
	}
	return Partition{"aws", "amazonaws.com", "https://iam.amazonaws.com", "us-east-1"}
}
