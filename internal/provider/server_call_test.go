// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"runtime"
	"testing"
	"weak"
)

type heldKey struct{}

// The framework keeps a cancel function made of each call's context. What the context carried
// must be free all the same.
func TestACallThatIsOverHoldsNothing(t *testing.T) {
	carried := new([1 << 20]byte)
	carriedStill := weak.Make(carried)
	outer, stop := context.WithCancel(context.WithValue(context.Background(), heldKey{}, carried))
	var inner context.Context
	var keptByFramework context.CancelFunc
	_, err := during(outer, "request", func(ctx context.Context, _ string) (string, error) {
		inner, keptByFramework = context.WithCancel(ctx)
		if inner.Value(heldKey{}) != carried {
			t.Error("during the call its values are there")
		}
		return "", inner.Err()
	})
	if err != nil {
		t.Error(err)
	}
	stop()
	carried = nil
	runtime.GC()
	if carriedStill.Value() != nil {
		t.Error("what the call's context carried is held still")
	}
	if inner.Err() == nil || inner.Value(heldKey{}) != nil {
		t.Errorf("after the call its context is %v and has %v", inner.Err(), inner.Value(heldKey{}))
	}
	keptByFramework() // as an interrupt does to all calls, also those that are over
}

func TestACallEndsWithItsContext(t *testing.T) {
	outer, stop := context.WithCancel(context.Background())
	_, err := during(outer, "request", func(ctx context.Context, _ string) (string, error) {
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		stop()
		<-inner.Done()
		return "", inner.Err()
	})
	if err == nil {
		t.Error("the call went on")
	}
}
