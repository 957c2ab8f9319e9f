package openbao

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// server is where OpenBao is, with what was found out about it.
type server struct {
	client  *client.Client
	options Options

	probing sync.Mutex // held while the server is looked at, or a mount is made
	found   *site

	learning sync.Mutex        // guards what follows
	issuers  map[string]string // the auth methods of issuers that the configuration does not name, as learnIssuers found them
}

// mounting makes the auth methods that are missing, where the configuration says so.
type mounting struct {
	*server
	store     *policies
	mountedAt func(*access.Credential) string
}

// site is what was found out about the server, once in a process.
type site struct {
	version release
	// cluster: others may answer, from a state that is a little old.
	cluster bool
	// auth and engines are what is mounted where: "partner-approle/" without auth/ before it.
	auth, engines map[string]mounted
	// children are the namespaces below ours: "team-a/". unlisted: this login may not see them.
	children []string
	unlisted bool
	// authorities are the serials of those in each other engine that signs certificates, by its path.
	authorities map[string][]string
	looked      time.Time // when it was asked for engines and what is in them, and for children
}

type mounted struct {
	Type        string            `json:"type"`
	Accessor    string            `json:"accessor"`
	Description string            `json:"description"`
	Options     map[string]string `json:"options"`
}

// mountDescription is what is written beside the mounts that this package makes.
const mountDescription = "Partner access"

// release is a version of OpenBao.
type release [3]int

// What OpenBao has to have. Before 2.6 no listing returns policies with their text, and the workflows are missing; paths
// of policies expire since 2.3, and CEL roles came in between. Only a part of what this package needs was there before.
var (
	oldest = release{2, 6, 0}
	// promptSecrets is the first version known to check the end of a secret id at login. Before, the tidy removes it, each
	// minute.
	promptSecrets = release{2, 7, 2}
)

func parseRelease(text string) (r release, err error) {
	core, _, _ := strings.Cut(strings.TrimPrefix(text, "v"), "-")
	core, _, _ = strings.Cut(core, "+")
	parts := strings.Split(core, ".")
	if len(parts) != len(r) {
		return r, fmt.Errorf("%q is no version", text)
	}
	for i, p := range parts {
		if r[i], err = strconv.Atoi(p); err != nil {
			return r, fmt.Errorf("%q is no version", text)
		}
	}
	return r, nil
}

func (r release) before(o release) bool {
	for i := range r {
		if r[i] != o[i] {
			return r[i] < o[i]
		}
	}
	return false
}

func (r release) String() string { return fmt.Sprintf("%d.%d.%d", r[0], r[1], r[2]) }

// site looks at the server, once.
func (s *server) site(ctx context.Context) (*site, error) {
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
	at, err := s.site(ctx)
	if err != nil {
		return false, err
	}
	return at.cluster, nil
}

// onCluster reports whether others may answer, as far as is known.
func (s *server) onCluster() bool {
	s.probing.Lock()
	defer s.probing.Unlock()
	return s.found != nil && s.found.cluster
}

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
		return nil, fmt.Errorf("%w: the server does not say which version of OpenBao it is: %w", access.ErrUnsupported, err)
	}
	// HashiCorp Vault answers the same paths, with versions of 1.x.
	if at.version.before(oldest) {
		return nil, fmt.Errorf("%w: the server is of version %s. It takes OpenBao %s or later, whose policies end path by path, and whose CEL roles "+
			"know the time: nothing else could end access natively. HashiCorp Vault has neither", access.ErrUnsupported, at.version, oldest)
	}
	return at, s.look(ctx, at)
}

// look asks for what does not depend on the version, side by side.
func (s *server) look(ctx context.Context, at *site) error {
	var leader struct {
		Cluster bool `json:"ha_enabled"`
	}
	var errs [3]error
	var all sync.WaitGroup
	all.Go(func() { errs[0] = s.client.Get(ctx, "sys/leader", &leader) })
	all.Go(func() { errs[1] = s.client.Get(ctx, "sys/auth", &at.auth) })
	all.Go(func() { errs[2] = s.lookAround(ctx, at) })
	all.Wait()
	at.cluster = leader.Cluster
	return cmp.Or(errs[:]...)
}

// lookAround asks for all that a grant can reach. What it finds takes the place of what was found before.
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
	at.engines, at.children, at.authorities = engines, below.Names, s.authoritiesIn(ctx, engines)
	at.unlisted, at.looked = unlisted, begun
	return nil
}

// missing is a mount that is not there, with the commands that make it.
func missing(path string, commands ...string) error {
	return fmt.Errorf("%w: nothing is mounted at %s. Run\n\n    %s\n\nor set bootstrap = true, with a login that may do so",
		access.ErrUnsupported, path, strings.Join(commands, "\n    "))
}

// disabled is an auth method that is not there any more.
func disabled(path string, commands ...string) error {
	return fmt.Errorf("%w: nothing is mounted at auth/%s, and credentials log in there: somebody disabled it. What was cut by hand stays cut, also with "+
		"bootstrap = true. To let all of them in again, run\n\n    %s\n\nand apply", access.ErrUnsupported, path, strings.Join(commands, "\n    "))
}

// mounted reports whether an auth method was there when it was last asked.
func (s *server) mounted(at *site, path string) bool {
	s.probing.Lock()
	defer s.probing.Unlock()
	return at.auth[path+"/"].Accessor != ""
}

// logsInBy reports whether a credential logs in by an auth method, so that it was there.
func (mt *mounting) logsInBy(ctx context.Context, path string) (bool, error) {
	snap, err := mt.store.View(ctx)
	if err != nil {
		return false, err
	}
	for _, e := range snap.Ledger {
		if c, is := e.Credential(); is && !e.Removed() && !access.IsShadow(c.IdentityID.Partner) && mt.mountedAt(c) == path && snap.Ledger.End(e).After(mt.now()) {
			return true, nil
		}
	}
	return false, nil
}

// lookAgain asks what is mounted, as another process may have made it; ErrNotFound where an auth method is not there.
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

// authMount is the accessor of an auth method, which is made where it is missing and the configuration says so.
func (mt *mounting) authMount(ctx context.Context, path, kind string, settle func(context.Context) error, commands ...string) (accessor string, err error) {
	at, err := mt.site(ctx)
	if err != nil {
		return "", err
	}
	used := false
	if mt.options.Bootstrap && !mt.mounted(at, path) {
		if used, err = mt.logsInBy(ctx, path); err != nil {
			return "", err
		}
	}
	mt.probing.Lock()
	defer mt.probing.Unlock()
	if used {
		if err := mt.lookAgain(ctx, at, path); client.Gone(err) != nil {
			return "", err
		}
	}
	if m, found := at.auth[path+"/"]; found {
		if m.Type != kind {
			return "", fmt.Errorf("%w: at auth/%s is the auth method %s, where %s belongs", access.ErrUnsupported, path, m.Type, kind)
		}
		return m.Accessor, nil
	}
	commands = append([]string{fmt.Sprintf("bao auth enable -path=%s -max-lease-ttl=%dh %s", path, int(longestSecret.Hours()), kind)}, commands...)
	switch {
	case used:
		return "", disabled(path, commands...)
	case !mt.options.Bootstrap:
		return "", missing("auth/"+path, commands...)
	}
	config := map[string]any{"type": kind, "description": mountDescription, "config": map[string]any{"max_lease_ttl": longestSecret.String()}}
	if err := mt.client.Put(ctx, "sys/auth/"+path, config, nil); err != nil && !taken(err) {
		return "", err
	}
	if settle != nil {
		if err := mt.settled(ctx, at, func() error { return settle(ctx) }); err != nil {
			return "", err
		}
	}
	return at.auth[path+"/"].Accessor, mt.lookAgain(ctx, at, path)
}

// longestSecret is the most that a secret id may live: what the rules allow a credential, and some.
const longestSecret = 2 * 366 * 24 * time.Hour

// settled repeats what may fail on a standby for as long as it has not heard of what was just written.
func (s *server) settled(ctx context.Context, at *site, ask func() error) error {
	return store.Settled(ctx, at.cluster, ask)
}

// jwtMount is the auth method of an issuer: each has its own, so that one can be turned off for all who come from there.
func (s *server) jwtMount(issuer string) string {
	if path, named := s.options.Mounts.JWT[issuer]; named {
		return path
	}
	s.learning.Lock()
	path, learned := s.issuers[plainIssuer(issuer)]
	s.learning.Unlock()
	if learned {
		return path
	}
	return usualJWT(issuer)
}

// jwtPrefix begins the names of issuers' auth methods where a configuration says nothing else.
const jwtPrefix = "partner-jwt-"

func usualJWT(issuer string) string {
	sum := sha256.Sum256([]byte(issuer))
	return jwtPrefix + hex.EncodeToString(sum[:6])
}

// isUsualJWT matches the names that usualJWT gives.
var isUsualJWT = regexp.MustCompile("^" + jwtPrefix + "[0-9a-f]{12}$")

// learnIssuers finds out which auth methods of partner access have other names than the usual: a second configuration, such as one
// that only takes the inventory, need not repeat mounts.jwt to know what the first one declared. Where two are bound to one
// issuer, or the usual one is there, none is believed.
func (s *server) learnIssuers(ctx context.Context, at *site) error {
	found := map[string]string{}
	for path, m := range at.auth {
		mount := strings.TrimSuffix(path, "/")
		ours := strings.HasPrefix(mount, jwtPrefix) || m.Description == mountDescription
		if m.Type != "jwt" || !ours || isUsualJWT.MatchString(mount) || s.configured(mount) {
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
		issuer := plainIssuer(named)
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

var _ access.Furnished = (*System)(nil)

// Lacks are the mounts that a new credential needs and that are missing, or are not what belongs there. Where the configuration
// lets it make what it misses, only what somebody disabled is lacking.
func (cs *credentials) Lacks(ctx context.Context, c *access.Credential) (lacks []string, err error) {
	looks := []func() error{func() error { _, _, err := cs.aliasOf(ctx, c, false); return err }}
	if c.Kind() == access.Certificate {
		looks = append(looks, func() error { _, err := cs.certs.authority(ctx); return err })
	}
	if cs.options.Bootstrap {
		at, err := cs.site(ctx)
		if err != nil {
			return nil, fmt.Errorf("what %s needs: %w", c.Ref(), err)
		}
		if cs.mounted(at, cs.mountOf(c)) {
			return nil, nil
		}
		if used, err := cs.mounts.logsInBy(ctx, cs.mountOf(c)); err != nil || !used {
			return nil, err
		}
		looks = looks[:1]
	}
	for _, look := range looks {
		switch err := look(); {
		case errors.Is(err, access.ErrUnsupported):
			lacks = append(lacks, strings.TrimPrefix(err.Error(), access.ErrUnsupported.Error()+": "))
		case err != nil:
			return nil, fmt.Errorf("what %s needs: %w", c.Ref(), err)
		}
	}
	return lacks, nil
}
