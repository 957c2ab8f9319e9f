// SPDX-License-Identifier: MPL-2.0

package material

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// Chain returns a certificate and those that signed it as a TLS client presents them: the leaf first, and without
// roots. Whoever verifies it has the root already, and needs nobody to send it (RFC 8446, 4.4.2).
func Chain(leaf, authorities string) string {
	chain := strings.TrimSpace(leaf) + "\n"
	for block, rest := pem.Decode([]byte(authorities)); block != nil; block, rest = pem.Decode(rest) {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil &&
			bytes.Equal(c.RawIssuer, c.RawSubject) &&
			c.CheckSignatureFrom(c) == nil {
			continue
		}
		chain += string(pem.EncodeToMemory(block))
	}
	return chain
}
