// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"bytes"
	"context"
	"crypto/x509"
	"maps"
	"slices"
	"strings"
)

// An authority in another engine is as good as ours where ours signed it, or where it has the key of ours: the auth method takes
// whatever leads up to an authority that it trusts.

// descendants returns the paths of the engines that have such an authority, or one that did not say what it is. If that is one of ours, they
// are all. ids are the authorities of each engine, by serial; signed are those that signed for a partner, whose engines are ours, too.
func (s *server) descendants(ctx context.Context, engines map[string]mounted, ids map[string]map[string]string, signed map[string]bool) []string {
	var ours []*x509.Certificate
	others, paths := map[string][]*x509.Certificate{}, map[string]bool{}
	for path, all := range ids {
		ourEngine := s.isOurs(path, engines[path])
		for serial := range all {
			ourEngine = ourEngine || signed[serial]
		}
		for _, id := range all {
			switch c := s.authorityCalled(ctx, path, id); {
			case c == nil && ourEngine:
				return slices.Collect(maps.Keys(ids))
			case c == nil:
				paths[path] = true
			case ourEngine:
				ours = append(ours, c)
			default:
				others[path] = append(others[path], c)
			}
		}
	}
	for found := true; found; { // also below those that were found
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
	return slices.Collect(maps.Keys(paths))
}

// isOurs reports whether an engine is one of partner access by its path, or by what it says of itself.
func (s *server) isOurs(path string, m mounted) bool {
	return path == s.options.Mounts.PKI+"/" || path == defaultMounts().PKI+"/" || m.Type == "pki" && m.Description == mountDescription
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
