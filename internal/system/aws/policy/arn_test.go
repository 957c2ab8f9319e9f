// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestAnARNIsReadOnlyWhereIAMMeansWhatThePatternSays(t *testing.T) {
	const own = "arn:aws:%:eu-west-1:111122223333:"
	at := func(service, resource string) access.Pattern {
		return access.Pattern(strings.Replace(own, "%", service, 1) + resource)
	}
	for _, c := range []struct {
		says    string
		pattern access.Pattern
		refused string // a part of the reason; "" where it is read
	}{
		{"a folder of a bucket", "arn:aws:s3:::partner-exchange/acme/daily/*", ""},
		{"one object", "arn:aws:s3:::partner-exchange/acme/feed.csv", ""},
		{"a bucket as in China", "arn:aws-cn:s3:::partner-exchange/acme/*", ""},
		{"a queue", at("sqs", "acme-in.fifo"), ""},
		{"a topic", at("sns", "acme-out"), ""},
		{"a secret", at("secretsmanager", "secret:partners/acme/feed-AbCdEf"), ""},
		{"a folder of secrets", at("secretsmanager", "secret:partners/acme/*"), ""},
		{"a key", at("kms", "key/0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f"), ""},
		{"a key of several regions", at("kms", "key/mrk-0a1b2c3d0a1b2c3d4e5f0a1b2c3d4e5f"), ""},
		{"a table", at("dynamodb", "table/orders"), ""},
		{"all indexes of a table", at("dynamodb", "table/orders/index/*"), ""},
		{"requests to an API", at("execute-api", "a1b2c3d4e5/prod/GET/orders/*"), ""},
		{"what only own words know", at("lambda", "function:acme-hook"), ""},
		{"a service in one region of one account", at("ec2", ""), ""},

		{"a path of another system", "orders/acme/daily/*", "is not an ARN"},
		{"all there is", "*", "is not an ARN"},
		{"an ARN that is cut off", "arn:aws:s3", "is not an ARN"},
		{"plus, which IAM has not", "arn:aws:s3:::partner-exchange/+/daily", "contains +"},
		{"plus at the start", "+/acme/*", "is not an ARN"},
		{"a partition that is none", "arn:aws2:s3:::partner-exchange/acme/*", "partition"},
		{"capital letters in a service", "arn:aws:S3:::partner-exchange/acme/*", "lower case"},
		{"a region that is none", "arn:aws:sqs:europe:111122223333:acme", "region"},
		{"a region of another partition", "arn:aws:sqs:cn-north-1:111122223333:acme", "aws-cn"},
		{"an account that is none", "arn:aws:sqs:eu-west-1:1234:acme", "twelve digits"},
		{"a bucket of the European partition", "arn:aws-eusc:s3:::partner-exchange/acme/*", ""},
		{"a queue of the European partition", "arn:aws-eusc:sqs:eusc-de-east-1:111122223333:acme", ""},
		{"a region of the European partition in another", "arn:aws:sqs:eusc-de-east-1:111122223333:acme", "aws-eusc"},
		{"a region that is kept apart, in another partition", "arn:aws:sqs:us-iso-east-1:111122223333:acme", "aws-iso"},
		{"another one that is kept apart", "arn:aws-iso-b:sqs:us-isob-east-1:111122223333:acme", ""},
		{"a partition in capital letters", "arn:AWS:s3:::partner-exchange/acme/*", "partition"},
		{"an ARN in capital letters", "ARN:aws:s3:::partner-exchange/acme/*", "is not an ARN"},
		{"an account in other digits", "arn:aws:sqs:eu-west-1:１１１１２２２２３３３３:acme", "twelve digits"},
		{"the alias of an access point", "arn:aws:s3:::acme-abc123-s3alias/acme/*",
			"an access point or a directory bucket"},
		{"a directory bucket", "arn:aws:s3:::acme--euw1-az1--x-s3/acme/*", "an access point or a directory bucket"},
		{"a bucket with two dots", "arn:aws:s3:::partner..exchange/acme/*", "not a bucket"},
		{"an index with more behind it", at("dynamodb", "table/orders/index/day/more"), "no index"},
		{"a method in small letters", at("execute-api", "a1b2c3d4e5/prod/get/orders/*"), "no request"},
		{"a bucket with a region", "arn:aws:s3:eu-west-1::partner-exchange/acme/*", "region or an account"},
		{"an access point", "arn:aws:s3:eu-west-1:111122223333:accesspoint/acme/object/*", "region or an account"},
		{"a bucket alone", "arn:aws:s3:::partner-exchange", "whole bucket"},
		{"a bucket in capital letters", "arn:aws:s3:::Partner/acme/*", "without a wildcard"},
		{"no bucket", "arn:aws:s3:::/acme", "not a bucket"},
		{"a queue without an account", "arn:aws:sqs:eu-west-1::acme", "no region or no account"},
		{"more than a queue", at("sqs", "acme/*"), "without a wildcard"},
		{"a subscription", at("sns", "acme:0a1b2c3d"), "without a wildcard"},
		{"a secret by its name alone", at("secretsmanager", "secret:partners/acme/feed"), "six characters"},
		{"all secrets", at("secretsmanager", "*"), ""},
		{"a key by its alias", at("kms", "alias/acme"), "aliases"},
		{"all keys", at("kms", "key/*"), "one key"},
		{"all tables", at("dynamodb", "table/*"), "no table"},
		{"streams and backups of a table", at("dynamodb", "table/orders/*"), "no index"},
		{"the stream of a table", at("dynamodb", "table/orders/stream/2027"), "no index"},
		{"an API whole", at("execute-api", "a1b2c3d4e5/*"), "no request"},
		{"web sockets of an API", at("execute-api", "a1b2c3d4e5/prod/*"), "no request"},
	} {
		if _, err := access.ParsePattern(string(c.pattern)); err != nil {
			continue // no pattern of the house says so: it is refused before
		}
		a, err := parseARN(c.pattern)
		switch {
		case c.refused == "" && err != nil:
			t.Errorf("%s: %v", c.says, err)
		case c.refused == "" && a.String() != string(c.pattern):
			t.Errorf("%s: %s is read as %s", c.says, c.pattern, a)
		case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%s: %v, want an error that says %q", c.says, err, c.refused)
		}
	}
}

func TestWildcardsInsideOfNamesAreNoPatterns(t *testing.T) {
	for _, text := range []string{
		"arn:aws:s3:::*", "arn:aws:s3:::acme-*/*", "arn:aws:s3:::partner-exchange/acme/*.csv",
		"arn:aws:sqs:*:111122223333:acme", "arn:aws:s3:::b/${aws:username}/*",
		"arn:aws:s3:::partner-exchange/a?/b", "arn:aws:s3:::partner-exchange/*/daily",
		"arn:*:s3:::partner-exchange/acme/*", "arn:aws:*:::partner-exchange/acme/*",
		"arn:aws:s3:*:*:partner-exchange/acme/*", "arn:aws:sqs:eu-west-1:*:acme",
		"arn:aws:sqs:eu-west-?:111122223333:acme",
		"arn:aws:s3:::partner?exchange/acme/*", "arn:aws:s3:::partner-exchange/${*}/*",
		"arn:aws:s3:::partner-exchange/$/*", "arn:aws:s3:::partner-exchange/a%2Fb/*",
		"arn:aws:s3:::partner-exchange/ä/*",
		"arn:aws:s3:::partner-exchange/a b/*", "arn:aws:s3:::partner-exchange/acme\u200b/*",
		"arn:aws:s3:::partner-exchange/../acme/*", "arn:aws:lambda:eu-west-1:111122223333:function:acme-*",
		"arn:aws:kms:eu-west-1:111122223333:key/mrk-*",
		"arn:aws:secretsmanager:eu-west-1:111122223333:secret:partners/acme/f?ed-AbCdEf",
		"arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/*/GET/orders",
	} {
		if p, err := access.ParsePattern(text); err == nil {
			if _, err := parseARN(p); err == nil {
				t.Errorf("%s is read", text)
			}
		}
	}
}

func TestWhatGoesByTwoARNsIsOneThing(t *testing.T) {
	words := Words{}
	const here, there = ":eu-west-1:111122223333:", ":eu-central-1:111122223333:"
	for _, c := range []struct {
		one, other, does string
		same             bool
	}{
		{"dynamodb" + here + "table/orders", "dynamodb" + here + "table/orders/index/by-day", "read", true},
		{"dynamodb" + here + "table/orders", "dynamodb" + here + "table/invoices", "read", false},
		// A key of several regions is the same key in each (AWS KMS, multi-Region keys), and so is a
		// secret that was replicated.
		{"kms" + here + "key/mrk-0a1b2c3d0a1b2c3d4e5f0a1b2c3d4e5f",
			"kms" + there + "key/mrk-0a1b2c3d0a1b2c3d4e5f0a1b2c3d4e5f", "decrypt", true},
		{"kms" + here + "key/mrk-0a1b2c3d0a1b2c3d4e5f0a1b2c3d4e5f",
			"kms" + there + "key/mrk-1a1b2c3d0a1b2c3d4e5f0a1b2c3d4e5f", "decrypt", false},
		{"kms" + here + "key/0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f",
			"kms" + there + "key/0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f", "decrypt", false},
		{"secretsmanager" + here + "secret:partners/acme/feed-AbCdEf",
			"secretsmanager" + there + "secret:partners/acme/feed-AbCdEf", "read", true},
		{"secretsmanager" + here + "secret:partners/acme/feed-AbCdEf",
			"secretsmanager" + there + "secret:partners/acme/feed-ZbCdEf", "read", false},
		// nobody can tell
		{"secretsmanager" + here + "secret:partners/acme/*", "secretsmanager" + there + "secret:partners/acme/*",
			"read", false},
	} {
		targets := func(arn string) []access.Target {
			return words.Reach(access.Pattern("arn:aws:"+arn), []string{c.does}).Targets
		}
		same := false
		for _, one := range targets(c.one) {
			for _, other := range targets(c.other) {
				same = same || (one.Kind == other.Kind && one.Path.Overlaps(other.Path))
			}
		}
		if same != c.same {
			t.Errorf("%s and %s: one thing: %v", c.one, c.other, same)
		}
	}
}
