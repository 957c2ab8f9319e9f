// SPDX-License-Identifier: MPL-2.0

package access

import (
	"crypto/rsa"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// Decider is somebody who may decide on access, and the keys by whose signatures they do.
type Decider struct {
	// Address is who it is: an e-mail address.
	Address string `json:"address"`
	// Keys are the public keys that they sign with. Keys of other deciders are none of these.
	Keys []DeciderKey `json:"keys"`
	// Partners and Owners are whose access they may decide on: of these partners, that these
	// addresses own; empty: of all.
	Partners []string `json:"partners,omitempty"`
	Owners   []string `json:"owners,omitempty"`
	// Until is when they stop being a decider.
	Until Moment `json:"until"`
	// DecidesOwn: they may decide on what they own themselves.
	DecidesOwn bool `json:"decides_own,omitempty"`
}

// DeciderKey is one public key of a decider.
type DeciderKey struct {
	// Key is a line of authorized_keys, without options.
	Key string `json:"key"`
	// ValidAfter and ValidBefore are from when until when it signs; zero: from ever, and as long as the decider is one.
	ValidAfter  Moment `json:"valid_after,omitzero"`
	ValidBefore Moment `json:"valid_before,omitzero"`
	// Revoked: nothing that it signed counts any more, whenever it says that it did.
	Revoked bool `json:"revoked,omitempty"`
}

// Covers reports whether the decider may decide on access of a partner that somebody owns, as far as
// partners and owners go.
func (d *Decider) Covers(partner, owner string) bool {
	ours := func(o string) bool { return SameAddress(o, owner) }
	return (len(d.Partners) == 0 || slices.Contains(d.Partners, partner)) &&
		(len(d.Owners) == 0 || slices.ContainsFunc(d.Owners, ours))
}

// InForce says why a key of the decider does not sign at a moment; "" where it does.
func (d *Decider) InForce(k *DeciderKey, at time.Time) string {
	switch {
	case k.Revoked:
		return "the key is revoked"
	case !k.ValidAfter.IsZero() && at.Before(k.ValidAfter.Time):
		return fmt.Sprintf("the key is valid only after %s", k.ValidAfter)
	case !k.ValidBefore.IsZero() && !at.Before(k.ValidBefore.Time):
		return fmt.Sprintf("the key was valid before %s only", k.ValidBefore)
	case !at.Before(d.Until.Time):
		return fmt.Sprintf("%s is a decider until %s only", d.Address, d.Until)
	}
	return ""
}

// leastRSA is how many bits an RSA key of a decider has at least.
const leastRSA = 2048

// ParseDeciderKey reads the public key that a decider signs with, and refuses one whose signatures prove nothing.
func ParseDeciderKey(line string) (material.SSHKey, error) {
	key, err := material.ParseSSHKey(line)
	if err != nil {
		return key, err
	}
	return key, SoundKey(key.PublicKey)
}

// SoundKey says why signatures of a key prove nothing; nil: they do.
func SoundKey(key ssh.PublicKey) error {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKED25519,
		ssh.KeyAlgoSKECDSA256:
		return nil
	case ssh.KeyAlgoRSA:
		plain, _ := key.(ssh.CryptoPublicKey)
		if public, ok := plain.CryptoPublicKey().(*rsa.PublicKey); ok && public.N.BitLen() < leastRSA {
			return fmt.Errorf("it is an RSA key of %d bits, and %d are the least: make an Ed25519 key (ssh-keygen "+
				"-t ed25519)", public.N.BitLen(), leastRSA)
		}
		return nil
	}
	return fmt.Errorf("keys of the kind %s sign nothing here: make an Ed25519 key (ssh-keygen -t ed25519), or -t "+
		"ed25519-sk on a hardware key", key.Type())
}

// DeciderFault is what is wrong with one of several deciders.
type DeciderFault struct {
	// Decider is its index, Argument which of its arguments is wrong, such as keys[0].key.
	Decider  int
	Argument string
	Problem  string
}

// CheckDeciders says what is wrong with deciders: with each by itself, and between them, where one key or address
// would be two people's.
func CheckDeciders(deciders []Decider) []DeciderFault {
	var faults []DeciderFault
	keys, addresses := map[string]string{}, []string{}
	for n := range deciders {
		d := &deciders[n]
		add := func(argument, format string, values ...any) {
			faults = append(faults, DeciderFault{n, argument, fmt.Sprintf(format, values...)})
		}
		if slices.ContainsFunc(addresses, func(a string) bool { return SameAddress(a, d.Address) }) {
			add("address", "%q is a decider already: give all keys of one person in one decider", d.Address)
		}
		addresses = append(addresses, d.Address)
		d.check(add)
		for k := range d.Keys {
			d.Keys[k].check(fmt.Sprintf("keys[%d].", k), add)
			key, err := ParseDeciderKey(d.Keys[k].Key)
			if err != nil {
				add(fmt.Sprintf("keys[%d].key", k), "%s", err)
				continue
			}
			if whose, twice := keys[key.Line()]; twice {
				add(fmt.Sprintf("keys[%d].key", k),
					"it is a key of %s already: what it signs would be two people's, or two rules' for one", whose)
			}
			keys[key.Line()] = d.Address
		}
	}
	return faults
}

// check tells each fault of one decider. Whether a key is two people's, only the list of all of them tells.
func (d *Decider) check(add func(argument, format string, values ...any)) {
	if _, ok := ParseAddress(d.Address); !ok {
		add("address", "%q is not one e-mail address: write it as jane.doe@example.com", d.Address)
	}
	if len(d.Keys) == 0 {
		add("keys", "there are none: write the lines of the .pub files that they sign with")
	}
	if d.Until.IsZero() {
		add("until", "it is not set: write until when they decide")
	}
	for n, p := range d.Partners {
		if !ValidPart(p) {
			add(fmt.Sprintf("partners[%d]", n),
				"%q is no partner: write its name as in ids, of a-z 0-9 - and at most 63 characters", p)
		}
	}
	for n, o := range d.Owners {
		if _, ok := ParseAddress(o); !ok {
			add(fmt.Sprintf("owners[%d]", n), "%q is not one e-mail address: write it as jane.doe@example.com", o)
		}
	}
}

func (k *DeciderKey) check(at string, add func(argument, format string, values ...any)) {
	if !k.ValidAfter.IsZero() &&
		!k.ValidBefore.IsZero() &&
		!k.ValidAfter.Before(k.ValidBefore.Time) {
		add(at+"valid_before", "%s is not after valid_after, which is %s: the key would sign at no time", k.ValidBefore,
			k.ValidAfter)
	}
}

// The kinds of decisions that a signature can be asked for.
const (
	SignedReview  = "review"
	SignedWaiver  = "waiver"
	SignedRelease = "hold_release"
)

// SignedKinds returns the kinds of decisions that a signature can be asked for.
func SignedKinds() []string { return []string{SignedReview, SignedWaiver, SignedRelease} }
