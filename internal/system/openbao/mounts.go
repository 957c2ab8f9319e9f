// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// Auth methods. One that is missing is made if the configuration says bootstrap, or is an error with the commands that
// make it. But one by which credentials log in was there before: somebody has disabled it, as the guide advises in an
// incident, and making it anew would let in everybody who came by it (see
// TestAnAuthMethodThatWasDisabledByHandStaysSo).

// caLife is how long the authority lives that bootstrap makes, and how long the list of what is revoked is good.
const caLife = 10 * 366 * 24 * time.Hour

// mounting makes the auth methods that are missing, if the configuration says so.
type mounting struct {
	*server
	store *policies
	// mountedAt returns the auth method of a credential. It is set once the kinds are made, which themselves need the
	// mounts.
	mountedAt func(*access.Credential) string
}

// missing returns ErrUnsupported for a mount that is not there, with the commands that make it.
func missing(path string, commands ...string) error {
	return fmt.Errorf("%w: nothing is mounted at %s. Run\n\n    %s\n\nor set bootstrap = true, with a login "+
		"that may do so",
		access.ErrUnsupported, path, strings.Join(commands, "\n    "))
}

// disabled returns ErrUnsupported for an auth method that is not there any more, with the commands that let all in
// again.
func disabled(path string, commands ...string) error {
	return fmt.Errorf("%w: nothing is mounted at auth/%s, although credentials log in there: somebody disabled it. "+
		"What was cut by hand stays cut, even with bootstrap = true. To let all of them in again, run\n\n    "+
		"%s\n\nand apply", access.ErrUnsupported, path, strings.Join(commands, "\n    "))
}

// logsInBy reports whether a credential that has not ended logs in by an auth method, so that it was there. Shadows do
// not count: a rehearsal may have died with its mount.
func (mt *mounting) logsInBy(ctx context.Context, path string) (bool, error) {
	snap, err := mt.store.View(ctx)
	if err != nil {
		return false, err
	}
	for _, e := range snap.Ledger {
		if c, ok := e.Credential(); ok &&
			!e.Removed() &&
			!access.IsShadow(c.IdentityID.Partner) &&
			mt.mountedAt(c) == path &&
			snap.Ledger.End(e).After(mt.now()) {
			return true, nil
		}
	}
	return false, nil
}

// authMount returns the accessor of an auth method of a kind, which is made if it is missing and the configuration says
// so. settle is what a new one needs before it is used, such as its issuer; commands are those of a person, after the
// one that enables it.
//
// The lock is held from the look to the making, so changes side by side make one. Before a method is called disabled,
// it is looked for once more: another process may have made it since.
func (mt *mounting) authMount(ctx context.Context, path, kind string, settle func(context.Context) error,
	commands ...string) (accessor string, err error) {
	at, err := mt.lookOnce(ctx)
	if err != nil {
		return "", err
	}
	used := false
	if mt.options.Bootstrap && !mt.isMounted(at, path) {
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
	if m, ok := at.auth[path+"/"]; ok && m.Type != kind {
		return "", fmt.Errorf("%w: auth/%s has the auth method %s instead of %s", access.ErrUnsupported, path, m.Type,
			kind)
	} else if ok {
		return m.Accessor, nil
	}
	commands = append([]string{fmt.Sprintf("bao auth enable -path=%s -max-lease-ttl=%dh %s", path,
		int(longestSecret.Hours()), kind)}, commands...)
	switch {
	case used:
		return "", disabled(path, commands...)
	case !mt.options.Bootstrap:
		return "", missing("auth/"+path, commands...)
	}
	return mt.enableAuth(ctx, at, path, kind, settle)
}

// enableAuth makes an auth method, settles it, and returns its accessor. One that another process has just made is as
// good.
func (mt *mounting) enableAuth(ctx context.Context, at *site, path, kind string,
	settle func(context.Context) error) (accessor string, err error) {
	config := map[string]any{
		"type":        kind,
		"description": mountDescription,
		"config":      map[string]any{"max_lease_ttl": longestSecret.String()},
	}
	if err := mt.client.Put(ctx, "sys/auth/"+path, config, nil); err != nil && !taken(err) {
		return "", err
	}
	if settle != nil {
		if err := mt.settled(ctx, at, func() error { return settle(ctx) }); err != nil {
			return "", err
		}
	}
	err = mt.lookAgain(ctx, at, path)
	return at.auth[path+"/"].Accessor, err
}

// longestSecret is the most that a secret id may live: what the rules allow a credential, and some. OpenBao caps it by
// the mount's max_lease_ttl (internal/builtin/credential/approle/validation.go, deriveSecretIDTTL), whose default is 32
// days.
const longestSecret = 2 * 366 * 24 * time.Hour
