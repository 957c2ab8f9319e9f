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

// caLife is how long the authority lives that bootstrap makes.
const caLife = 10 * 366 * 24 * time.Hour

// mounting makes the auth methods that are missing, where the configuration says so.
type mounting struct {
	*server
	store     *policies
	mountedAt func(*access.Credential) string
}

// missing returns a mount that is not there, with the commands that make it.
func missing(path string, commands ...string) error {
	return fmt.Errorf("%w: nothing is mounted at %s. Run\n\n    %s\n\nor set bootstrap = true, with a login "+
		"that may do so",
		access.ErrUnsupported, path, strings.Join(commands, "\n    "))
}

// disabled returns an auth method that is not there any more.
func disabled(path string, commands ...string) error {
	return fmt.Errorf("%w: nothing is mounted at auth/%s, although credentials log in there: somebody disabled it. "+
		"What was cut by hand stays cut, even with bootstrap = true. To let all of them in again, run\n\n    "+
		"%s\n\nand apply", access.ErrUnsupported, path, strings.Join(commands, "\n    "))
}

// logsInBy reports whether a credential logs in by an auth method, so that it was there.
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

// authMount returns the accessor of an auth method, which is made where it is missing and the configuration says so.
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

// enableAuth makes an auth method, settles it, and returns its accessor.
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

// longestSecret is the most that a secret id may live: what the rules allow a credential, and some.
const longestSecret = 2 * 366 * 24 * time.Hour
