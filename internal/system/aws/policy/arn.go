// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A grant's pattern is an ARN on AWS. This file reads it, and refuses what IAM would read as more than the pattern
// says. So two grants can be compared as patterns, and what the rules say of their overlap is true in IAM.

// ARN is the name of what a grant opens, as AWS writes it: arn:aws:s3:::partner-exchange/acme/daily/*. It is canonical:
// if two ARNs share a thing of AWS, their patterns overlap. What is the same thing under two ARNs has a Target besides.
type ARN struct {
	// Region and Account are "" if the service has none in its ARNs, as S3.
	Partition, Service, Region, Account string
	// Resource is what follows the account; "" for a whole service, which only own words may have. Its last segment may
	// be "*", for all that lies below.
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
//
// A wildcard inside of a segment, ? and ${ do not come here: access.Pattern has none of them
// (TestWildcardsInsideOfNamesAreNoPatterns).
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

// shape says what is wrong with the ARN of one service, as the end of a sentence that begins with the ARN; "" if
// nothing is.
type shape func(ARN) string

var (
	// The names as each service documents them (naming rules of buckets, CreateQueue, CreateTopic, CreateTable, key
	// ids). None of them takes a wildcard, so what has one is no name.
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	// bucketKept are the ends of names that S3 keeps for what is no bucket that its own ARN opens: access points,
	// directory buckets and buckets of tables (Amazon S3 User Guide, general purpose bucket naming rules).
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
// permission only when one opens, so nothing would end it.
var httpMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// shapes returns the services whose ARNs are known here, by what each has to be. Others are for own words only, and
// their resources are taken as they are written.
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

// placed says what is wrong if an ARN does not say where its thing is. The ARNs of the services that ask for this
// always have both.
func (a ARN) placed() string {
	if a.Region == "" || a.Account == "" {
		return "names no region or no account: write both, as AWS prints the ARN"
	}
	return ""
}

// open reports whether the last segment stands for all that lies below.
func (a ARN) open() bool { return a.Resource == "*" || strings.HasSuffix(a.Resource, "/*") }

// segments returns the parts of the resource: "table/orders/index/*" is ["table" "orders" "index" "*"].
func (a ARN) segments() []string { return strings.Split(a.Resource, "/") }

// bucketAndKey is the shape of S3: a folder of a bucket, or one object. A whole bucket is refused: everything in it
// would be one partner's.
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

// named returns the shape of what only has a name, such as a queue.
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

// secret is the shape of Secrets Manager. AWS puts a hyphen and six characters behind each name, so a secret that is
// made again under its name has another ARN. Without them, IAM would match no secret.
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

// key is the shape of KMS. IAM compares the id of a key, and never an alias (AWS KMS, controlling access with aliases).
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

// table is the shape of DynamoDB: a table, one index of it, or all of them. Streams and backups have ARNs below the
// table's, so that "table/orders/*" would be more than it seems.
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

// api is the shape of API Gateway: API/STAGE/METHOD/PATH. The stage and the method are named: what is open there
// includes $connect.
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
// indexes, and a key or a secret that was replicated is the same one in each region. Two partners used one key that
// way, unseen by scope/foreign-partner (TestWhatGoesByTwoARNsIsOneThing).
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

// place returns how many segments of a pattern only name a place, so that a pattern which is open after them is a whole
// place and not a part of one. If a service is not known here, its type of resource is a segment of its own
// ("function/acme").
func (a ARN) place() int {
	_, known := shapes()[a.Service]
	if known || strings.Contains(a.segments()[0], ":") {
		return 1
	}
	return 2
}
