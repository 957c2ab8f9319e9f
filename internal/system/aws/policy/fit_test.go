// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func grantsOf(n int, endOf func(int) time.Time) (all []access.Granted) {
	for i := range n {
		all = append(all, access.Granted{EndsAt: endOf(i), Grant: &access.Grant{
			Name:     fmt.Sprintf("g%03d", i),
			Resource: access.Pattern(fmt.Sprintf("arn:aws:s3:::partner-exchange/acme/folder-%03d/*", i)),
			Actions:  []string{"list", "read"},
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
		if !errors.As(err, &misfit) ||
			misfit.Fit != c.most ||
			misfit.Have != c.most+1 ||
			!strings.Contains(err.Error(), "Merge grants") {
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

// To end one of many grants of one end earlier takes a statement more. It was refused by IAM where that did not fit,
// and the grant went on.
func TestWhatDoesNotFitGivesNothingAndTheRestStands(t *testing.T) {
	key := &access.Credential{Terms: until(noon.Add(9999 * time.Hour)), Secret: &access.SecretRequest{}}
	room := Room(key)
	var grants []Grant
	for _, g := range grantsOf(19, func(int) time.Time { return noon }) {
		grants = append(grants, Grant{Name: g.Name, Resource: g.Resource, Actions: g.Actions, EndsAt: g.EndsAt})
	}
	whole, left, err := CompileFitting(grants, key.ExpiresAt.Time, Words{}, room)
	if err != nil || len(left) > 0 || whole.Size() > room {
		t.Fatalf("what fits: %v, %v, %d of %d", left, err, whole.Size(), room)
	}
	for _, c := range []struct {
		says    string
		shorter []int
		left    []string
	}{
		{"one ends earlier", []int{7}, []string{"g007"}},
		{"two end earlier, together", []int{7, 8}, []string{"g007", "g008"}},
	} {
		t.Run(c.says, func(t *testing.T) {
			less := slices.Clone(grants)
			for _, n := range c.shorter {
				less[n].EndsAt = noon.Add(-time.Hour)
			}
			d, left, err := CompileFitting(less, key.ExpiresAt.Time, Words{}, room)
			if err != nil || !slices.Equal(left, c.left) || d.Size() > room {
				t.Fatalf("left out: %v, %v, %d of %d", left, err, d.Size(), room)
			}
			allows := iamRead(t, d.JSON())
			for n, g := range less {
				r := request{
					action:   "s3:GetObject",
					resource: strings.TrimSuffix(string(g.Resource), "*") + "file",
					now:      noon.Add(-2 * time.Hour),
				}
				if got := iamAllows(t, allows, r); got == slices.Contains(c.shorter, n) {
					t.Errorf("%s is allowed: %v", g.Name, got)
				}
			}
		})
	}
}
