// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"slices"
)

// An authority in another engine is as good as ours where ours signed it, or where it has the key of ours: the auth method takes
// whatever leads up to an authority that it trusts.

// descending returns the paths of those that have an authority with the key of one of ours, or below one, however far.
func descending(ours []*x509.Certificate, others map[string][]*x509.Certificate) map[string]bool {
	paths := map[string]bool{}
	for found := true; found; {
		found = false
		for path, all := range others {
			others[path] = slices.DeleteFunc(all, func(c *x509.Certificate) bool {
				if !isOf(c, ours) {
					return false // somebody else's, which may well be in the same engine
				}
				found, ours, paths[path] = true, append(ours, c), true
				return true
			})
		}
	}
	return paths
}

// isOf reports whether an authority has the key of one of some others, or was signed by one.
func isOf(c *x509.Certificate, others []*x509.Certificate) bool {
	for _, o := range others {
		same := bytes.Equal(c.RawSubjectPublicKeyInfo, o.RawSubjectPublicKeyInfo)
		if same || bytes.Equal(c.RawIssuer, o.RawSubject) && o.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
			return true
		}
	}
	return false
}

// certificateIn reads the first certificate of a text; nil where there is none.
func certificateIn(text string) *x509.Certificate {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return c
}
