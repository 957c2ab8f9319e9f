// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strconv"
)

// Nearly every private part is one list of four values (kept_text.go), of which three are random bits written as text.
// The state has them as bits: 48 bytes in the place of 94, before Terraform's base64. What does not fit is not packed.
//
//	1 byte   packedMark, with which no JSON begins
//	17 bytes the uid: 26 characters of base32 are 130 bits
//	4 bytes  when it was created: seconds since 1970, big-endian
//	17 bytes the access system's id, like the uid
//	9 bytes  the fingerprint
//	the rest whatever follows in the list, as JSON with a comma before each value

// packedMark is the first byte, which tells a packed private part from JSON: no text of JSON begins with it.
const (
	packedMark = 1
	idText     = 26 // characters of an id, as rand.Text makes them
	idBytes    = 17
	packedSize = 1 + idBytes + 4 + idBytes + printSize
)

// packed returns what is kept of a resource, a list as JSON, as the state has it; not ok if a value does not fit. It
// unpacks again what it packed, and compares: a text that would not come back byte for byte is not packed.
func packed(text []byte) (short []byte, ok bool) {
	var list []json.RawMessage
	if json.Unmarshal(text, &list) != nil || len(list) < 4 {
		return nil, false
	}
	created, err := strconv.ParseUint(string(list[1]), 10, 32)
	if err != nil || created == 0 {
		return nil, false
	}
	short = append(short, packedMark)
	short = appendID(short, list[0])
	short = binary.BigEndian.AppendUint32(short, uint32(created))
	short = appendID(short, list[2])
	short, _ = base64.RawStdEncoding.AppendDecode(short, bytes.Trim(list[3], `"`))
	if len(short) != packedSize {
		return nil, false
	}
	for _, more := range list[4:] {
		short = append(append(short, ','), more...)
	}
	if back, ok := unpacked(short); !ok || !bytes.Equal(back, text) {
		return nil, false // written in another way than ours
	}
	return short, true
}

// unpacked returns the list that was packed; not ok for anything that is not packed.
func unpacked(short []byte) (text []byte, ok bool) {
	if len(short) < packedSize || short[0] != packedMark {
		return nil, false
	}
	short = short[1:]
	uid, created, system, print := short[:idBytes], short[idBytes:idBytes+4], short[idBytes+4:2*idBytes+4],
		short[2*idBytes+4:packedSize-1]
	text = append(text, `["`...)
	text = append(text, idOf(uid)...)
	text = append(text, `",`...)
	text = strconv.AppendUint(text, uint64(binary.BigEndian.Uint32(created)), 10)
	text = append(text, `,"`...)
	text = append(text, idOf(system)...)
	text = append(text, `","`...)
	text = base64.RawStdEncoding.AppendEncode(text, print)
	text = append(text, '"')
	text = append(text, short[packedSize-1:]...)
	return append(text, ']'), true
}

// appendID appends an id, a JSON text of 26 characters of base32, as its 130 bits in 17 bytes. It appends nothing if it
// is none, which the caller notices by the length.
func appendID(to []byte, id json.RawMessage) []byte {
	whole := append(bytes.Trim(id, `"`), "AAAAAA"...) // base32 takes eight characters at a time
	bits, err := base32.StdEncoding.DecodeString(string(whole))
	if err != nil || len(whole) != idText+6 {
		return to
	}
	return append(to, bits[:idBytes]...)
}

// idOf returns the id that the bits are of, as rand.Text would have written it.
func idOf(bits []byte) string {
	return base32.StdEncoding.EncodeToString(append(append([]byte{}, bits...), 0, 0, 0))[:idText]
}
