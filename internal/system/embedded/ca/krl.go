package ca

import (
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

// KRL is the key revocation list for sshd's RevokedKeys (OpenSSH's PROTOCOL.krl): serials of certificates of this
// authority. One without serials revokes nothing, and is valid. It is not signed: sshd reads it as a file of its own.
func (a *Authority) KRL(serials []uint64, version uint64, now time.Time) ([]byte, error) {
	sorted := slices.Compact(slices.Sorted(slices.Values(serials)))
	if len(sorted) > 0 && sorted[0] == 0 {
		return nil, errors.New("write the key revocation list: the serial 0 means none")
	}
	krl := []byte(krlMagic)
	krl = binary.BigEndian.AppendUint32(krl, krlFormat)
	krl = binary.BigEndian.AppendUint64(krl, version)
	krl = binary.BigEndian.AppendUint64(krl, uint64(max(0, now.Unix()))) //nolint:gosec // not negative
	krl = binary.BigEndian.AppendUint64(krl, 0)                          // flags
	krl = appendString(krl, nil)                                         // reserved
	krl = appendString(krl, nil)                                         // comment
	if len(sorted) == 0 {
		return krl, nil
	}
	var list []byte
	for _, serial := range sorted {
		list = binary.BigEndian.AppendUint64(list, serial)
	}
	section := appendString(nil, a.ssh.PublicKey().Marshal())
	section = appendString(section, nil) // reserved
	section = appendString(append(section, krlSerialList), list)
	return appendString(append(krl, krlCertificates), section), nil
}

// appendString appends an SSH string (RFC 4251, 5): its length and its octets.
func appendString(b, s []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...) //nolint:gosec // far under 4 GB
}
