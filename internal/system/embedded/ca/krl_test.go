// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"slices"
	"testing"
)

func TestTheKeyRevocationListIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	a := authority(t)
	for _, serials := range [][]uint64{nil, {7}, {1, 2, 1<<64 - 1}} {
		list, err := a.KRL(serials, 3, now)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := RevokedSerials(list); err != nil || !slices.Equal(got, serials) {
			t.Errorf("%v was read as %v, %v", serials, got, err)
		}
		const empty = 44 // bytes, of a list that revokes nothing
		for cut := range len(list) {
			if got, err := RevokedSerials(list[:cut]); err == nil && cut != empty {
				t.Errorf("%v, cut off after %d bytes, was read as %v", serials, cut, got)
			}
		}
	}
	if _, err := RevokedSerials([]byte("ssh-ed25519 AAAA")); err == nil {
		t.Error("a list of keys was read as one of certificates")
	}
}
