// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// ARN is the name of what a grant opens, as AWS writes it: arn:aws:s3:::partner-exchange/acme/daily/*. It is canonical:
// where two ARNs share a thing of AWS, their patterns overlap.
type ARN struct {
	Partition, Service, Region, Account string
	// Resource is what follows the account. Its last segment may be "*", for all that lies below.
	Resource string
}

// String returns the ARN as a grant and a policy write it.
func (a ARN) String() string {
	return strings.Join([]string{"arn", a.Partition, a.Service, a.Region, a.Account, a.Resource}, ":")
}

var (
	partitionName = regexp.MustCompile(`^aws(-[a-z]+)*$`)
	serviceName   = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	regionName    = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	accountNumber = regexp.MustCompile(`^[0-9]{12}$`)
)

// parseARN reads the pattern of a grant. What IAM would read as more, or as something else than the pattern says, does
// not parse: its * also crosses slashes, and it has nothing for exactly one segment.
func parseARN(p access.Pattern) (ARN, error) {
	segments := p.Segments()
	parts := strings.SplitN(segments[0], ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return ARN{}, fmt.Errorf("%s is not an ARN: write the resource as AWS names it, such as "+
			"arn:aws:s3:::partner-exchange/acme/daily/*", p)
	}
	if slices.Contains(segments, "+") {
		return ARN{}, fmt.Errorf("%s contains +, but IAM has no wildcard for exactly one segment: write a grant for "+
			"each, or end in /*", p)
	}
	a := ARN{Partition: parts[1], Service: parts[2], Region: parts[3], Account: parts[4]}
	a.Resource = strings.TrimPrefix(string(p), strings.Join(parts[:5], ":")+":")
	switch {
	case !partitionName.MatchString(a.Partition):
		return ARN{}, fmt.Errorf("%s names the partition %q: write aws, or aws-cn or aws-us-gov in these regions", p,
			a.Partition)
	case !serviceName.MatchString(a.Service):
		return ARN{}, fmt.Errorf("%s names the service %q, which does not exist: write it in lower case, as AWS does",
			p, a.Service)
	case a.Region != "" && !regionName.MatchString(a.Region):
		return ARN{}, fmt.Errorf("%s names the region %q, which is not one: write one such as eu-west-1", p, a.Region)
	case a.Account != "" && !accountNumber.MatchString(a.Account):
		return ARN{}, fmt.Errorf("%s names the account %q: write its twelve digits", p, a.Account)
	case a.Region != "" && PartitionOf(a.Region).Name != a.Partition:
		return ARN{}, fmt.Errorf("%s names the partition %s, but the region %s is in %s", p, a.Partition, a.Region,
			PartitionOf(a.Region).Name)
	}
	if shape, known := shapes()[a.Service]; known {
		if problem := shape(a); problem != "" {
			return ARN{}, fmt.Errorf("%s %s", p, problem)
		}
	}
	return a, nil
}

// shape says what is wrong with the ARN of one service; "" where nothing is.
type shape func(ARN) string

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	// bucketKept are the ends of names that AWS keeps for what is no bucket that its own ARN opens: access points
	// and directory buckets.
	bucketKept = regexp.MustCompile(`(-s3alias|--ol-s3|--x-s3|--table-s3|\.mrap)$`)
	queueName  = regexp.MustCompile(`^([A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo)$`)
	topicName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}(\.fifo)?$`)
	tableName  = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)
	keyID      = regexp.MustCompile(`^(mrk-)?[0-9a-f-]{32,36}$`)
	apiID      = regexp.MustCompile(`^[a-z0-9]{4,32}$`)
	// secretName is the last segment of a secret's ARN: AWS puts six characters behind the name.
	secretName = regexp.MustCompile(`^.+-[A-Za-z0-9]{6}$`)
)

// httpMethods are the methods of an HTTP request. $connect, which opens a web socket, is none of them: AWS asks for
// permission only when one opens.
var httpMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func shapes() map[string]shape {
	return map[string]shape{
		"s3":             bucketAndKey,
		"sqs":            named("a queue", queueName),
		"sns":            named("a topic", topicName),
		"secretsmanager": secret,
		"kms":            key,
		"dynamodb":       table,
		"execute-api":    api,
	}
}

// placed says what is wrong where an ARN does not say where its thing is.
func (a ARN) placed() string {
	if a.Region == "" || a.Account == "" {
		return "names no region or no account: write both, as AWS prints the ARN"
	}
	return ""
}

// open reports whether the last segment stands for all that lies below.
func (a ARN) open() bool { return a.Resource == "*" || strings.HasSuffix(a.Resource, "/*") }

func (a ARN) segments() []string { return strings.Split(a.Resource, "/") }

func bucketAndKey(a ARN) string {
	bucket, key, below := strings.Cut(a.Resource, "/")
	switch {
	case a.Region != "" || a.Account != "":
		return "names a region or an account, which the ARN of a bucket does not have: write arn:" + a.Partition +
			":s3:::BUCKET/FOLDER/*"
	case bucketKept.MatchString(bucket):
		return fmt.Sprintf("names %q, which is an access point or a directory bucket: a grant opens the bucket by "+
			"its own name", bucket)
	case !bucketName.MatchString(bucket), strings.Contains(bucket, ".."):
		return fmt.Sprintf("names the bucket %q, which is not a bucket's name: write 3 to 63 characters of a-z, 0-9, "+
			". and -, without a wildcard", bucket)
	case !below || key == "":
		return "names a whole bucket: write the folder too, as in " + a.String() + "/acme/*"
	}
	return ""
}

// named checks the shape of what only has a name.
func named(what string, name *regexp.Regexp) shape {
	return func(a ARN) string {
		if problem := a.placed(); problem != "" {
			return problem
		}
		if !name.MatchString(a.Resource) {
			return fmt.Sprintf("names %s %q, which is not one name: write it without a wildcard", what, a.Resource)
		}
		return ""
	}
}

func secret(a ARN) string {
	if problem := a.placed(); problem != "" {
		return problem
	}
	name, is := strings.CutPrefix(a.Resource, "secret:")
	switch {
	case !is || name == "" || name == "*":
		return "names no secret: write it as AWS prints it, as in secret:partners/acme/feed-AbCdEf"
	case !a.open() && !secretName.MatchString(name):
		return "names a secret without the six characters that AWS appends to its name: write the ARN as AWS prints " +
			"it, or secret:FOLDER/FOLDER/*"
	}
	return ""
}

func key(a ARN) string {
	if problem := a.placed(); problem != "" {
		return problem
	}
	if id, is := strings.CutPrefix(a.Resource, "key/"); !is || !keyID.MatchString(id) {
		return "names no key: write the ARN of one key as AWS prints it, with key/ and its id. IAM does not know the " +
			"aliases of keys"
	}
	return ""
}

func table(a ARN) string {
	if problem := a.placed(); problem != "" {
		return problem
	}
	s := a.segments()
	if s[0] != "table" || len(s) < 2 || !tableName.MatchString(s[1]) {
		return "names no table: write table/NAME, or table/NAME/index/NAME"
	}
	if len(s) > 2 && (len(s) != 4 || s[2] != "index") {
		return "names no table and no index: write table/NAME, table/NAME/index/NAME or table/NAME/index/*"
	}
	return ""
}

func api(a ARN) string {
	if problem := a.placed(); problem != "" {
		return problem
	}
	s := a.segments()
	if len(s) < 3 ||
		!apiID.MatchString(s[0]) ||
		s[1] == "*" ||
		!slices.Contains(httpMethods, s[2]) {
		return "names no request: write API/STAGE/METHOD/PATH, as in a1b2c3d4e5/prod/GET/orders/*, with one of " +
			strings.Join(httpMethods, ", ")
	}
	return ""
}

// targets returns the things that an ARN reaches which other ARNs reach too: the rows of a table are also in its
// indexes, and a key or a secret that was replicated is the same one in each region.
func (a ARN) targets() []access.Target {
	thing := a
	var kind string
	switch {
	case a.Service == "dynamodb":
		thing.Resource, kind = "table/"+a.segments()[1], "table"
	case a.Service == "kms" && strings.HasPrefix(a.Resource, "key/mrk-"):
		thing.Region, kind = "", "key"
	case a.Service == "secretsmanager" && !a.open():
		thing.Region, kind = "", "secret"
	default:
		return nil
	}
	written := access.Pattern(a.String())
	return []access.Target{{
		Kind: kind,
		Path: access.Pattern(thing.String()),
		Way:  func(access.Pattern) access.Pattern { return written },
	}}
}

// place returns how many segments of a pattern only name a place: where a service is not known here, its
// type of resource is one.
func (a ARN) place() int {
	_, known := shapes()[a.Service]
	if known || strings.Contains(a.segments()[0], ":") {
		return 1
	}
	return 2
}
