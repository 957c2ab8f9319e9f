// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A directory that was restored from a backup, with its publication, is the same system. What the state knows
// to be made since is not gone: gateways may go by the newer one. It was dropped from the state, and a destroy
// said that it was complete.
func TestAnOlderCopyOfTheDirectoryHasDestroyedNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.protocol(alone)
	var states []stated
	backup := filepath.Join(t.TempDir(), "backup")
	newer := filepath.Join(t.TempDir(), "newer")
	for _, kind := range believedKinds {
		if kind == "partner_credential" {
			copied(t, w.directory, backup)
			w.passes(time.Hour)()
		}
		made, refused := p.made(kind, declared(nil)[kind], nil)
		if len(refused) > 0 {
			t.Fatal(refused)
		}
		states = append(states, *made)
	}
	copied(t, w.directory, newer)
	if err := os.RemoveAll(w.directory); err != nil {
		t.Fatal(err)
	}
	copied(t, backup, w.directory)
	identity, made := states[0], states[1:]
	older := w.protocol(alone)
	for _, refresh := range []bool{true, false} {
		errors, dropped := older.destroyedOf(made, refresh)
		want := 2 // each to be revoked, and to be read before
		if refresh {
			want = 4
		}
		if len(errors) != want || len(dropped) > 0 {
			t.Errorf("refresh %v: a destroy: %q, dropped %q", refresh, errors, dropped)
		}
		for _, e := range errors {
			if !strings.Contains(e, "it is an older copy") {
				t.Errorf("refresh %v: %s", refresh, e)
			}
		}
	}
	if refused := older.planOf(declared(nil), states, true); len(refused) != 2 {
		t.Errorf("a plan: %q", refused)
	}
	w.passes(24 * 365 * time.Hour)() // what has ended is no matter, and what is there goes
	if errors, _ := older.destroyedOf(made, true); len(errors) > 0 {
		t.Errorf("after the end: %q", errors)
	}
	if errors, _ := older.destroyedOf([]stated{identity}, false); len(errors) > 0 {
		t.Errorf("what it holds: %q", errors)
	}
	w.passes(-24 * 365 * time.Hour)()

	if err := os.RemoveAll(w.directory); err != nil {
		t.Fatal(err)
	}
	copied(t, newer, w.directory)
	if errors, dropped := w.protocol(alone).destroyed(states, true); len(errors) > 0 || len(dropped) > 0 {
		t.Errorf("with the newer one: %q, dropped %q", errors, dropped)
	}
	// What is gone in the right one is gone, also where a state did not hear of it.
	if errors, _ := w.protocol(alone).destroyed(states, true); len(errors) > 0 {
		t.Errorf("destroyed twice: %q", errors)
	}
}
