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

// From Terraform's values to the language's (reader), and back.
//
// null and unknown are two things: null is an argument that is left out, unknown one whose value comes at apply. A
// reader gives the zero value for both, and remembers which were unknown. On the way back, a zero value becomes null.

// reader turns Terraform's values into the language's. It remembers which arguments are not known yet, and what could
// not be read. An argument that is unknown, also in a part, has the zero value. One reader reads one object; it is not
// safe for concurrent use.
type reader struct {
	// unknown has the names of arguments, as rules name them: an unknown review.by is the argument review.
	unknown map[string]bool
	faults  []fault
}

// fault is a value that an argument cannot mean. Validators have refused it, unless it was unknown then.
type fault struct {
	attribute string
	err       error
}

// known reports whether there is a value, neither null nor unknown, and notes what is unknown.
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

// text reads a text; "" if there is none.
func (r *reader) text(name string, v attr.Value) string {
	if !r.known(name, v) {
		return ""
	}
	return v.(types.String).ValueString()
}

// truth reads a truth; false if there is none.
func (r *reader) truth(name string, v attr.Value) bool {
	return v != nil && r.known(name, v) && v.(types.Bool).ValueBool()
}

// parsed reads a text with one of the language's parsers, and notes a fault if that refuses it. The result is the zero
// value if there is none.
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

// moment reads an RFC 3339 moment.
func (r *reader) moment(name string, v attr.Value) access.Moment {
	return parsed(r, name, v, access.ParseMoment)
}

// span reads a duration, such as 720h.
func (r *reader) span(name string, v attr.Value) access.Span {
	return parsed(r, name, v, access.ParseSpan)
}

// object reads the attributes of an object; nil if there is none. Attributes may be unknown in turn.
func (r *reader) object(name string, v attr.Value) map[string]attr.Value {
	if v == nil || !r.known(name, v) {
		return nil
	}
	return v.(types.Object).Attributes()
}

// elements reads the elements of a map; nil if there is none.
func (r *reader) elements(name string, v types.Map) map[string]attr.Value {
	if !r.known(name, v) {
		return nil
	}
	return v.Elements()
}

// setOf reads a set of texts with a parser, sorted: the order of a set says nothing, and what is stored must not
// differ. It returns nil if there is no set, and an empty slice for an empty one.
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

// texts reads a set of texts, sorted.
func (r *reader) texts(name string, v attr.Value) []string {
	return setOf(r, name, v, func(s string) (string, error) { return s, nil })
}

// list reads a list of texts, in its order; nil if there is none.
func (r *reader) list(name string, v attr.Value) (out []string) {
	if v == nil || !r.known(name, v) {
		return nil
	}
	for _, e := range v.(types.List).Elements() {
		out = append(out, r.text(name, e))
	}
	return out
}

// patterns reads a set of patterns, sorted as texts.
func (r *reader) patterns(name string, v attr.Value) []access.Pattern {
	return setOf(r, name, v, access.ParsePattern)
}

// networks reads a set of networks.
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

// momentValue returns a moment as it was written; null if it is zero.
func momentValue(m access.Moment) types.String { return optionalText(m.String()) }

// spanValue returns a duration as it was written; null if it is zero.
func spanValue(s access.Span) types.String { return optionalText(s.String()) }

// timeValue returns a time as an RFC 3339 moment in UTC; null if it is zero.
func timeValue(t time.Time) types.String { return optionalText(access.At(t).String()) }

// timeOf reads a computed moment; zero if it is null or unknown, or if somebody edited it into none.
func timeOf(v types.String) time.Time {
	m, err := access.ParseMoment(v.ValueString())
	if err != nil {
		return time.Time{}
	}
	return m.Time
}

// texts returns values as texts, in their order; for none it is empty and not nil.
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

// textSet returns a set of texts, also an empty one.
func textSet[T any](values []T) types.Set {
	return types.SetValueMust(types.StringType, texts(values))
}

// textList returns a list of texts, also an empty one.
func textList(values []string) types.List {
	return types.ListValueMust(types.StringType, texts(values))
}

// textMap returns a map of texts, also an empty one.
func textMap(values map[string]string) types.Map {
	out := map[string]attr.Value{}
	for k, v := range values {
		out[k] = types.StringValue(v)
	}
	return types.MapValueMust(types.StringType, out)
}

// noneOf returns how "none" was written: as an empty map, which modules have as a default, else as null. Otherwise, a
// default of {} would plan a change for ever. See TestEmptyDefaultsOfAModuleMeanNone.
func noneOf(was, null types.Map) types.Map {
	if !was.IsNull() && !was.IsUnknown() && len(was.Elements()) == 0 {
		return was
	}
	return null
}

// same returns the state's value if the plan's means the same: the same moment in another zone, the same duration
// written another way, also inside objects and maps. Otherwise it is the plan's. So another spelling is no change.
func same[V attr.Value](plan, state V) V {
	return sameValue(plan, state).(V)
}

// sameValue is same for any value: objects and maps are compared part by part, everything else but texts stays the
// plan's.
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

// sameParts returns the plan's parts, with those of the state that mean the same.
func sameParts(plan, state map[string]attr.Value) map[string]attr.Value {
	out := maps.Clone(plan)
	for name, p := range plan {
		if s, ok := state[name]; ok {
			out[name] = sameValue(p, s)
		}
	}
	return out
}

// sameMeaning reports whether two texts are the same moment or the same duration: "2027-01-01T00:00:00Z" and
// "2027-01-01T01:00:00+01:00", "720h" and "720h0m".
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

// unknownAll marks computed values as moved by this plan: each is known after apply.
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
