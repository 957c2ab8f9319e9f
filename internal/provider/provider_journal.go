// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// journalAttribute returns the schema of the journal block.
func journalAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "The journal: who changed which access, from what to what, when, and how soon a " +
			"revocation was seen to hold. Nothing is changed that it cannot record first. See the guide to " +
			"the journal.",
		Attributes: map[string]schema.Attribute{
			"path": schema.StringAttribute{
				Required: true, Validators: []validator.String{filePath()},
				MarkdownDescription: "The journal's file. Default: `PARTNER_JOURNAL_PATH`, else `journal.jsonl` in " +
					"the embedded system's directory; OpenBao and AWS need one of the two. Several configurations on " +
					"one machine may share a file.",
			},
		},
	}
}

// requireJournal refuses a configuration of a shared system without a journal: there is no directory that it would
// belong in. It is asked at validate, where a path that is not known yet counts as given.
func (m *providerModel) requireJournal(system string, diags *diag.Diagnostics) {
	if m.Journal.IsNull() && os.Getenv(journalVariable) == "" {
		diags.AddAttributeError(path.Root("journal"), system+" needs a journal",
			"The provider records every change of partner access in a file outside "+system+
				". Name that file, on a disk that outlives the run: write "+
				"journal = { path = \"journal.jsonl\" }, or set "+journalVariable+".")
	}
}

// journal returns the journal: where the configuration says, else the variable, else in the directory of the embedded
// system. It is opened by its first line, so a plan makes no file.
func (m *providerModel) journal(clock access.Clock, directory string, diags *diag.Diagnostics) (*journal.Journal,
	bool) {
	file := filepath.Join(directory, "journal.jsonl")
	if v := (&reader{}).object("journal", m.Journal); v != nil {
		file = (&reader{}).text("journal", v["path"])
	} else if text := os.Getenv(journalVariable); text != "" {
		file = text
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		diags.AddAttributeError(path.Root("journal"), "Not a file", fmt.Sprintf("%s: %s.", file, sentence(err)))
		return nil, false
	}
	o := journal.Options{Clock: clock}
	if directory != "" && strings.HasPrefix(absolute, directory+string(filepath.Separator)) {
		o.DirMode = gatewaysRead
	}
	return journal.Open(absolute, o), true
}

// gatewaysRead is the mode of the embedded system's directory, which the journal's first line may have to make:
// gateways with users of their own read publish/ in it.
const gatewaysRead = fs.FileMode(0o755)

// journaled returns a system whose changes are recorded: the intent before each, the outcome after it (journal.Govern).
// A change whose intent cannot be written is not made.
func journaled(system access.System, j *journal.Journal, stack string, clock access.Clock) access.System {
	return journal.Govern(system, j, journal.Desk{
		Stack: stack, Clock: clock, Actor: func() journal.Actor { return journal.CurrentActor(lookUp) },
		Warn: func(ctx context.Context, summary, detail string) {
			if diags, ok := ctx.Value(warningsKey{}).(*diag.Diagnostics); ok {
				diags.AddWarning(summary, detail)
			}
		},
	})
}

// lookUp reads a variable for the journal, but for one that holds a private key: the journal keeps who ran a pipeline
// from the CI system's variables, for years.
func lookUp(name string) (string, bool) {
	text, set := os.LookupEnv(name)
	if material.HoldsPrivateKey(text) {
		return "", false
	}
	return text, set
}

// warningsKey is under what the diagnostics of a resource are in the context of its change.
type warningsKey struct{}

// warned lets what the journal has to say about a change reach the diagnostics of its resource. It is no error: with
// one, Terraform would not keep what was issued. See TestAJournalThatFailsAfterTheChangeLosesNoSecret.
func warned(ctx context.Context, diags *diag.Diagnostics) context.Context {
	return context.WithValue(ctx, warningsKey{}, diags)
}
