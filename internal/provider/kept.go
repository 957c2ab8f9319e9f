package provider

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// keeper is the private state of a resource.
type keeper interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// kept is what a resource's private state holds beside its attributes. Every byte counts: Terraform writes the whole
// state anew with each resource that it applies.
type kept struct {
	// History has the uid that the state knows; empty before there is one.
	History access.History `json:"history"`
	// System is the id of the access system that the state belongs to; empty where it was never told.
	System string `json:"system,omitempty"`
	// Applied is what was last applied, where the system held something else since; else that is the state itself.
	Applied json.RawMessage `json:"applied,omitempty"`
	// IssuedAt and IssuedUntil are when what was last issued began and ends.
	IssuedAt    time.Time `json:"issued_at,omitzero"`
	IssuedUntil time.Time `json:"issued_until,omitzero"`
	// EndAsked is the end that was asked for, where what was issued ends before.
	EndAsked time.Time `json:"end_asked,omitzero"`
	// Due: its rotation has come, also where it has ended in the meantime.
	Due bool `json:"due,omitzero"`
	// Held: it was cut by hand in the system. Drift is what the system holds beyond the declaration.
	Held  bool     `json:"held,omitzero"`
	Drift []string `json:"drift,omitempty"`
	// Damaged: the system has no record of it that can be read. Lost: it has none at all, and something of the object is left.
	Damaged    bool      `json:"damaged,omitzero"`
	Lost       bool      `json:"lost,omitzero"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	UseUnknown bool      `json:"use_unknown,omitzero"`
	// Adopt is the native id of what the first apply adopts: it was imported so, and nothing is declared in the system yet.
	// Adopted is what is left from before an adoption.
	Adopt   string   `json:"adopt,omitempty"`
	Adopted []string `json:"adopted,omitempty"`
	// before is Applied where this walk knows it as an object.
	before access.Object
}

const keptKey = "kept"

func keptOf(r observed) kept {
	k := kept{History: r.History, System: r.System, LastUsedAt: r.LastUsedAt, UseUnknown: r.UseUnknown, Due: r.Due(r.now), Held: r.Held, Drift: r.Drift, Adopted: r.Adopted, EndAsked: r.EndAsked}
	if r.Issued != nil {
		k.IssuedAt, k.IssuedUntil = r.Issued.At, r.Issued.Until
	}
	return k
}

// asked is the end that a state was asked for.
func (k kept) asked(state *terms) time.Time {
	if k.EndAsked.IsZero() {
		return timeOf(state.EndsAt)
	}
	return k.EndAsked
}

// cap is when what was issued ends before it was asked to; a change that does not extend it does not move that. Zero where
// it ends as asked.
func (k kept) cap(c change) time.Time {
	if k.EndAsked.IsZero() || c.ends.After(k.EndAsked) {
		return time.Time{}
	}
	return k.IssuedUntil
}

func keptIn(ctx context.Context, private keeper, diags *diag.Diagnostics) (k kept) {
	text, d := private.GetKey(ctx, keptKey)
	diags.Append(d...)
	if len(text) > 0 {
		if err := json.Unmarshal(text, &k); err != nil {
			diags.AddError("The private part of the state cannot be read", sentence(err)+".")
		}
	}
	return k
}

func keep(ctx context.Context, private keeper, k kept, diags *diag.Diagnostics) {
	text, err := json.Marshal(k)
	if err != nil {
		diags.AddError("The private part of the state cannot be written", sentence(err)+".")
		return
	}
	diags.Append(private.SetKey(ctx, keptKey, text)...)
}

// applied is the object that was last applied, nil where none is known.
func (k kept) applied(t access.Type) access.Object {
	if k.before != nil || len(k.Applied) == 0 {
		return k.before
	}
	o, err := access.ParseDeclaration(t, k.Applied)
	if err != nil {
		return nil
	}
	return o
}

// read is what to keep after a reading: was is the object as the state had it before, nil where it had none.
func (k kept) read(seen observed, was access.Object) kept {
	next := keptOf(seen)
	next.System = cmp.Or(next.System, k.System)
	if next.Applied = k.Applied; next.Applied == nil && was != nil {
		next.Applied, _ = access.Declaration(was)
	}
	if now, _ := access.Declaration(seen.Object); bytes.Equal(now, next.Applied) {
		next.Applied = nil
	}
	return next
}

// memo is what the planned private state carries: a replacement is planned twice, the second time without its state.
type memo struct {
	// Nonce tells one resource block from another that declares the same id.
	Nonce string `json:"nonce"`
	// Applied is what was last applied.
	Applied json.RawMessage `json:"applied,omitempty"`
}

const memoKey = "memo"

func memoIn(ctx context.Context, private keeper, diags *diag.Diagnostics) (m memo) {
	text, d := private.GetKey(ctx, memoKey)
	diags.Append(d...)
	if len(text) == 0 || json.Unmarshal(text, &m) != nil || m.Nonce == "" {
		m = memo{Nonce: rand.Text()}
	}
	return m
}

func (m memo) keep(ctx context.Context, private keeper, diags *diag.Diagnostics) {
	text, err := json.Marshal(m)
	if err != nil {
		diags.AddError("The private part of the plan cannot be written", sentence(err)+".")
		return
	}
	diags.Append(private.SetKey(ctx, memoKey, text)...)
}
