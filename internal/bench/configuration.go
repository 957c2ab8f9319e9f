// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// partnerConfiguration declares a world with the provider of an address: ours, or the hollow one.
func (w *world) partnerConfiguration(address string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "terraform {\n  required_providers {\n    partner = {\n      source = %q\n    }\n  "+
		"}\n}\n\nprovider \"partner\" {\n", address)
	writeArguments(&b, "  ", w.provider, (*block).resource)
	b.WriteString("}\n")
	for _, r := range w.blocks {
		fmt.Fprintf(&b, "\nresource %q %q {\n", r.resource(), r.name)
		writeArguments(&b, "  ", r.arguments, (*block).resource)
		b.WriteString("}\n")
	}
	return b.String()
}

// dataConfiguration declares the same shape in resources that are built into Terraform.
func (w *world) dataConfiguration() string {
	var b strings.Builder
	for _, r := range w.blocks {
		fmt.Fprintf(&b, "\nresource \"terraform_data\" %q {\n  input = {\n", r.name)
		writeArguments(&b, "    ", r.arguments, func(*block) string { return "terraform_data" })
		b.WriteString("  }\n}\n")
	}
	return b.String()
}

// writeArguments writes arguments in the order of their names. What hangs on another block refers to it, so that
// Terraform sees the dependency.
func writeArguments(b *strings.Builder, indent string, arguments map[string]any, resource func(*block) string) {
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		fmt.Fprintf(b, "%s%s = ", indent, name)
		switch v := arguments[name].(type) {
		case string:
			b.WriteString(strconv.Quote(v))
		case []string:
			fmt.Fprintf(b, "[%s]", strings.Join(quoted(v), ", "))
		case *block:
			fmt.Fprintf(b, "%s.%s.id", resource(v), v.name)
		case map[string]any:
			b.WriteString("{\n")
			writeArguments(b, indent+"  ", v, resource)
			b.WriteString(indent + "}")
		}
		b.WriteString("\n")
	}
}

func quoted(texts []string) (all []string) {
	for _, t := range texts {
		all = append(all, strconv.Quote(t))
	}
	return all
}
