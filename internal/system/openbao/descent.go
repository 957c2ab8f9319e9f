// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"slices"
	"strings"
)

// An authority in another engine is as good as ours if ours signed it, or if it has the key of ours: the auth method
// takes whatever leads up to an authority that it trusts (internal/builtin/credential/cert/path_login.go, which looks
// for a trusted certificate anywhere in the chain). Whoever may sign there logs in as any partner, so a grant on it is
// refused (see TestAnAuthorityBelowOursIsAsGoodAsOurs).
//
// OpenBao tells everybody which authorities an engine has (issuers and issuer/ID/json take no token), so no right is
// needed for this. What does not answer is taken for the worst: unknown is not "none".

// authoritiesAt returns the authorities of the engine at a path, by their serials, as the ids that it knows them by.
// None, and no engine, is no error.
func (s *server) authoritiesAt(ctx context.Context, path string) (map[string]string, error) {
	var all struct {
		Keys map[string]struct {
			Serial string `json:"serial_number"`
		} `json:"key_info"`
	}
	err := s.client.List(ctx, path+"/issuers", &all)
	ids := map[string]string{}
	for id, a := range all.Keys {
		ids[a.Serial] = id
	}
	return ids, ifThere(err)
}

// unread stands, among serials, for the authorities of an engine that did not say which it has, or has some that are as
// good as ours.
const unread = "unread"

// authoritiesIn returns the serials of the authorities in each other engine that signs certificates, by its path.
// signed are those that signed for a partner.
//
// It returns no error: one engine that does not answer stops nothing else, and grants on it are refused. If one of ours
// does not answer, any other may be of it.
func (s *server) authoritiesIn(ctx context.Context, engines map[string]mounted,
	signed map[string]bool) map[string][]string {
	all := map[string][]string{}
	ids := map[string]map[string]string{}
	own, silent := s.options.Mounts.PKI+"/", false
	for path, m := range engines {
		if m.Type != "pki" || path == own {
			continue
		}
		found, err := s.authoritiesAt(ctx, strings.TrimSuffix(path, "/"))
		all[path], ids[path] = slices.Collect(maps.Keys(found)), found
		if err != nil {
			all[path] = []string{unread}
			silent = silent || s.isOurs(path, m)
		}
	}
	maps.DeleteFunc(ids, func(_ string, found map[string]string) bool { return len(found) == 0 })
	if len(ids) == 0 {
		return all // ours is asked only if others may be of it
	}
	found, err := s.authoritiesAt(ctx, s.options.Mounts.PKI)
	ids[own] = found
	paths := s.descendants(ctx, engines, ids, signed)
	if err != nil || silent {
		paths = slices.Collect(maps.Keys(ids))
	}
	for _, path := range paths {
		if path != own {
			all[path] = append(all[path], unread)
		}
	}
	return all
}

// descendants returns the paths of the engines with an authority that is as good as ours, or that does not say what it
// is; all of them, if one of ours does not say. ids are the authorities of each engine, by serial; signed are those
// that signed for a partner, whose engines are ours, too.
func (s *server) descendants(ctx context.Context, engines map[string]mounted, ids map[string]map[string]string,
	signed map[string]bool) []string {
	var ours []*x509.Certificate
	others := map[string][]*x509.Certificate{}
	paths := map[string]bool{}
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
	maps.Copy(paths, descending(ours, others))
	return slices.Collect(maps.Keys(paths))
}

// isOurs reports whether an engine is one of partner access, by its path or by its description. The usual path counts
// also if this configuration has another one: it may be that of another configuration.
func (s *server) isOurs(path string, m mounted) bool {
	return path == s.options.Mounts.PKI+"/" ||
		path == defaultMounts().PKI+"/" ||
		(m.Type == "pki" && m.Description == mountDescription)
}

// authorityCalled returns an authority of an engine; nil if it cannot be read. Each is read once in a process, since an
// id never gets another certificate. The lock is not held while it is read: two may read the same.
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

// descending returns the paths of those that have an authority with the key of one of ours, or below one, however far.
// It goes on until a round finds none: an authority found in one round may have signed one that an earlier look passed.
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

// isOf reports whether an authority has the key of one of some others, or was signed by one. Names do not count by
// themselves: anybody can give an authority any name.
func isOf(c *x509.Certificate, others []*x509.Certificate) bool {
	for _, o := range others {
		same := bytes.Equal(c.RawSubjectPublicKeyInfo, o.RawSubjectPublicKeyInfo)
		if same ||
			(bytes.Equal(c.RawIssuer, o.RawSubject) &&
				o.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil) {
			return true
		}
	}
	return false
}

// certificateIn reads the first certificate of a text in PEM; nil if there is none.
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
