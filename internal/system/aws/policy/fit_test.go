// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func grantsOf(n int, endOf func(int) time.Time) (all []access.Granted) {
	for i := range n {
		all = append(all, access.Granted{EndsAt: endOf(i), Grant: &access.Grant{
			Name: fmt.Sprintf("g%03d", i), Resource: access.Pattern(fmt.Sprintf("arn:aws:s3:::partner-exchange/acme/folder-%03d/*", i)),
			Actions: []string{"list", "read"},
		}})
	}
	return all
}

func until(t time.Time) access.Terms { return access.Terms{ExpiresAt: access.At(t)} }

func TestWhatDoesNotFitIsRefusedWithHowManyFit(t *testing.T) {
	each := func(i int) time.Time { return noon.Add(time.Duration(i) * time.Hour) }
	same := func(int) time.Time { return noon }
	key := &access.Credential{Terms: until(noon.Add(9999 * time.Hour)), Secret: &access.SecretRequest{}}
	role := &access.Credential{Terms: until(noon.Add(9999 * time.Hour)), Federated: &access.FederatedTrust{}}
	for _, c := range []struct {
		says string
		of   *access.Credential
		ends func(int) time.Time
		most int
	}{
		{"a key, each grant with an end of its own", key, each, 4},
		{"a key, all grants with one end", key, same, 19},
		{"a role, each grant with an end of its own", role, each, 25},
		{"a role, all grants with one end", role, same, 136},
	} {
		if err := (Words{}).CheckWhole([]*access.Credential{c.of}, grantsOf(c.most, c.ends)); err != nil {
			t.Errorf("%s: %d do not fit: %v", c.says, c.most, err)
		}
		var misfit *Misfit
		err := (Words{}).CheckWhole([]*access.Credential{c.of}, grantsOf(c.most+1, c.ends))
		if !errors.As(err, &misfit) || misfit.Fit != c.most || misfit.Have != c.most+1 || !strings.Contains(err.Error(), "Unite grants") {
			t.Errorf("%s: %v, want %d of %d", c.says, err, c.most, c.most+1)
		}
	}
}

func TestWhatEndsAndCutsAlwaysFitsBesideTheGrants(t *testing.T) {
	networks := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/48")}
	for _, c := range []*access.Credential{
		{Terms: until(noon), Secret: &access.SecretRequest{}, AllowedCIDRs: networks},
		{Terms: until(noon), Federated: &access.FederatedTrust{}, AllowedCIDRs: networks},
	} {
		_, most := quota(c.Kind())
		if all := Room(c) + End(noon, networks).Size() + Cut().Size() + Cut().Size(); all != most {
			t.Errorf("%s: %d of %d", c.Kind(), all, most)
		}
	}
}
