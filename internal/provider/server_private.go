// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// The private part of a state is one object of JSON for the framework, with each value in base64, and Terraform writes
// it in base64 again: 349 bytes a resource, 15 % of a state. Terraform writes the whole state anew with each resource
// that it applies: in a first apply of 900 resources, that was 17.5 s of its 31.4 s of CPU (profile of Terraform
// 1.11.4). So a state has the values as they are, and what nearly every resource keeps is packed (server_packed.go).
//
// The server translates at the edge, so the framework and the resources see the private part as they always did. One
// that the framework wrote, in a state of an earlier version, is still read.

// shortened returns a private part, as the framework wrote it, as a state has it. One that would not be known again
// stays as it is.
func shortened(private []byte) []byte {
	var parts map[string][]byte
	if len(private) == 0 || json.Unmarshal(private, &parts) != nil {
		return private
	}
	values := make(map[string]json.RawMessage, len(parts))
	for key, part := range parts {
		if !json.Valid(part) || part[0] == '"' {
			return private
		}
		values[key] = part
	}
	if len(values) == 1 {
		if short, ok := packed(values[keptKey]); ok {
			return short
		}
	}
	if text, err := json.Marshal(values); err == nil {
		return text
	}
	return private
}

// legible returns the private part of a state as the framework has it. It is nil if it cannot be read: like one that is
// missing, it must stop nobody's removal.
func legible(private []byte) []byte {
	values := map[string]json.RawMessage{}
	if text, ok := unpacked(private); ok {
		values[keptKey] = text
	} else if len(private) == 0 || json.Unmarshal(private, &values) != nil {
		return nil
	}
	parts := make(map[string][]byte, len(values))
	for key, value := range values {
		part := []byte(value)
		if value[0] == '"' && json.Unmarshal(value, &part) != nil {
			return nil
		}
		// keys with a dot are the framework's own, whose values need not be JSON
		if !strings.HasPrefix(key, ".") && (!json.Valid(part) || !utf8.Valid(part)) {
			return nil
		}
		parts[key] = part
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return nil
	}
	return text
}
