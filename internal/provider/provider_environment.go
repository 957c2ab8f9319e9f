// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// These variables stand in for arguments that one configuration leaves to the pipeline which runs it. What the
// configuration says goes first. The rules' settings have none: a reviewer reads them in the configuration. See
// TestEachArgumentThatAPipelineSetsHasAVariable.
const (
	environmentVariable    = "PARTNER_ENVIRONMENT"
	stackVariable          = "PARTNER_STACK"
	directoryVariable      = "PARTNER_EMBEDDED_DIRECTORY"
	journalVariable        = "PARTNER_JOURNAL_PATH"
	partnerAddressVariable = "PARTNER_OPENBAO_PARTNER_ADDRESS"
	roleIDVariable         = "PARTNER_OPENBAO_ROLE_ID"
	secretIDVariable       = "PARTNER_OPENBAO_SECRET_ID"
	roleVariable           = "PARTNER_OPENBAO_ROLE"
	jwtVariable            = "PARTNER_OPENBAO_JWT"
	passphraseVariable     = "PARTNER_PASSPHRASE"
)

// readProvider reads the provider's configuration and completes it from the environment.
func readProvider(ctx context.Context, config tfsdk.Config, diags *diag.Diagnostics) (*providerModel, bool) {
	m, ok := read[providerModel](ctx, config, diags)
	if !ok {
		return m, false
	}
	if refuseKeys(os.Environ(), diags) {
		return m, false
	}
	named(&m.Environment, environmentVariable, "environment", diags)
	named(&m.Stack, stackVariable, "stack", diags)
	if m.Environment.IsNull() && !diags.HasError() {
		diags.AddAttributeError(path.Root("environment"), "Missing environment",
			"The environment says which identities this configuration governs, and is part of their ids. Write "+
				"environment = \"prod\", or set "+environmentVariable+".")
	}
	return m, !diags.HasError()
}

// refuseKeys refuses variables that hold a private key: they say where things are, and messages show that. A passphrase
// may be any text. A key in PARTNER_EMBEDDED_DIRECTORY was printed by the plan once, as the directory: see
// TestAKeyInAVariableIsNotShown.
func refuseKeys(variables []string, diags *diag.Diagnostics) (refused bool) {
	for _, v := range variables {
		name, text, _ := strings.Cut(v, "=")
		prefix, _, _ := strings.Cut(name, "_")
		if !slices.Contains([]string{"PARTNER", "BAO", "VAULT"}, prefix) ||
			name == passphraseVariable ||
			!material.HoldsPrivateKey(text) {
			continue
		}
		refused = true
		diags.AddError("credential/private-key: an environment variable holds a private key",
			fmt.Sprintf("The variable %s holds a private key, but the provider may show the values of its variables. "+
				"Unset it, and treat the key as stolen: whoever can read this pipeline's settings has it.", name))
	}
	return refused
}

// named takes a name from the environment if the configuration has none. what is the argument's name.
func named(v *types.String, variable, what string, diags *diag.Diagnostics) {
	text := os.Getenv(variable)
	if !v.IsNull() || text == "" {
		return
	}
	if !access.ValidPart(text) {
		diags.AddError("Invalid "+variable,
			"Its value cannot be the name of the "+what+
				". Write 1 to 63 characters of a-z, 0-9 and -, beginning with a letter or a digit.")
		return
	}
	*v = types.StringValue(text)
}
