// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// verifyJournalFunction is verify_journal(text, head...).
type verifyJournalFunction struct{}

func newVerifyJournal() function.Function { return verifyJournalFunction{} }

func (verifyJournalFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "verify_journal"
}

// Definition returns what it takes and returns. A chain cannot show what was cut off its end, so the head is a second
// argument.
func (verifyJournalFunction) Definition(_ context.Context, _ function.DefinitionRequest,
	resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Whether a journal is whole",
		MarkdownDescription: "Whether no line of a journal was changed, dropped or moved: an object with `ok`, " +
			"`lines` (how many are right, from the first on) and `problem` (which line is wrong, and how; empty if " +
			"`ok`). Only with the text of the head, the file next to the journal, does it see that lines are missing " +
			"at the end: `verify_journal(file(\"journal.jsonl\"), file(\"journal.jsonl.head\"))`.",
		Parameters: []function.Parameter{function.StringParameter{Name: "text",
			MarkdownDescription: "The journal."}},
		VariadicParameter: function.StringParameter{Name: "head", MarkdownDescription: "The text of its head."},
		Return: function.ObjectReturn{AttributeTypes: map[string]attr.Type{
			"ok":      types.BoolType,
			"lines":   types.Int64Type,
			"problem": types.StringType,
		}},
	}
}

// Run verifies the chain, and against the head if one is given. A broken chain is a result and no error, so that a
// check can say it.
func (verifyJournalFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	var heads []string
	if resp.Error = req.Arguments.Get(ctx, &text, &heads); resp.Error != nil {
		return
	}
	if len(heads) > 1 {
		resp.Error = function.NewArgumentFuncError(2, "A journal has one head.")
		return
	}
	var head *journal.Head
	for _, h := range heads {
		parsed, err := journal.ParseHead(h)
		if err != nil {
			resp.Error = function.NewArgumentFuncError(1, sentence(err)+".")
			return
		}
		head = &parsed
	}
	v, err := journal.Verify(strings.NewReader(text), head)
	if err != nil {
		resp.Error = function.NewFuncError(sentence(err) + ".")
		return
	}
	resp.Error = resp.Result.Set(ctx, struct {
		OK      bool   `tfsdk:"ok"`
		Lines   int64  `tfsdk:"lines"`
		Problem string `tfsdk:"problem"`
	}{v.Problem == "", v.Lines, v.Problem})
}
