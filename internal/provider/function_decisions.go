// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/worksheet"
)

// The functions that read filled worksheets. A function asks nobody, so it decides only what can be told from the
// sheets and the rows of today; whether a decision still fits the access, and whether a signature counts, the rules say
// (review/void, and the floor). A result of a function is only a value that anybody could write.

// decisionsFunction is decisions(sheets, today, mistakes...).
type decisionsFunction struct{}

// mistakesFunction is worksheet_mistakes(sheets, today).
type mistakesFunction struct{}

func newDecisions() function.Function { return decisionsFunction{} }

func newWorksheetMistakes() function.Function { return mistakesFunction{} }

type (
	// heldToday is what a decision is compared with: a row of partner_review_worksheet.
	heldToday struct {
		ID         types.String `tfsdk:"id"`
		Access     types.String `tfsdk:"access"`
		ReviewedAt types.String `tfsdk:"reviewed_at"`
	}
	// decided is a decision, which review takes as it is.
	decided struct {
		Decision  types.String `tfsdk:"decision"`
		Until     types.String `tfsdk:"until"`
		At        types.String `tfsdk:"at"`
		By        types.String `tfsdk:"by"`
		Reason    types.String `tfsdk:"reason"`
		Access    types.String `tfsdk:"access"`
		Signature types.String `tfsdk:"signature"`
	}
)

var decidedType = types.ObjectType{AttrTypes: textTypes("decision", "until", "at", "by", "reason", "access",
	"signature")}

// sheetParameters returns the parameters that both functions have. The first takes any type: a signature may be left
// out, which no type of an argument can say.
func sheetParameters() []function.Parameter {
	return []function.Parameter{
		function.DynamicParameter{
			Name: "sheets",
			MarkdownDescription: "The filled worksheets by file name: `{ csv, by, at }`, with the text (`file(...)`, " +
				"or `filebase64(...)` whatever its character set), who filled it in, and when (an RFC 3339 moment); " +
				"and `signature` if it is signed. The provider's `worksheets` takes the same map.",
		},
		function.ListParameter{
			Name: "today", ElementType: types.ObjectType{AttrTypes: textTypes("id", "access", "reviewed_at")},
			AllowNullValue: true,
			MarkdownDescription: "What partners hold today: `data.partner_review_worksheet.NAME.rows` without " +
				"`due_within`. A decision is void if its access has changed since. With `null`, the resources find " +
				"that out, and refuse it.",
		},
	}
}

// sheetsOf reads the first argument, sorted by file: any map or object of objects. What is not one is said in words,
// since an argument of any type has no other check.
func sheetsOf(given types.Dynamic) (all []worksheet.Sheet, problem string) {
	elements, ok := partsOf(given.UnderlyingValue())
	if !ok {
		return nil, "This is not a map: write { \"FILE.csv\" = { csv, by, at } }."
	}
	for _, file := range slices.Sorted(maps.Keys(elements)) {
		fields, ok := partsOf(elements[file])
		if !ok {
			return nil, fmt.Sprintf("%s is not an object: write { csv, by, at }.", file)
		}
		s := worksheet.Sheet{File: file}
		for _, f := range []struct {
			name     string
			to       *string
			optional bool
		}{{"csv", &s.CSV, false}, {"by", &s.By, false}, {"at", &s.At, false}, {"signature", &s.Signature, true}} {
			text, ok := textOf(fields[f.name])
			if !ok && !f.optional {
				return nil, fmt.Sprintf("%s has no %s, or it is not a string: write { csv, by, at }.", file, f.name)
			}
			*f.to = text
		}
		all = append(all, s)
	}
	return all, ""
}

// partsOf returns what a map or an object holds; not ok if it is null, or neither.
func partsOf(v attr.Value) (map[string]attr.Value, bool) {
	switch v := v.(type) {
	case types.Object:
		return v.Attributes(), !v.IsNull()
	case types.Map:
		return v.Elements(), !v.IsNull()
	case types.Dynamic:
		return partsOf(v.UnderlyingValue())
	}
	return nil, false
}

// textOf returns a text; not ok if it is null, or none.
func textOf(v attr.Value) (string, bool) {
	switch v := v.(type) {
	case types.String:
		return v.ValueString(), !v.IsNull()
	case types.Dynamic:
		return textOf(v.UnderlyingValue())
	}
	return "", false
}

func (decisionsFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "decisions"
}

// Definition says what it takes. "skip" is a text, and no truth, so that a call says what it does with mistakes.
func (decisionsFunction) Definition(_ context.Context, _ function.DefinitionRequest,
	resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "What was decided in filled worksheets",
		MarkdownDescription: "The decisions in filled worksheets, by id: `{ decision, until, at, by, reason, access, " +
			"signature }`, which a resource's `review` takes as it is. `decision` is `keep`, `narrow` or `end`. A " +
			"blank row is no decision: nothing is extended, and the access ends when it does. Spreadsheets may " +
			"change separators, line ends, the order of columns and the form of dates; a date is its first moment in " +
			"UTC. What is unreadable, or could mean two things, is an error that names file, row and column, for all " +
			"rows at once. With `\"skip\"` as the last argument, such rows are left out: `worksheet_mistakes` " +
			"returns them. Needs Terraform 1.8 or OpenTofu 1.7.",
		Parameters: sheetParameters(),
		VariadicParameter: function.StringParameter{Name: "mistakes",
			MarkdownDescription: "`skip` leaves out the rows that have mistakes. Default: they are an error."},
		Return: function.MapReturn{ElementType: decidedType},
	}
}

// Run returns the decisions by id. All mistakes of all sheets are one error, so that whoever corrects them does it
// once. See TestDecisionsNameEveryMistakeAtOnce.
func (decisionsFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var sheets types.Dynamic
	var today *[]heldToday
	var mistakes []string
	if resp.Error = req.Arguments.Get(ctx, &sheets, &today, &mistakes); resp.Error != nil {
		return
	}
	if len(mistakes) > 1 || (len(mistakes) == 1 && mistakes[0] != "skip") {
		resp.Error = function.NewArgumentFuncError(2, "Write \"skip\", or leave it out.")
		return
	}
	all, problem := sheetsOf(sheets)
	if problem != "" {
		resp.Error = function.NewArgumentFuncError(0, problem)
		return
	}
	decisions, wrong := readSheets(all, today)
	if len(wrong) > 0 && len(mistakes) == 0 {
		resp.Error = function.NewArgumentFuncError(0,
			fmt.Sprintf("%d mistakes in the filled worksheets:\n%s\nCorrect them there, or pass \"skip\" as the last "+
				"argument: these rows then decide nothing.", len(wrong), strings.Join(wrong, "\n")))
		return
	}
	out := map[string]decided{}
	for id, r := range decisions {
		out[id] = decided{
			Decision: types.StringValue(string(r.Decision)), Until: momentValue(r.Until), At: momentValue(r.At),
			By:     types.StringValue(r.By),
			Reason: types.StringValue(r.Reason), Access: types.StringValue(r.Access),
			Signature: optionalText(r.Signature),
		}
	}
	resp.Error = resp.Result.Set(ctx, out)
}

func (mistakesFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "worksheet_mistakes"
}

// Definition says what it takes: what decisions takes, so that one local serves both.
func (mistakesFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "What cannot be taken of filled worksheets",
		MarkdownDescription: "What the function `decisions` leaves out with `\"skip\"`, a sentence each, with file, " +
			"row and column: for a `check`, which warns of it in each plan, or to send back to whoever filled it in. " +
			"Needs Terraform 1.8 or OpenTofu 1.7.",
		Parameters: sheetParameters(),
		Return:     function.ListReturn{ElementType: types.StringType},
	}
}

// Run returns the mistakes, an empty list if there are none.
func (mistakesFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var sheets types.Dynamic
	var today *[]heldToday
	if resp.Error = req.Arguments.Get(ctx, &sheets, &today); resp.Error != nil {
		return
	}
	all, problem := sheetsOf(sheets)
	if problem != "" {
		resp.Error = function.NewArgumentFuncError(0, problem)
		return
	}
	_, wrong := readSheets(all, today)
	resp.Error = resp.Result.Set(ctx, wrong)
}

// readSheets returns what was decided, and the mistakes in words. Without today (nil), nothing is compared with the
// access as it is now: the resources do that.
func readSheets(all []worksheet.Sheet, today *[]heldToday) (map[string]access.Review, []string) {
	var now []worksheet.Now
	if today != nil {
		now = []worksheet.Now{}
		for _, h := range *today {
			now = append(now, worksheet.Now{
				ID:         h.ID.ValueString(),
				Access:     h.Access.ValueString(),
				ReviewedAt: timeOf(h.ReviewedAt),
			})
		}
	}
	decisions, mistakes := worksheet.Read(all, now)
	wrong := []string{} // none is an empty list
	for _, m := range mistakes {
		wrong = append(wrong, m.String())
	}
	return decisions, wrong
}
