// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"bytes"
	"context"
	"crypto/x509"
	"strings"
)

// An authority in another engine is as good as ours where ours signed it, or where it has the key of ours: the auth method takes
// whatever leads up to an authority that it trusts.

// descendants returns the paths of the engines that have such an authority, or one that did not say what it is. ids are the authorities
// of each engine, by serial.
func (s *server) descendants(ctx context.Context, engines map[string]mounted, ids map[string]map[string]string) (paths []string) {
	var ours []*x509.Certificate
	others := map[string][]*x509.Certificate{}
	for path, all := range ids {
		for _, id := range all {
			c := s.authorityCalled(ctx, path, id)
			if s.isOurs(path, engines[path]) && c != nil {
				ours = append(ours, c)
			}
			others[path] = append(others[path], c)
		}
	}
	for found := true; found; { // also below those that were found
		found = false
		for path, all := range others {
			for _, c := range all {
				if c != nil && !isOf(c, ours) {
					continue
				}
				found, ours, paths = true, append(ours, all...), append(paths, path)
				delete(others, path)
				break
			}
		}
	}
	return paths
}

// isOurs reports whether an engine is one of partner access by its path, or by what it says of itself.
func (s *server) isOurs(path string, m mounted) bool {
	return path == s.options.Mounts.PKI+"/" || path == defaultMounts().PKI+"/" || m.Type == "pki" && m.Description == mountDescription
}

// isOf reports whether an authority has the key of one of some others, or was signed by one.
func isOf(c *x509.Certificate, others []*x509.Certificate) bool {
	for _, o := range others {
		if o == nil {
			continue
		}
		same := bytes.Equal(c.RawSubjectPublicKeyInfo, o.RawSubjectPublicKeyInfo)
		if same || bytes.Equal(c.RawIssuer, o.RawSubject) && o.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil {
			return true
		}
	}
	return false
}

// authorityCalled returns an authority of an engine, which OpenBao tells everybody; nil where that cannot be read. Each is read once.
func (s *server) authorityCalled(ctx context.Context, path, id string) *x509.Certificate {
	s.learning.Lock()
	c := s.called[id]
	s.learning.Unlock()
	if c != nil {
		return c
	}
	var ca struct {
		Certificate string `json:"certificate"`
	}
	if err := s.client.Get(ctx, strings.TrimSuffix(path, "/")+"/issuer/"+id+"/json", &ca); err != nil {
		return nil
	}
	c = certificateIn(ca.Certificate)
	s.learning.Lock()
	defer s.learning.Unlock()
	if s.called == nil {
		s.called = map[string]*x509.Certificate{}
	}
	s.called[id] = c
	return c
}
