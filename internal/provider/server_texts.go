// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// foundTexts are what a value's texts are found to hold. A place is made of the names on the way to it.
type foundTexts struct {
	// key is where a private key is; nil where there is none.
	key   []string
	flaws []flawAt
	// nulls are lists and sets that have an element which is null.
	nulls [][]string
}

type flawAt struct {
	at   []string
	flaw material.Flaw
}

// filesOfPartners are the arguments that take a file as somebody sent it: its own parser takes a byte order mark, or refuses it.
var filesOfPartners = []string{"certificate.csr", "ssh_certificate.public_key", "secret.recipient", "openbao.ca_cert_pem"}

// textsOf looks at every text of a value, also at the keys of maps. It reads the encoding, so it needs no schema and misses
// nothing.
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

// textWalk walks the msgpack of a value until it finds a private key.
type textWalk struct {
	decoder *msgpack.Decoder
	at      []string
	found   foundTexts
}

func (w *textWalk) value() error {
	code, err := w.decoder.PeekCode()
	switch {
	case err != nil:
		return err
	case msgpcode.IsString(code):
		text, err := w.decoder.DecodeString()
		w.text(text)
		return err
	case msgpcode.IsFixedMap(code), code == msgpcode.Map16, code == msgpcode.Map32:
		return w.mapping()
	case msgpcode.IsFixedArray(code), code == msgpcode.Array16, code == msgpcode.Array32:
		n, err := w.decoder.DecodeArrayLen()
		null := false
		for ; n > 0 && err == nil && w.found.key == nil; n-- {
			next, _ := w.decoder.PeekCode()
			null = null || next == msgpcode.Nil
			err = w.value()
		}
		if null {
			w.found.nulls = append(w.found.nulls, slices.Clone(w.at))
		}
		return err
	}
	return w.decoder.Skip()
}

// text looks at one text.
func (w *textWalk) text(text string) {
	if material.HoldsPrivateKey(text) {
		w.found.key = append([]string{}, w.at...)
		return
	}
	if f, ok := material.FlawIn(text); ok && !slices.Contains(filesOfPartners, strings.Join(w.at, ".")) {
		w.found.flaws = append(w.found.flaws, flawAt{slices.Clone(w.at), f})
	}
}

// mapping walks a map or an object. The members of a JSON Web Key are a private key together.
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
			name = "..." // shown, it would do what it does
		}
		w.at = append(w.at, name)
		err = w.value()
		w.at = w.at[:len(w.at)-1]
	}
	return err
}
