// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Who may write where the ledger is declares access, and who may read there knows all partners.
func TestAGrantNeverOpensTheLedger(t *testing.T) {
	s, err := Open(Options{Region: "eu-west-1", Ledger: "s3://ledger/access/prod"})
	if err != nil {
		t.Fatal(err)
	}
	for pattern, refused := range map[access.Pattern]bool{
		"arn:aws:s3:::ledger/*": true, "arn:aws:s3:::ledger/access/*": true, "arn:aws:s3:::ledger/access/prod/*": true,
		"arn:aws:s3:::ledger/access/prod/identities/acme/prod/etl.json": true,
		"arn:aws:s3:::ledger/access/prod.floor/*":                       true,
		"arn:aws:s3:::ledger/access/prod.floor/floor.json":              true,
		"arn:aws:s3:::ledger/access/product/*":                          false,
		"arn:aws:s3:::ledger/exchange/acme/*":                           false,
		"arn:aws:s3:::ledger2/access/prod/*":                            false,
	} {
		if r := s.Capabilities().Reach(pattern, []string{"read"}); (r.System != "") != refused {
			t.Errorf("%s: %q", pattern, r.System)
		}
	}
}

// What is wrong with the provider's configuration is told by the argument, and a password in it is not repeated.
func TestOptionsThatCannotBeAreTold(t *testing.T) {
	fine := Options{
		Region: "eu-west-1", Ledger: "s3://ledger/prod", Boundary: "arn:aws:iam::123456789012:policy/company/Boundary",
		Endpoints: Endpoints{IAM: "http://127.0.0.1:9000", S3: "https://s3.example.test/"},
	}
	for name, c := range map[string]struct {
		edit func(*Options)
		says string
	}{
		"nothing": {func(*Options) {}, ""},
		"a boundary of AWS's": {func(o *Options) {
			o.Boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
		}, ""},
		"another cloud's region": {func(o *Options) { o.Region = "garage" }, ""},
		"no ledger":              {func(o *Options) { o.Ledger = "" }, "aws.ledger is missing"},
		"no region":              {func(o *Options) { o.Region = "" }, "aws.region is missing"},
		"a bucket alone": {func(o *Options) { o.Ledger = "s3://ledger" },
			`aws.ledger: "s3://ledger" is not the place of a ledger`},
		"where a floor is": {func(o *Options) { o.Ledger = "s3://ledger/prod.floor" },
			"where another ledger keeps its floor"},
		"an availability zone": {func(o *Options) { o.Region = "eu-west-1a" },
			"write its region, eu-west-1"},
		"an availability zone of GovCloud": {func(o *Options) { o.Region = "us-gov-west-1b" },
			"write its region, us-gov-west-1"},
		"a region in capitals": {func(o *Options) { o.Region = "EU-WEST-1" },
			`aws.region: "EU-WEST-1" is not a region`},
		"a role as boundary": {func(o *Options) { o.Boundary = "arn:aws:iam::123456789012:role/x" },
			"aws.boundary: "},
		"a boundary by its name": {func(o *Options) { o.Boundary = "Boundary" },
			"write arn:aws:iam::ACCOUNT:policy/NAME"},
		"a boundary of China": {func(o *Options) { o.Boundary = "arn:aws-cn:iam::123456789012:policy/x" },
			"in another partition than eu-west-1"},
		"an endpoint without its scheme": {func(o *Options) { o.Endpoints.S3 = "127.0.0.1:9000" },
			"aws.endpoints.s3: "},
		"an endpoint in the clear": {func(o *Options) { o.Endpoints.STS = "http://sts.example.test" },
			"http:// on this machine only"},
		"an endpoint with a port too high": {func(o *Options) { o.Endpoints.IAM = "http://127.0.0.1:99999" },
			"ports are 1 to 65535"},
		"an endpoint with a password": {func(o *Options) {
			o.Endpoints.IAM = "https://jane:hunter2@iam.example.test"
		}, "aws.endpoints.iam: it contains a user"},
	} {
		o := fine
		c.edit(&o)
		err := o.Check()
		if (c.says == "" && err != nil) || (c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says))) {
			t.Errorf("%s: %v, want it to say %q", name, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the password is in the message: %v", name, err)
		}
	}
}
