// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// The server: which OpenBao it is, whether it is one of several, what is mounted, and what time it is there. It is
// asked when it is first needed.

// server is where OpenBao is, with what was found out about it. All parts of a System share one.
type server struct {
	client  *client.Client
	options Options

	// probing is held while the server is looked at, or a mount is made. It guards found and what site
	// says.
	probing sync.Mutex
	// found is nil until the server was looked at without an error.
	found *site

	// learning guards what follows.
	learning sync.Mutex
	// called are authorities of engines, by the ids that these know them by.
	called map[string]*x509.Certificate
	// issuers are the auth methods of issuers that the configuration does not name, by the plain issuer, as
	// learnIssuers found them.
	issuers map[string]string
}

// whereabouts says where the system is.
func (s *server) whereabouts() string {
	if s.client.Namespace() == "" {
		return s.client.Address() + ", without a namespace"
	}
	return s.client.Address() + ", namespace " + s.client.Namespace()
}

// lookOnce looks at the server, once in a process. An error is not remembered: the next caller looks again.
func (s *server) lookOnce(ctx context.Context) (*site, error) {
	s.probing.Lock()
	defer s.probing.Unlock()
	if s.found != nil {
		return s.found, nil
	}
	at, err := s.probe(ctx)
	if err == nil {
		err = s.learnIssuers(ctx, at)
	}
	if err != nil {
		return nil, err
	}
	s.found = at
	return at, nil
}

// cluster reports whether others may answer, from a state that is a little old.
func (s *server) cluster(ctx context.Context) (bool, error) {
	at, err := s.lookOnce(ctx)
	if err != nil {
		return false, err
	}
	return at.cluster, nil
}

// namespace returns what names our namespace: the accessor of its identity store. It is of this namespace alone, and a
// snapshot that is restored keeps it. It is "" if the login may not list mounts.
func (s *server) namespace(ctx context.Context) (string, error) {
	at, err := s.lookOnce(ctx)
	if err != nil {
		return "", err
	}
	s.probing.Lock()
	defer s.probing.Unlock()
	return at.engines["identity/"].Accessor, nil
}

// onCluster reports whether others may answer, as far as is known. It asks nothing.
func (s *server) onCluster() bool {
	s.probing.Lock()
	defer s.probing.Unlock()
	return s.found != nil && s.found.cluster
}

// probe asks what a server is, by sys/seal-status, which takes no right. A server that cannot end access by itself is
// refused with the reason: an older OpenBao, or HashiCorp Vault, which answers the same paths with versions of 1.x.
func (s *server) probe(ctx context.Context) (*site, error) {
	var status struct {
		Version string `json:"version"`
	}
	if err := s.client.Get(ctx, "sys/seal-status", &status); err != nil {
		return nil, err
	}
	at := &site{}
	var err error
	if at.version, err = parseRelease(status.Version); err != nil {
		return nil, fmt.Errorf("%w: the server does not name its version of OpenBao, so it may be another product: %w",
			access.ErrUnsupported, err)
	}
	if at.version.before(oldest) {
		return nil, fmt.Errorf("%w: the server's version is %s. The provider needs OpenBao %s or later: only there, "+
			"policies end path by path and CEL roles know the time, so that access ends natively. HashiCorp Vault "+
			"has neither", access.ErrUnsupported, at.version, oldest)
	}
	return at, s.look(ctx, at)
}

// look asks for what does not depend on the version, side by side.
func (s *server) look(ctx context.Context, at *site) error {
	var leader struct {
		Cluster *bool `json:"ha_enabled"`
	}
	var errs [3]error
	var all sync.WaitGroup
	all.Go(func() { errs[0] = s.client.Get(ctx, "sys/leader", &leader) })
	all.Go(func() { errs[1] = s.client.Get(ctx, "sys/auth", &at.auth) })
	all.Go(func() { errs[2] = s.lookAround(ctx, at) })
	all.Wait()
	at.cluster = leader.Cluster == nil || *leader.Cluster // who does not say may be one of several
	return cmp.Or(errs[:]...)
}

// lookAround asks for all that a grant can reach. What it finds takes the place of what was found before, in one piece
// and only if nothing failed. The lock is held.
func (s *server) lookAround(ctx context.Context, at *site) error {
	var engines map[string]mounted
	var below struct {
		Names []string `json:"keys"`
	}
	begun := access.WallClock()
	var errs [2]error
	var both sync.WaitGroup
	both.Go(func() { errs[0] = s.client.Get(ctx, "sys/mounts", &engines) })
	both.Go(func() { errs[1] = client.Gone(s.client.List(ctx, "sys/namespaces", &below)) })
	both.Wait()
	unlisted := errors.Is(errs[1], access.ErrNotPermitted) || errors.Is(errs[1], access.ErrUnsupported)
	if unlisted {
		errs[1] = nil
	}
	if err := cmp.Or(errs[:]...); err != nil {
		return err
	}
	at.engines = engines
	at.children = below.Names
	at.authorities = nil
	at.unlisted, at.looked = unlisted, begun
	return nil
}

// isMounted reports whether an auth method was there when it was last asked.
func (s *server) isMounted(at *site, path string) bool {
	return s.methods(at)[path+"/"].Accessor != ""
}

// methods returns the auth methods as they were last asked for. The map is the site's: do not change it.
func (s *server) methods(at *site) map[string]mounted {
	s.probing.Lock()
	defer s.probing.Unlock()
	return at.auth
}

// lookAgain asks what is mounted, as another process may have made it; ErrNotFound if an auth method is not there. The
// lock is held.
func (s *server) lookAgain(ctx context.Context, at *site, path string) error {
	return s.settled(ctx, at, func() error {
		var all map[string]mounted
		if err := s.client.Get(ctx, "sys/auth", &all); err != nil {
			return err
		}
		if at.auth = all; all[path+"/"].Accessor == "" {
			return fmt.Errorf("auth/%s: %w", path, access.ErrNotFound)
		}
		return nil
	})
}

// settled is store.Settled.
func (s *server) settled(ctx context.Context, at *site, ask func() error) error {
	return store.Settled(ctx, at.cluster, ask)
}

// jwtMount returns the auth method of an issuer: each has its own, so that one can be turned off for all who come from
// there. The configuration's word comes first, then what was learned, then the usual name.
func (s *server) jwtMount(issuer string) string {
	if path, named := s.options.Mounts.JWT[issuer]; named {
		return path
	}
	s.learning.Lock()
	path, learned := s.issuers[access.PlainIssuer(issuer)]
	s.learning.Unlock()
	if learned {
		return path
	}
	return usualJWT(issuer)
}

// jwtPrefix begins the names of issuers' auth methods if a configuration says nothing else.
const jwtPrefix = "partner-jwt-"

// usualJWT returns the usual name of an issuer's auth method: a digest, since the address is no name of a mount.
func usualJWT(issuer string) string {
	sum := sha256.Sum256([]byte(issuer))
	return jwtPrefix + hex.EncodeToString(sum[:6])
}

// isUsualJWT matches the names that usualJWT gives.
var isUsualJWT = regexp.MustCompile("^" + jwtPrefix + "[0-9a-f]{12}$")

// isOursOf reports whether an auth method is one of partner access, of a type: by its name, or by its description.
func (m mounted) isOursOf(name, kind string) bool {
	return m.Type == kind && (strings.HasPrefix(name, jwtPrefix) || m.Description == mountDescription)
}

// learnIssuers finds out which auth methods of partner access have other names than the usual: a second configuration,
// such as one that only takes the inventory, need not repeat mounts.jwt to know what the first one declared (see
// TestASecondConfigurationKnowsTheIssuersOfTheFirst). If two are bound to one issuer, or the usual one is there, none
// is believed.
func (s *server) learnIssuers(ctx context.Context, at *site) error {
	found := map[string]string{}
	for path, m := range at.auth {
		mount := strings.TrimSuffix(path, "/")
		if !m.isOursOf(mount, "jwt") || isUsualJWT.MatchString(mount) || s.configured(mount) {
			continue
		}
		var t trust
		err := s.client.Get(ctx, "auth/"+mount+"/config", &t)
		if err != nil && !errors.Is(err, access.ErrNotPermitted) && !client.Unheard(err) {
			return err
		}
		named := cmp.Or(t.Issuer, t.Discovery)
		if named == "" {
			continue
		}
		issuer := access.PlainIssuer(named)
		_, twice := found[issuer]
		_, usual := at.auth[usualJWT(named)+"/"]
		if found[issuer] = mount; twice || usual {
			found[issuer] = ""
		}
	}
	maps.DeleteFunc(found, func(_, mount string) bool { return mount == "" })
	s.learning.Lock()
	defer s.learning.Unlock()
	s.issuers = found
	return nil
}

// ours reports whether an auth method is one of an issuer that partners come from.
func (s *server) ours(mount string) bool {
	return strings.HasPrefix(mount, jwtPrefix) || s.configured(mount) || s.learned(mount)
}

// configured reports whether the configuration names an auth method for an issuer.
func (s *server) configured(mount string) bool {
	return slices.Contains(slices.Collect(maps.Values(s.options.Mounts.JWT)), mount)
}

// learned reports whether it is the auth method of an issuer that the configuration does not name.
func (s *server) learned(mount string) bool {
	s.learning.Lock()
	defer s.learning.Unlock()
	return slices.Contains(slices.Collect(maps.Values(s.issuers)), mount)
}

// Enter looks at the server for the first time, with a short patience: what is wrong with the way there, or with the
// login, is told once and soon.
func (s *server) Enter(ctx context.Context) error {
	return s.client.Enter(ctx, func(ctx context.Context) error {
		_, err := s.lookOnce(ctx)
		return err
	})
}

// Address returns where OpenBao is asked.
func (s *server) Address() string { return s.client.Address() }

// Now returns the server's time: this machine's, moved by how far the server's clock is from it if that is more than a
// second. OpenBao ends access by its own clock, so all ends are judged by that one.
func (s *server) Now(ctx context.Context) (time.Time, error) {
	if _, known := s.client.Skew(); !known {
		if _, err := s.lookOnce(ctx); err != nil {
			return time.Time{}, fmt.Errorf("what time is it: %w", err)
		}
	}
	return s.now(), nil
}

// now is Now, by the last answer; before the first one it is this machine's time.
func (s *server) now() time.Time {
	skew, _ := s.client.Skew()
	return access.WallClock().Add(skew)
}

// Skew returns how far the server's clock is ahead of this machine's; known after the first request.
func (s *server) Skew() (time.Duration, bool) { return s.client.Skew() }
