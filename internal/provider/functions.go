// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// The small functions. They need neither a system nor a configured provider, and Terraform calls them with known values
// only, so each is a parser of the language and a line.

// coversFunction is covers(outer, inner).
type coversFunction struct{}

func newCovers() function.Function { return coversFunction{} }

func (coversFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "covers"
}

// Definition says what it takes. Both are texts: a pattern has no type in Terraform.
func (coversFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Whether one pattern covers another",
		MarkdownDescription: "Whether the pattern `outer` covers every path of `inner`: `covers(\"orders/acme/*\", " +
			"\"orders/acme/daily/+\")` is true. `*` stands for one segment or more, so `a/*` does not cover `a`.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "outer", MarkdownDescription: "The pattern that should cover."},
			function.StringParameter{Name: "inner", MarkdownDescription: "The pattern that should be covered."},
		},
		Return: function.BoolReturn{},
	}
}

// Run compares two patterns, exactly.
func (coversFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var outer, inner string
	if resp.Error = req.Arguments.Get(ctx, &outer, &inner); resp.Error != nil {
		return
	}
	var patterns [2]access.Pattern
	for i, text := range []string{outer, inner} {
		p, err := access.ParsePattern(text)
		if err != nil {
			resp.Error = function.NewArgumentFuncError(int64(i), sentence(err)+".")
			return
		}
		patterns[i] = p
	}
	resp.Error = resp.Result.Set(ctx, patterns[0].Contains(patterns[1]))
}

// earliestFunction is earliest(times...).
type earliestFunction struct{}

func newEarliest() function.Function { return earliestFunction{} }

func (earliestFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "earliest"
}

// Definition says what it takes. Null is allowed, for an agreement or a parent that a module may not have.
func (earliestFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The earliest of several moments",
		MarkdownDescription: "The earliest of several RFC 3339 moments, as it was written: for an `expires_at` that " +
			"ends with the first of several things. Nulls do not count.",
		VariadicParameter: function.StringParameter{
			Name:                "times",
			AllowNullValue:      true,
			MarkdownDescription: "RFC 3339 moments, at least one.",
		},
		Return: function.StringReturn{},
	}
}

// Run returns the earliest moment as it was written, so that the plan shows what somebody wrote. Without any moment
// there is no end, which is an error and not null: nothing here is indefinite.
func (earliestFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var given []types.String
	if resp.Error = req.Arguments.Get(ctx, &given); resp.Error != nil {
		return
	}
	var first access.Moment
	for i, v := range given {
		if v.IsNull() {
			continue
		}
		m, err := access.ParseMoment(v.ValueString())
		if err != nil {
			resp.Error = function.NewArgumentFuncError(int64(i), sentence(err)+".")
			return
		}
		if first.IsZero() || m.Before(first.Time) {
			first = m
		}
	}
	if first.IsZero() {
		resp.Error = function.NewFuncError("Give at least one moment that is not null: without one there is no end.")
		return
	}
	resp.Error = resp.Result.Set(ctx, first.String())
}

// explainFunction is explain(slug).
type explainFunction struct{}

func newExplain() function.Function { return explainFunction{} }

func (explainFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "explain"
}

// Definition says what it takes.
func (explainFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "What a rule refuses, why, and what to write instead",
		MarkdownDescription: "What a rule of the catalogue refuses, why, what to write instead, and the controls " +
			"that it serves: `explain(\"expiry/too-long\")`.",
		Parameters: []function.Parameter{function.StringParameter{Name: "slug",
			MarkdownDescription: "The rule's slug, such as `expiry/too-long`."}},
		Return: function.StringReturn{},
	}
}

// Run returns the text of a rule of the catalogue, whatever level a configuration gives it.
func (explainFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var slug string
	if resp.Error = req.Arguments.Get(ctx, &slug); resp.Error != nil {
		return
	}
	rule, ok := guardrail.Lookup(slug)
	if !ok {
		resp.Error = function.NewArgumentFuncError(0,
			fmt.Sprintf("%q is no rule. The rules: %s.", slug, strings.Join(slugs(), ", ")))
		return
	}
	resp.Error = resp.Result.Set(ctx, explanation(rule))
}

// explanation returns a rule in words: "expiry/too-long (deny): Title. Why. Remedy. Controls: ...".
func explanation(r guardrail.Rule) string {
	level := r.Level.String()
	if r.Fixed {
		level += ", fixed"
	}
	controls := make([]string, 0, len(r.Controls))
	for _, c := range r.Controls {
		controls = append(controls, string(c))
	}
	return fmt.Sprintf("%s (%s): %s. %s %s Controls: %s.", r.Slug, level, r.Title, r.Why, r.Remedy,
		strings.Join(controls, ", "))
}

// slugs returns the names of all rules, for the error.
func slugs() (all []string) {
	for _, r := range guardrail.Catalogue() {
		all = append(all, r.Slug)
	}
	return all
}
