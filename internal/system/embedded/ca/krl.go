// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// Constants of OpenSSH's PROTOCOL.krl.
const (
	krlMagic             = "SSHKRL\n\x00"
	krlFormat            = 1
	krlCertificates byte = 1
	krlSerialList   byte = 0x20
)

// KRL returns the key revocation list for sshd's RevokedKeys (OpenSSH's PROTOCOL.krl): serials of certificates of this
// authority. One without serials revokes nothing, and is valid. It is not signed: sshd reads it as a file of its own.
func (a *Authority) KRL(serials []uint64, version uint64, now time.Time) ([]byte, error) {
	sorted := slices.Compact(slices.Sorted(slices.Values(serials)))
	if len(sorted) > 0 && sorted[0] == 0 {
		return nil, errors.New("write the key revocation list: the serial 0 means none")
	}
	krl := []byte(krlMagic)
	krl = binary.BigEndian.AppendUint32(krl, krlFormat)
	krl = binary.BigEndian.AppendUint64(krl, version)
	krl = binary.BigEndian.AppendUint64(krl, uint64(max(0, now.Unix())))
	krl = binary.BigEndian.AppendUint64(krl, 0) // flags
	krl = appendString(krl, nil)                // reserved
	krl = appendString(krl, nil)                // comment
	return append(krl, a.KRLSection(sorted)...), nil
}

// KRLSection returns a section of such a list; nothing where there are no serials. More of them can be added behind the
// last one: sshd adds up all that it reads.
func (a *Authority) KRLSection(serials []uint64) []byte {
	if len(serials) == 0 {
		return nil
	}
	var list []byte
	for _, serial := range slices.Sorted(slices.Values(serials)) {
		list = binary.BigEndian.AppendUint64(list, serial)
	}
	section := appendString(nil, a.ssh.PublicKey().Marshal())
	section = appendString(section, nil) // reserved
	section = appendString(append(section, krlSerialList), list)
	return appendString([]byte{krlCertificates}, section)
}

// appendString appends an SSH string (RFC 4251, 5): its length and its octets.
func appendString(b, s []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...) //nolint:gosec // far under 4 GB
}

var errKRL = errors.New("read the key revocation list: it has another form than this system writes")

// KRLEnds returns the places in a list at which it could end: behind its head, and behind each section.
func KRLEnds(krl []byte) (ends []int) {
	const head = len(krlMagic) + 4 + 8 + 8 + 8 + 4 + 4
	for at := head; at <= len(krl); {
		ends = append(ends, at)
		if at == len(krl) {
			break
		}
		_, rest, ok := cutString(krl[at+1:])
		if !ok {
			break
		}
		at = len(krl) - len(rest)
	}
	return ends
}

// RevokedSerials returns the serials of a list that KRL wrote. One in another form, such as
// ssh-keygen writes, is an error.
func RevokedSerials(krl []byte) ([]uint64, error) {
	rest, ours := bytes.CutPrefix(krl, []byte(krlMagic))
	const head = 4 + 8 + 8 + 8 + 4 + 4 // format, version, time, flags, reserved, comment
	if !ours || len(rest) < head {
		return nil, errKRL
	}
	var serials []uint64
	for rest = rest[head:]; len(rest) > 0; {
		var section []byte
		var ok bool
		kind := rest[0]
		if section, rest, ok = cutString(rest[1:]); !ok || kind != krlCertificates {
			return nil, errKRL
		}
		found, err := sectionSerials(section)
		if err != nil {
			return nil, err
		}
		serials = append(serials, found...)
	}
	return serials, nil
}

// sectionSerials returns the serials of a section of certificates that holds one list of them, as KRLSection writes it
// (PROTOCOL.krl of OpenSSH); errKRL of any other.
func sectionSerials(section []byte) (serials []uint64, err error) {
	_, section, hasKey := cutString(section)
	_, section, hasReserved := cutString(section)
	if !hasKey ||
		!hasReserved ||
		len(section) == 0 ||
		section[0] != krlSerialList {
		return nil, errKRL
	}
	list, rest, ok := cutString(section[1:])
	if !ok || len(rest) > 0 || len(list)%8 != 0 {
		return nil, errKRL
	}
	for ; len(list) > 0; list = list[8:] {
		serials = append(serials, binary.BigEndian.Uint64(list))
	}
	return serials, nil
}

// cutString takes an SSH string from the beginning.
func cutString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	length, b := uint64(binary.BigEndian.Uint32(b)), b[4:]
	if length > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:length], b[length:], true
}
