// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// Reading every text in a value that Terraform sent. The values come in MessagePack, and are walked as they are
// encoded: that needs no schema, so it misses no argument, and it comes before anything that could print a value.

// foundTexts are what a value's texts are found to hold. A place is made of the names on the way to it: an element of a
// set or list has the place of the set or list.
type foundTexts struct {
	// key is where a private key is, empty if the value is not an object; nil if there is none. The walk stops at the
	// first.
	key []string
	// flaws are texts with characters that nobody sees, or that change how text is shown.
	flaws []flawAt
	// nulls are lists, sets and maps that have an element which is null. Left out, it would turn a limit into none.
	nulls [][]string
	// uncountable are numbers that no counting comes to: with a fraction, or greater than an int64.
	uncountable []numberAt
}

// numberAt is a number in its place.
type numberAt struct {
	at     []string
	number float64
}

// flawAt is what nobody sees, in its place.
type flawAt struct {
	at   []string
	flaw material.Flaw
}

// filesOfOthers are the arguments that take a file as somebody sent it. These may hold what other texts may not, such
// as a byte order mark: their parsers deal with it.
var filesOfOthers = append([]string{"openbao.ca_cert_pem"}, filesOfPartners...)

// mapsOfArguments are the arguments that are maps. The encoding does not tell a map from an object, whose attributes
// may be null.
var mapsOfArguments = []string{"partners", "waivers", "guardrails.levels", "openbao.mounts.jwt", "aws.actions"}

// counts are the arguments that are whole numbers. Terraform sends a number that does not fit an int64 or a float64
// exactly as a text, which is looked for in these places alone.
var counts = []string{"subcontractors.max_depth", "guardrails.max_grants", "guardrails.min_fixed_segments",
	"openbao.concurrency"}

// fractional is the one argument that is no number of things.
const fractional = "openbao.requests_per_second"

// textsOf looks at every text of a value, also at the keys of maps, and at the numbers. It makes no request and keeps
// nothing of the value but names.
func textsOf(v *tfprotov6.DynamicValue) (found foundTexts) {
	switch {
	case v == nil:
		return found
	case len(v.JSON) > 0: // Terraform sends none
		if material.HoldsPrivateKey(string(v.JSON)) {
			found.key = []string{}
		}
		return found
	}
	w := &textWalk{decoder: msgpack.NewDecoder(bytes.NewReader(v.MsgPack))}
	_ = w.value() // what nobody can read nobody quotes
	return w.found
}

// textWalk walks the MessagePack of a value until it finds a private key.
type textWalk struct {
	decoder *msgpack.Decoder
	// at is the place of what is walked now. It changes as the walk goes on, so what is kept of it is cloned.
	at []string
	// pieces are the texts of the list that is walked now.
	pieces []string
	found  foundTexts
}

// value walks the next value of the encoding, whatever it is. What has no text and no number is skipped; so is what
// Terraform sends for an unknown value, which is an extension of MessagePack.
func (w *textWalk) value() error {
	code, err := w.decoder.PeekCode()
	switch {
	case err != nil:
		return err
	case msgpcode.IsString(code):
		text, err := w.decoder.DecodeString()
		w.pieces = append(w.pieces, text)
		w.text(text)
		return err
	case msgpcode.IsFixedMap(code), code == msgpcode.Map16, code == msgpcode.Map32:
		return w.mapping()
	case msgpcode.IsFixedArray(code), code == msgpcode.Array16, code == msgpcode.Array32:
		return w.elements()
	}
	if code == msgpcode.Float || code == msgpcode.Double {
		n, err := w.decoder.DecodeFloat64()
		if strings.Join(w.at, ".") != fractional {
			w.found.uncountable = append(w.found.uncountable, numberAt{slices.Clone(w.at), n})
		}
		return err
	}
	return w.decoder.Skip()
}

// elements walks a list or a set. Its texts are looked at one by one, and once more joined by line ends: a private key
// may come as its lines, none of which is a key by itself. See TestAPrivateKeyInPiecesIsRefused.
func (w *textWalk) elements() error {
	n, err := w.decoder.DecodeArrayLen()
	null, found := false, w.pieces
	w.pieces = nil
	for ; n > 0 && err == nil && w.found.key == nil; n-- {
		next, _ := w.decoder.PeekCode()
		null = null || next == msgpcode.Nil
		err = w.value()
	}
	if null {
		w.found.nulls = append(w.found.nulls, slices.Clone(w.at))
	}
	if len(w.pieces) > 1 &&
		w.found.key == nil &&
		material.HoldsPrivateKey(strings.Join(w.pieces, "\n")) {
		w.found.key = append([]string{}, w.at...)
	}
	w.pieces = found
	return err
}

// text looks at one text: is it a number that does not fit, a private key, or does it hold what nobody sees?
func (w *textWalk) text(text string) {
	if n, err := strconv.ParseFloat(text, 64); err == nil && slices.Contains(counts, strings.Join(w.at, ".")) {
		w.found.uncountable = append(w.found.uncountable, numberAt{slices.Clone(w.at), n})
		return
	}
	if material.HoldsPrivateKey(text) {
		w.found.key = append([]string{}, w.at...)
		return
	}
	if f, ok := material.FlawIn(text); ok && !slices.Contains(filesOfOthers, strings.Join(w.at, ".")) {
		w.found.flaws = append(w.found.flaws, flawAt{slices.Clone(w.at), f})
	}
}

// mapping walks a map or an object: its names, which are somebody's text if it is a map, and its values. A JSON Web Key
// (RFC 7517) is a private key by its members: "kty" or "crv" beside "d" (RFC 7518, sections 6.2.2 and 6.3.2) or "k"
// (section 6.4.1), in either order.
func (w *textWalk) mapping() error {
	n, err := w.decoder.DecodeMapLen()
	names := map[string]bool{}
	for ; n > 0 && err == nil && w.found.key == nil; n-- {
		var name string
		if name, err = w.decoder.DecodeString(); err != nil {
			return err
		}
		names[name] = true
		flaws := len(w.found.flaws)
		if w.text(name); w.found.key != nil {
			return nil
		}
		if (names["kty"] || names["crv"]) && (names["d"] || names["k"]) {
			w.found.key = append([]string{}, w.at...)
			return nil
		}
		if len(w.found.flaws) > flaws {
			// shown in the place, it would do what it does
			name = "..."
		}
		if next, _ := w.decoder.PeekCode(); next == msgpcode.Nil &&
			slices.Contains(mapsOfArguments, strings.Join(w.at, ".")) {
			w.found.nulls = append(w.found.nulls, slices.Clone(w.at))
		}
		w.at = append(w.at, name)
		err = w.value()
		w.at = w.at[:len(w.at)-1]
	}
	return err
}
