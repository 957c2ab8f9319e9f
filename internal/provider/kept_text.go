// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"
	"errors"
	"reflect"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What is kept of a resource is a list in the state, and not an object with a name for each value:
//
//	["UID", 1764572123, "SYSTEM", "PRINT", "STACK", {"drift": ["..."]}]
//
// In the first places stands what nearly every resource has: its uid, when it was created (in seconds since 1970, UTC),
// the access system and the fingerprint. The stack follows unless it is the default one. Whatever else there is stands
// by its name in an object at the end. By name, it was 174 characters for nearly every resource; the list has 94, and
// server_packed.go makes 48 bytes of them. States of earlier versions have one object with everything; they are read,
// and written anew as lists. See TestWhateverIsKeptComesBack.

// keptByName is what is kept, each value by its name. It has no methods, so encoding/json writes its fields.
type keptByName kept

// errNotKept is returned for a text that is no list of ours.
var errNotKept = errors.New("not what is kept of a resource")

// MarshalJSON writes what is kept as a list. A history that says more than the places can (a renewal, a review) goes
// into the object at the end as a whole, and its places stay empty.
func (k kept) MarshalJSON() ([]byte, error) {
	rest := keptByName(k)
	rest.System, rest.Print, rest.told = "", "", nil
	list := []any{"", 0, k.System, k.Print}
	if h := k.History; plain(h) {
		list[0], list[1] = h.UID, h.CreatedAt.Unix()
		if h.Stack != defaultStack {
			list = append(list, h.Stack)
		}
		rest.History = access.History{}
	}
	if !reflect.ValueOf(rest).IsZero() {
		list = append(list, rest)
	}
	return json.Marshal(list)
}

// plain reports whether a history says no more than the places of the list can: a uid, a stack and a whole second.
func plain(h access.History) bool {
	if h.UID == "" ||
		h.Stack == "" ||
		h.CreatedAt.Unix() <= 0 ||
		h.CreatedAt.Nanosecond() != 0 {
		return false
	}
	h.UID, h.Stack, h.CreatedAt = "", "", time.Time{}
	return reflect.ValueOf(h).IsZero()
}

// UnmarshalJSON reads a list, or the object of an earlier version. encoding/json never calls it with an empty text.
func (k *kept) UnmarshalJSON(text []byte) error {
	if text[0] != '[' {
		return json.Unmarshal(text, (*keptByName)(k))
	}
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	first, rest, err := readPlaces(list)
	if err != nil {
		return err
	}
	var named keptByName
	switch len(rest) {
	case 0:
	case 1:
		err = json.Unmarshal(rest[0], &named)
	default:
		err = errNotKept
	}
	if err != nil {
		return err
	}
	*k = kept(named)
	k.System, k.Print = first.System, first.Print
	if first.History.UID != "" {
		k.History = first.History
	}
	return nil
}

// readPlaces reads what has a place in a list, and returns what follows. If there is no uid in the first place, the
// history stands by its name.
func readPlaces(list []json.RawMessage) (first kept, rest []json.RawMessage, err error) {
	if len(list) < 4 {
		return first, nil, errNotKept
	}
	h := &first.History
	var created int64
	for i, to := range []any{&h.UID, &created, &first.System, &first.Print} {
		if err := json.Unmarshal(list[i], to); err != nil {
			return first, nil, err
		}
	}
	rest, h.CreatedAt, h.Stack = list[4:], time.Unix(created, 0).UTC(), defaultStack
	if h.UID != "" && (created <= 0 || h.CreatedAt.Year() > 9999) {
		return first, nil, errNotKept // no moment that we write, and none that could be written again
	}
	if len(rest) > 0 && rest[0][0] == '"' {
		err = json.Unmarshal(rest[0], &h.Stack)
		rest = rest[1:]
	}
	return first, rest, err
}
