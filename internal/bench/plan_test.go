// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// The calls that Terraform makes for a plan of 3,000 resources, in this process: to profile what is ours.
//
//	go test -run - -bench NoOpPlan -cpuprofile cpu.prof ./internal/bench && go tool pprof -top -cum cpu.prof
const benchmarked = 3000

func BenchmarkNoOpPlan(b *testing.B) {
	ctx := b.Context()
	w, all := lived(ctx, b, benchmarked)
	newProvider := provider.New("bench", access.WallClock)
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		walk, err := startWalk(ctx, newProvider, w.provider)
		if err != nil {
			b.Fatal(err)
		}
		err = w.each(10, func(at int, r *block) error {
			now, err := walk.refresh(ctx, r, all[at])
			if err != nil {
				return err
			}
			return walk.keep(ctx, r, now)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	ctx := b.Context()
	w, err := newWorld(benchmarked, b.TempDir(), access.WallClock())
	if err != nil {
		b.Fatal(err)
	}
	walk, err := startWalk(ctx, provider.New("bench", access.WallClock), w.provider)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		err := w.each(10, func(_ int, r *block) error {
			config, err := encode(walk.types[r.resource()], valueOf(walk.types[r.resource()], r.arguments))
			if err != nil {
				return err
			}
			answer, err := walk.server.ValidateResourceConfig(ctx,
				&tfprotov6.ValidateResourceConfigRequest{TypeName: r.resource(), Config: config})
			if err != nil {
				return err
			}
			return failure(answer.Diagnostics)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFirstApply(b *testing.B) {
	ctx := b.Context()
	b.ReportAllocs()
	defer reportCPU(b)()
	for b.Loop() {
		w, err := newWorld(900, b.TempDir(), access.WallClock())
		if err != nil {
			b.Fatal(err)
		}
		walk, err := startWalk(ctx, provider.New("bench", access.WallClock), w.provider)
		if err != nil {
			b.Fatal(err)
		}
		err = w.each(10, func(_ int, r *block) error {
			_, err := walk.create(ctx, r)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// A synthesised state is one that a plan has nothing to add to.
func TestSynthesisedStatePlansEmpty(t *testing.T) {
	ctx := t.Context()
	w, all := lived(ctx, t, 30)
	walk, err := startWalk(ctx, provider.New("bench", access.WallClock), w.provider)
	if err != nil {
		t.Fatal(err)
	}
	err = w.each(1, func(at int, b *block) error {
		now, err := walk.refresh(ctx, b, all[at])
		if err != nil {
			return err
		}
		return walk.keep(ctx, b, now)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStateFileHoldsWhatTheProviderReturned(t *testing.T) {
	object := tftypes.Object{AttributeTypes: map[string]tftypes.Type{
		"text": tftypes.String, "none": tftypes.String, "number": tftypes.Number,
		"set": tftypes.Set{ElementType: tftypes.String},
	}}
	got, err := plain(tftypes.NewValue(object, map[string]tftypes.Value{
		"text": tftypes.NewValue(tftypes.String, "a"), "none": tftypes.NewValue(tftypes.String, nil),
		"number": tftypes.NewValue(tftypes.Number, 3),
		"set":    valueOf(tftypes.Set{ElementType: tftypes.String}, []string{"b"}),
	}))
	if err != nil {
		t.Fatal(err)
	}
	values := got.(map[string]any)
	if *values["text"].(*string) != "a" ||
		values["none"] != nil ||
		values["number"] != json.Number("3") ||
		*values["set"].([]any)[0].(*string) != "b" {
		t.Errorf("got %v", values)
	}
}

// reportCPU reports the processor time from now to the call of what it returns: on a busy machine, it says more
// than the time that passed.
func reportCPU(b *testing.B) func() {
	before := usedCPU(b)
	return func() { b.ReportMetric((usedCPU(b)-before).Seconds()/float64(b.N), "cpu-s/op") }
}

func usedCPU(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func lived(ctx context.Context, t testing.TB, resources int) (*world, []held) {
	t.Helper()
	w, err := newWorld(resources, t.TempDir(), access.WallClock())
	if err != nil {
		t.Fatal(err)
	}
	all, _, err := applied(ctx, provider.New("bench", access.WallClock), w)
	if err != nil {
		t.Fatal(err)
	}
	return w, all
}

// refresh reads a resource.
func (w *walk) refresh(ctx context.Context, b *block, h held) (held, error) {
	answer, err := w.server.ReadResource(ctx,
		&tfprotov6.ReadResourceRequest{TypeName: b.resource(), CurrentState: h.state, Private: h.private})
	if err != nil {
		return held{}, err
	}
	if answer.NewState == nil || answer.NewState.MsgPack == nil {
		return held{}, fmt.Errorf("%s was not read", b.id)
	}
	return held{answer.NewState, answer.Private}, failure(answer.Diagnostics)
}

// keep plans a resource whose configuration did not change, and fails where the plan would change it.
func (w *walk) keep(ctx context.Context, b *block, h held) error {
	t := w.types[b.resource()]
	before, err := h.state.Unmarshal(t)
	if err != nil {
		return err
	}
	plan, err := w.plan(ctx, b, before, valueOf(t, b.arguments), h)
	if err != nil || bytes.Equal(plan.state.MsgPack, h.state.MsgPack) {
		return err
	}
	after, err := plan.state.Unmarshal(t)
	if err != nil {
		return err
	}
	differences, err := before.Diff(after) // a map may be written in another order
	if err == nil && len(differences) > 0 {
		err = fmt.Errorf("%s would be changed: %v", b.id, differences)
	}
	return err
}

// The hollow provider was handed the private part of ours once it was packed, which the framework cannot read: nothing
// was measured.
func TestOnlyOurStateHasAPrivatePart(t *testing.T) {
	ctx := t.Context()
	w, err := newWorld(10, t.TempDir(), access.WallClock())
	if err != nil {
		t.Fatal(err)
	}
	all, walk, err := applied(ctx, provider.New("bench", access.WallClock), w)
	if err != nil {
		t.Fatal(err)
	}
	for address, private := range map[string]bool{partnerAddress: true, hollowAddress: false} {
		text, err := w.partnerState(walk, all, address)
		if err != nil {
			t.Fatal(err)
		}
		if has := bytes.Contains(text, []byte(`"private"`)); has != private {
			t.Errorf("the state of %s has a private part: %v", address, has)
		}
	}
}
