// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// systemBlocks lists the access systems that a configuration can name. A new one is its folder, a file such as
// provider_openbao.go, a field of the model, and a line here: no other file of this package imports a system. The first
// is meant if none is named.
func systemBlocks() []systemBlock { return []systemBlock{embeddedBlock(), openbaoBlock(), awsBlock()} }

// systemBlock is one kind of access system, as the configuration of the provider names it.
type systemBlock struct {
	// name is the argument, title what it is called in a sentence.
	name, title string
	schema      schema.Attribute
	// is reports whether a configuration names it.
	is func(*providerModel) bool
	// shared says that several configurations have it in common, so that each needs a stack and, as it has no
	// directory, a journal.
	shared bool
	// open opens the system. It asks no server, says what is wrong with its arguments, and reports false then.
	open func(*partnerProvider, *providerModel, opening, *diag.Diagnostics) (opened, bool)
}

// opening is what every system is opened with.
type opening struct {
	stack string
	// remembered returns the newest generation of a system that the journal tells of, 0 if it tells of none. The
	// journal is opened after the system, so it is not to be called while that is opened.
	remembered func(system string) int64
}

// opened is an access system, ready to be asked.
type opened struct {
	system access.System
	// directory is where it lives, and the journal with it; "" if it is no directory.
	directory string
	// enter looks at the system before any resource does, says what is wrong, and reports false then; nil if it is
	// looked at when it is needed.
	enter func(context.Context, *diag.Diagnostics) bool
}

// block returns the system that a configuration names; the first, embedded, if it names none.
func (m *providerModel) block() systemBlock {
	blocks := systemBlocks()
	for _, b := range blocks {
		if b.is(m) {
			return b
		}
	}
	return blocks[0]
}

// requireStack refuses a configuration of a shared system that does not say whose its objects are.
func (m *providerModel) requireStack(system string, diags *diag.Diagnostics) {
	if m.Stack.IsNull() {
		diags.AddAttributeError(path.Root("stack"), system+" needs a stack",
			"Several configurations can share one "+system+
				". The stack says which of them owns an object, so that no other changes it. Write stack = "+
				"\"partners\", or set "+stackVariable+".")
	}
}
