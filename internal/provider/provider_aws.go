// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/objectvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
)

// awsBlock returns AWS as a system that a configuration can name.
func awsBlock() systemBlock {
	return systemBlock{
		name: "aws", title: "AWS", schema: awsAttribute(), shared: true,
		is:   func(m *providerModel) bool { return !m.AWS.IsNull() },
		open: openAWS,
	}
}

// awsAttribute returns the schema of the aws block. The validators are the system's own checks, so that what cannot be
// is refused by validate, and not by the first creation.
func awsAttribute() schema.Attribute {
	text := func(what string, check func(string) error, description string) schema.Attribute {
		return schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: description,
			Validators:          []validator.String{unlessEmpty(what, check)},
		}
	}
	const endpoint = "an endpoint"
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "An AWS account, in place of the embedded system: partners use IAM roles and users, and " +
			"IAM ends their access. Needs `stack`. The provider logs in as AWS's own programs do: from the " +
			"environment, a profile, or the machine's role. See the guide to AWS.",
		Validators: []validator.Object{objectvalidator.ConflictsWith(path.MatchRoot("embedded"),
			path.MatchRoot("openbao"))},
		Attributes: map[string]schema.Attribute{
			"region": text("a region", aws.CheckRegion,
				"The region of the ledger's bucket, and the one that partners use: `eu-west-1`. Default: "+
					"`AWS_REGION`, else `AWS_DEFAULT_REGION`."),
			"ledger": text("the place of a ledger", aws.CheckLedger,
				"Where the ledger is: `s3://bucket/prefix`. The bucket must exist. Default: `PARTNER_AWS_LEDGER`. "+
					"Nothing in it is secret except what is sealed to partners."),
			"boundary": text("a permissions boundary", aws.CheckBoundary,
				"The ARN of the permissions boundary of every role and user that is made. Default: "+
					"`PARTNER_AWS_BOUNDARY`, else none."),
			"actions": schema.MapAttribute{
				Optional: true, ElementType: types.ListType{ElemType: types.StringType},
				MarkdownDescription: "Actions of your own for grants, each with the IAM actions that it stands for: " +
					"`{ observe = [\"ec2:DescribeInstances\"] }`.",
			},
			"endpoints": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "Endpoints of another cloud that speaks as AWS does.",
				Attributes: map[string]schema.Attribute{
					"iam": text(endpoint, aws.CheckEndpoint, "The URL of IAM."),
					"sts": text(endpoint, aws.CheckEndpoint,
						"The URL of STS. With `iam` and without `sts`, the provider does not ask which account it is."),
					"s3": text(endpoint, aws.CheckEndpoint,
						"The URL of S3; the bucket is the first part of the path."),
				},
			},
		},
	}
}

const (
	ledgerVariable   = "PARTNER_AWS_LEDGER"
	boundaryVariable = "PARTNER_AWS_BOUNDARY"
)

// openAWS reads the block and the environment, and opens the system; it asks no server. A mistake is said without a
// path: with one, the CLI would print what stands there, such as a password in an endpoint.
func openAWS(p *partnerProvider, m *providerModel, _ opening, diags *diag.Diagnostics) (opened, bool) {
	r := &reader{}
	v := r.object("aws", m.AWS)
	o := aws.Options{
		Region:    cmp.Or(r.text("aws", v["region"]), firstEnv("AWS_REGION", "AWS_DEFAULT_REGION")),
		Ledger:    cmp.Or(r.text("aws", v["ledger"]), os.Getenv(ledgerVariable)),
		Boundary:  cmp.Or(r.text("aws", v["boundary"]), os.Getenv(boundaryVariable)),
		UserAgent: "terraform-provider-partner/" + p.version, Fresh: oneWalk,
	}
	if e := r.object("aws", v["endpoints"]); e != nil {
		o.Endpoints = aws.Endpoints{
			IAM: r.text("aws", e["iam"]),
			STS: r.text("aws", e["sts"]),
			S3:  r.text("aws", e["s3"]),
		}
	}
	o.Authorities = r.awsAuthorities()
	// the words of aws.actions, which policy.NewWords judges by the names of their actions
	own := map[string][]string{}
	for word, actions := range r.elements("aws", v["actions"].(types.Map)) {
		own[word] = r.list("aws", actions)
	}
	var err error
	if o.Words, err = policy.NewWords(o.Region, own); err != nil {
		r.faults = append(r.faults, fault{"aws", err})
	}
	var system *aws.System
	if len(r.faults) == 0 {
		if system, err = aws.Open(o); err != nil {
			r.faults = append(r.faults, fault{"aws", err})
		}
	}
	for _, f := range r.faults {
		diags.AddError("Invalid aws configuration", sentence(f.err)+".")
	}
	return opened{system: system, enter: func(ctx context.Context, diags *diag.Diagnostics) bool {
		return enterAWS(ctx, system, diags)
	}}, len(r.faults) == 0
}

// awsAuthorities returns the certificates by which AWS is known behind a proxy that looks into TLS, from where AWS's
// own programs have them (AWS_CA_BUNDLE); nil if that is not set.
func (r *reader) awsAuthorities() []byte {
	const variable = "AWS_CA_BUNDLE"
	path := os.Getenv(variable)
	if path == "" {
		return nil
	}
	pem, err := os.ReadFile(path)
	if err == nil && !holdsCertificate(pem) {
		err = errNoCertificate
	}
	if err != nil {
		r.faults = append(r.faults, fault{"aws", fmt.Errorf("the file of %s: %w", variable, err)})
	}
	return pem
}

// ledgerLook is for how long the ledger may take to answer for the first time: one small request, whatever it holds. It
// is not for reading the ledger: when it was, a large one far away could not be reached, and a destroy stopped. See
// TestOnlyTheFirstAnswerOfALedgerIsLimited.
const ledgerLook = 10 * time.Second

// enterAWS looks at the account and the ledger before any resource does, so that a way that does not lead there is one
// error and not one for each resource. That there is no system yet is no error.
func enterAWS(ctx context.Context, system *aws.System, diags *diag.Diagnostics) bool {
	// first which account this is, then whether the ledger answers at all, and last whether a system is there
	err := system.Enter(ctx)
	if err == nil {
		limited, cancel := context.WithTimeout(ctx, ledgerLook)
		_, err = system.Now(limited)
		cancel()
	}
	if err == nil {
		_, err = system.ID(ctx)
	}
	if err == nil || errors.Is(err, access.ErrNoSystem) {
		return true
	}
	where := system.Capabilities().Place
	summary := "AWS cannot be used: " + where
	switch {
	case errors.Is(err, access.ErrLogin):
		summary = "AWS refuses this login"
	case errors.Is(err, access.ErrUnavailable):
		summary = "The ledger cannot be reached: " + where
	}
	diags.AddError(summary, fmt.Sprintf("%s. Nothing was read or changed.", strings.TrimSuffix(sentence(err), ".")))
	return false
}
