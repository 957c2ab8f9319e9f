// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/provider"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded"
)

// Legible is the private part of a state as the framework has it.
var Legible = legible

// NewAround makes providers whose system stands behind another one, which a test lets fail on demand.
func NewAround(clock access.Clock, around func(access.System) access.System) func() provider.Provider {
	return func() provider.Provider {
		return &partnerProvider{version: "test", clock: clock,
			open: func(directory string, o embedded.Options) access.System {
				return around(embedded.Open(directory, o))
			}}
	}
}
