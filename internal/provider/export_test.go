// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/provider"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded"
)

// Legible is the private part of a state as the framework has it.
var Legible = legible

// PrivateParts are the values of a private part, as the state has it.
func PrivateParts(private []byte) map[string]json.RawMessage {
	var values map[string][]byte
	if json.Unmarshal(legible(private), &values) != nil {
		return nil
	}
	parts := map[string]json.RawMessage{}
	for key, value := range values {
		parts[key] = value
	}
	return parts
}

// KeptByName is what a private part keeps of a resource, each value by its name: an object that the provider reads, as
// it does those of earlier versions, and that a test can edit. It is nil where the text is none.
func KeptByName(text []byte) map[string]any {
	var k kept
	if json.Unmarshal(text, &k) != nil {
		return nil
	}
	var names map[string]any
	named, err := json.Marshal(keptByName(k))
	if err != nil || json.Unmarshal(named, &names) != nil {
		return nil
	}
	return names
}

// NewAround makes providers whose system stands behind another one, which a test lets fail on demand.
func NewAround(clock access.Clock, around func(access.System) access.System) func() provider.Provider {
	return func() provider.Provider {
		return &partnerProvider{version: "test", clock: clock,
			open: func(directory string, o embedded.Options) access.System {
				return around(embedded.Open(directory, o))
			}}
	}
}
