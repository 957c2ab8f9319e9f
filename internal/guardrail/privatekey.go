// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"reflect"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// holdsPrivateKey reports whether any text of an object holds a private key, also the key of a map. It walks the
// object, so that an argument that is added later is looked at as well.
func holdsPrivateKey(o access.Object) bool { return o != nil && keyIn(reflect.ValueOf(o)) }

// language is the package that objects are made of. What else stands in them (times, addresses)
// holds no text of anybody's.
var language = reflect.TypeFor[access.Identity]().PkgPath()

// keyIn reports whether a value, or anything that it holds, is a text with a private key.
func keyIn(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return material.HoldsPrivateKey(v.String())
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && keyIn(v.Elem())
	case reflect.Slice, reflect.Map:
		for key, each := range v.Seq2() { // of a slice the key is an index, which holds none
			if keyIn(key) || keyIn(each) {
				return true
			}
		}
	case reflect.Struct:
		return v.Type().PkgPath() == language && keyInFields(v)
	}
	return false
}

// keyInFields reports whether any field of a struct holds a private key, exported or not.
func keyInFields(v reflect.Value) bool {
	for _, field := range v.Fields() {
		if keyIn(field) {
			return true
		}
	}
	return false
}
