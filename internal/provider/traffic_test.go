// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// hurried is traffic that gives up soon.
func hurried(after time.Duration) *traffic {
	t := newTraffic()
	t.quiet = after
	return t
}

func TestACallWaitsForWhatAnotherOneBrings(t *testing.T) {
	tr := hurried(time.Hour)
	ctx, leave := tr.enter(t.Context())
	defer leave()
	var came atomic.Bool
	go func() {
		_, leave := tr.enter(context.Background())
		came.Store(true)
		leave()
	}()
	if !tr.until(ctx, came.Load) {
		t.Error("it did not come")
	}
	if !tr.free() {
		t.Error("nobody saw that Terraform makes two calls at once")
	}
}

// Two that wait for each other give up together, and the first that gives up gives the other one no more time.
func TestCallsThatWaitForEachOtherGiveUp(t *testing.T) {
	tr := hurried(10 * time.Millisecond)
	done := make(chan bool)
	for range 2 {
		ctx, leave := tr.enter(t.Context())
		go func() {
			came := tr.until(ctx, func() bool { return false })
			leave()
			done <- came
		}()
	}
	if first, second := <-done, <-done; first || second {
		t.Error("something came")
	}
	if tr.running != 0 || tr.waiting != 0 {
		t.Errorf("%d run, %d wait", tr.running, tr.waiting)
	}
}

// A call that works is no silence, however long it takes.
func TestNobodyGivesUpWhileSomethingIsUnderWay(t *testing.T) {
	tr := hurried(time.Nanosecond)
	_, leave := tr.enter(t.Context())
	ctx, stop := context.WithCancel(t.Context())
	ctx, leaveToo := tr.enter(ctx)
	defer leaveToo()
	gave := make(chan bool)
	go func() { gave <- tr.until(ctx, func() bool { return false }) }()
	select {
	case <-gave:
		t.Error("it gave up")
	default:
	}
	leave()
	if <-gave {
		t.Error("nothing came")
	}
	stop()
}

// Where Terraform makes one call at a time, nothing is concluded from the silence.
func TestOneCallAtATimeSaysNothing(t *testing.T) {
	tr := hurried(time.Nanosecond)
	for range 3 {
		ctx, leave := tr.enter(t.Context())
		if tr.until(ctx, func() bool { return false }) || tr.free() {
			t.Error("there is room for what does not come")
		}
		leave()
	}
}
