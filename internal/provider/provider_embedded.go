// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded"
)

// embeddedBlock returns the embedded system as one that a configuration can name.
func embeddedBlock() systemBlock {
	return systemBlock{
		name: "embedded", title: "the embedded system", schema: embeddedAttribute(),
		is:   func(m *providerModel) bool { return !m.Embedded.IsNull() },
		open: openEmbeddedBlock,
	}
}

// embeddedAttribute returns the schema of the embedded block.
func embeddedAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The embedded system: one directory, no server. It is the default.",
		Attributes: map[string]schema.Attribute{
			"directory": schema.StringAttribute{
				Optional: true, Validators: []validator.String{filePath()},
				MarkdownDescription: "Where it is. Default: `PARTNER_EMBEDDED_DIRECTORY`, else " +
					"`.partner/ENVIRONMENT` below the working directory.",
			},
			"use_logs": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				Validators: []validator.List{listvalidator.ValueStringsAre(filePath())},
				MarkdownDescription: "Files (with `*` and `?` for several) in which gateways log whom they let in, " +
					"one JSON object per line: `{\"time\": ..., \"identity\": ..., \"kind\": ..., \"admitted\": " +
					"true}`, or OPA's decision log of `data.partner.verdict`. Without them, nobody knows when access " +
					"was last used.",
			},
			"sshd_time_zone": schema.StringAttribute{
				Optional: true, Validators: []validator.String{timeZone()},
				MarkdownDescription: "The time zone that the gateways' sshd runs in, such as `UTC` or " +
					"`Europe/Berlin`. Set it if one of them is older than OpenSSH 9.1, which reads ends only in its " +
					"own zone; all of them must then run in this zone.",
			},
			"publication_life": schema.StringAttribute{
				Optional: true, Validators: []validator.String{span(),
					parses("a duration up to 8784h", parsePublicationLife)},
				MarkdownDescription: "How long a publication is valid: nginx and OPA refuse everybody if they have " +
					"an older one. Every apply, and every plan in the second half of that time, publishes anew. " +
					"Default `4320h` (180 days), at most `8784h`.",
			},
		},
	}
}

// openEmbedded opens the embedded system in a directory. Tests put another one in its place.
type openEmbedded func(directory string, o embedded.Options) access.System

// openDirectory opens the embedded system itself. It reads nothing: the first call that needs the directory does.
func openDirectory(directory string, o embedded.Options) access.System {
	return embedded.Open(directory, o)
}

// openEmbeddedBlock reads the block and the environment, and opens the system. A generation is accepted by a variable,
// and by no argument: an older ledger is accepted once, by somebody who looks, and not by each later run.
func openEmbeddedBlock(p *partnerProvider, m *providerModel, a opening, diags *diag.Diagnostics) (o opened, ok bool) {
	options := embedded.Options{
		Clock: p.clock, Environment: m.Environment.ValueString(), Passphrase: os.Getenv(passphraseVariable),
		Command:    "terraform-provider-partner " + p.version,
		Remembered: a.remembered,
	}
	// it names one generation, so it cannot accept an older one that somebody puts there later
	if text := os.Getenv(embedded.AcceptVariable); text != "" {
		var err error
		if options.Accept, err = strconv.ParseInt(text, 10, 64); err != nil || options.Accept < 1 {
			diags.AddError("Not a generation",
				embedded.AcceptVariable+" is the number of the generation of a ledger that was put back, such as 17.")
			return o, false
		}
	}
	if o.directory, ok = m.embedded(&options, diags); ok {
		o.system = p.open(o.directory, options)
	}
	return o, ok
}

// embedded returns where the embedded system lives, .partner/ENVIRONMENT below the working directory if nothing says
// where, and completes what it is told. The path is absolute, so that messages can be followed from anywhere.
func (m *providerModel) embedded(options *embedded.Options, diags *diag.Diagnostics) (string, bool) {
	r := &reader{}
	directory := ""
	if v := r.object("embedded", m.Embedded); v != nil {
		directory = r.text("embedded", v["directory"])
		options.PublicationLife = parsed(r, "embedded", v["publication_life"], parsePublicationLife).Duration
		options.UseLogs = r.list("embedded", v["use_logs"])
		if zone := r.text("embedded", v["sshd_time_zone"]); zone != "" {
			var err error
			// validate has refused it, unless it was not known then
			if options.SSHDZone, err = parseZone(zone); err != nil {
				diags.AddAttributeError(path.Root("embedded"), "Not a time zone", sentence(err)+".")
				return "", false
			}
		}
	}
	if directory == "" {
		directory = os.Getenv(directoryVariable)
	}
	if directory == "" {
		directory = filepath.Join(".partner", m.Environment.ValueString())
	}
	absolute, err := filepath.Abs(directory)
	if err != nil {
		diags.AddAttributeError(path.Root("embedded"), "Not a directory",
			fmt.Sprintf("%s: %s.", directory, sentence(err)))
		return "", false
	}
	return absolute, true
}
