// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// reader turns Terraform's values into the language's. It remembers which arguments are not known yet, and what could
// not be read. An argument that is unknown, also in a part, has the zero value.
type reader struct {
	unknown map[string]bool
	faults  []fault
}

// fault is a value that an argument cannot mean.
type fault struct {
	attribute string
	err       error
}

func (r *reader) known(name string, v attr.Value) bool {
	if v.IsUnknown() {
		if r.unknown == nil {
			r.unknown = map[string]bool{}
		}
		r.unknown[name] = true
		return false
	}
	return !v.IsNull()
}

func (r *reader) text(name string, v attr.Value) string {
	if !r.known(name, v) {
		return ""
	}
	return v.(types.String).ValueString()
}

func (r *reader) truth(name string, v attr.Value) bool {
	return v != nil && r.known(name, v) && v.(types.Bool).ValueBool()
}

// parsed reads a text with one of the language's parsers.
func parsed[T any](r *reader, name string, v attr.Value, parse func(string) (T, error)) (zero T) {
	if !r.known(name, v) {
		return zero
	}
	out, err := parse(v.(types.String).ValueString())
	if err != nil {
		r.faults = append(r.faults, fault{name, err})
		return zero
	}
	return out
}

func (r *reader) moment(name string, v attr.Value) access.Moment {
	return parsed(r, name, v, access.ParseMoment)
}

func (r *reader) span(name string, v attr.Value) access.Span {
	return parsed(r, name, v, access.ParseSpan)
}

func (r *reader) object(name string, v attr.Value) map[string]attr.Value {
	if v == nil || !r.known(name, v) {
		return nil
	}
	return v.(types.Object).Attributes()
}

func (r *reader) elements(name string, v types.Map) map[string]attr.Value {
	if !r.known(name, v) {
		return nil
	}
	return v.Elements()
}

// set reads a set of texts, sorted.
func setOf[T any](r *reader, name string, v attr.Value, parse func(string) (T, error)) []T {
	if !r.known(name, v) {
		return nil
	}
	var texts []string
	for _, e := range v.(types.Set).Elements() {
		if r.known(name, e) {
			texts = append(texts, e.(types.String).ValueString())
		}
	}
	slices.Sort(texts)
	out := make([]T, 0, len(texts)) // empty is not null: a setting that is written but empty says something
	for _, text := range texts {
		value, err := parse(text)
		if err != nil {
			r.faults = append(r.faults, fault{name, err})
			continue
		}
		out = append(out, value)
	}
	return out
}

func (r *reader) texts(name string, v attr.Value) []string {
	return setOf(r, name, v, func(s string) (string, error) { return s, nil })
}

// list reads a list of texts, in its order.
func (r *reader) list(name string, v attr.Value) (out []string) {
	if v == nil || !r.known(name, v) {
		return nil
	}
	for _, e := range v.(types.List).Elements() {
		out = append(out, r.text(name, e))
	}
	return out
}

func (r *reader) patterns(name string, v attr.Value) []access.Pattern {
	return setOf(r, name, v, access.ParsePattern)
}

func (r *reader) networks(name string, v attr.Value) []netip.Prefix {
	return setOf(r, name, v, access.ParseNetwork)
}

// optionalText returns a text whose zero value stands for null: no argument of ours takes an empty text and null apart.
func optionalText(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}

func momentValue(m access.Moment) types.String { return optionalText(m.String()) }

func spanValue(s access.Span) types.String { return optionalText(s.String()) }

func timeValue(t time.Time) types.String { return optionalText(access.At(t).String()) }

// timeOf reads a computed moment; zero where it is null or unknown.
func timeOf(v types.String) time.Time {
	m, err := access.ParseMoment(v.ValueString())
	if err != nil {
		return time.Time{}
	}
	return m.Time
}

func texts[T any](values []T) []attr.Value {
	out := make([]attr.Value, 0, len(values))
	for _, v := range values {
		out = append(out, types.StringValue(fmt.Sprint(v)))
	}
	return out
}

// optionalSet returns a set whose empty value stands for null.
func optionalSet[T any](values []T) types.Set {
	if len(values) == 0 {
		return types.SetNull(types.StringType)
	}
	return textSet(values)
}

func textSet[T any](values []T) types.Set {
	return types.SetValueMust(types.StringType, texts(values))
}

func textList(values []string) types.List {
	return types.ListValueMust(types.StringType, texts(values))
}

func textMap(values map[string]string) types.Map {
	out := map[string]attr.Value{}
	for k, v := range values {
		out[k] = types.StringValue(v)
	}
	return types.MapValueMust(types.StringType, out)
}

// noneOf returns how none was written: as an empty map, which modules have as a default, else as null.
func noneOf(was, null types.Map) types.Map {
	if !was.IsNull() && !was.IsUnknown() && len(was.Elements()) == 0 {
		return was
	}
	return null
}

// same returns the state's value where the plan's means the same: the same moment in another zone, the same duration
// written another way, also inside objects and maps. Otherwise it is the plan's.
func same[V attr.Value](plan, state V) V {
	return sameValue(plan, state).(V)
}

func sameValue(plan, state attr.Value) attr.Value {
	if plan.IsNull() ||
		plan.IsUnknown() ||
		state.IsNull() ||
		state.IsUnknown() {
		return plan
	}
	switch p := plan.(type) {
	case types.String:
		if s := state.(types.String); sameMeaning(p.ValueString(), s.ValueString()) {
			return s
		}
	case types.Object:
		return types.ObjectValueMust(p.AttributeTypes(context.Background()),
			sameParts(p.Attributes(), state.(types.Object).Attributes()))
	case types.Map:
		return types.MapValueMust(p.ElementType(context.Background()),
			sameParts(p.Elements(), state.(types.Map).Elements()))
	}
	return plan
}

func sameParts(plan, state map[string]attr.Value) map[string]attr.Value {
	out := maps.Clone(plan)
	for name, p := range plan {
		if s, ok := state[name]; ok {
			out[name] = sameValue(p, s)
		}
	}
	return out
}

func sameMeaning(a, b string) bool {
	if a == b {
		return true
	}
	if x, err := access.ParseMoment(a); err == nil {
		y, err := access.ParseMoment(b)
		return err == nil && x.Equal(y.Time)
	}
	if x, err := access.ParseSpan(a); err == nil {
		y, err := access.ParseSpan(b)
		return err == nil && x.Duration == y.Duration
	}
	return false
}

// unknownAll marks computed values as moved by this plan.
func unknownAll(values ...any) {
	for _, v := range values {
		switch v := v.(type) {
		case *types.String:
			*v = types.StringUnknown()
		case *types.Int64:
			*v = types.Int64Unknown()
		case *types.Set:
			*v = types.SetUnknown(types.StringType)
		case *types.List:
			*v = types.ListUnknown(types.StringType)
		case *types.Map:
			*v = types.MapUnknown(types.StringType)
		default:
			panic(fmt.Sprintf("provider: %T is no computed value", v))
		}
	}
}
