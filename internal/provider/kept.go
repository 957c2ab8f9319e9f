// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
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
	History access.History `json:"history,omitzero"`
	// System is the id of the access system that the state belongs to; empty where it was never told.
	System string `json:"system,omitempty"`
	// Applied is what was last applied, where the system held something else since; else that is the state itself.
	// Print is its fingerprint: what has another one was not written by us, and is not believed.
	Applied json.RawMessage `json:"applied,omitempty"`
	Print   string          `json:"print,omitempty"`
	// IssuedAt and IssuedUntil are when what was last issued began and ends.
	IssuedAt    time.Time `json:"issued_at,omitzero"`
	IssuedUntil time.Time `json:"issued_until,omitzero"`
	// Over: it had ended by itself when it was read. Older is until when the one before it works, where
	// that was in force then.
	Over  bool      `json:"over,omitzero"`
	Older time.Time `json:"older,omitzero"`
	// EndAsked is the end that was asked for, where what was issued ends before.
	EndAsked time.Time `json:"end_asked,omitzero"`
	// Due: its rotation has come, also where it has ended in the meantime.
	Due bool `json:"due,omitzero"`
	// Held: it was cut by hand in the system. Drift is what the system holds beyond the declaration.
	Held  bool     `json:"held,omitzero"`
	Drift []string `json:"drift,omitempty"`
	// CutAt is when an identity was cut last, or one of its credentials, where the system says so.
	CutAt time.Time `json:"cut_at,omitzero"`
	// Damaged: the system has no record of it that can be read. Lost: it has none at all, and something
	// of the object is left.
	Damaged    bool          `json:"damaged,omitzero"`
	Lost       bool          `json:"lost,omitzero"`
	LastUsedAt time.Time     `json:"last_used_at,omitzero"`
	UseUnknown bool          `json:"use_unknown,omitzero"`
	Unseen     access.Unseen `json:"unseen,omitzero"`
	// Adopt is the native id of what the first apply adopts: it was imported so, and nothing is declared in the system
	// yet. Adopted is what is left from before an adoption.
	Adopt   string   `json:"adopt,omitempty"`
	Adopted []string `json:"adopted,omitempty"`
	// told is what was last applied, where this walk knows it as an object.
	told access.Object
}

const keptKey = "kept"

// keptOf returns what the private state is to hold of an object as the system has it now.
func keptOf(r observed) kept {
	k := kept{
		History:    r.History,
		System:     r.System,
		LastUsedAt: r.LastUsedAt,
		UseUnknown: r.UseUnknown,
		Unseen:     r.Unseen,
		Due:        r.Due(r.now),
		Held:       r.Held,
		Drift:      r.Drift,
		Adopted:    r.Adopted,
		EndAsked:   r.EndAsked,
	}
	if r.Issued != nil {
		k.IssuedAt, k.IssuedUntil = r.Issued.At, r.Issued.Until
		k.Over = !r.Issued.Until.IsZero() && !r.now.Before(r.Issued.Until)
		if r.Issued.Older.After(r.now) {
			k.Older = r.Issued.Older
		}
	}
	return k
}

// askedEnd returns the end that a state was asked for.
func (k kept) askedEnd(state *terms) time.Time {
	if k.EndAsked.IsZero() {
		return timeOf(state.EndsAt)
	}
	return k.EndAsked
}

// cap returns when what was issued ends before it was asked to; a change that does not extend it does not move that.
// Zero where it ends as asked.
func (k kept) cap(c change) time.Time {
	if k.EndAsked.IsZero() || c.ends.After(k.EndAsked) {
		return time.Time{}
	}
	return k.IssuedUntil
}

// keptIn reads the private state. One that is missing or cannot be read is zero: what is true, the system knows.
func keptIn(ctx context.Context, private keeper, diags *diag.Diagnostics) (k kept) {
	text, d := private.GetKey(ctx, keptKey)
	diags.Append(d...)
	if len(text) > 0 {
		if err := json.Unmarshal(text, &k); err != nil {
			return kept{} // like one that is missing: the system knows what is true
		}
	}
	if k.History.UID != "" {
		k.Adopt = "" // it was adopted
	}
	return k
}

// of returns what a state's private part says beside its attributes: what was imported to be adopted has no owner yet.
func (k kept) of(state *terms) kept {
	if !state.Owner.IsNull() {
		k.Adopt = ""
	}
	return k
}

// keep writes the private state.
func keep(ctx context.Context, private keeper, k kept, diags *diag.Diagnostics) {
	text, err := json.Marshal(k)
	if err != nil {
		diags.AddError("Cannot write the private part of the state", sentence(err)+".")
		return
	}
	diags.Append(private.SetKey(ctx, keptKey, text)...)
}

// printSize is how many bytes of a SHA-256 a fingerprint has: 72 bits tell an edited state from ours.
const printSize = 9

// printOf returns the fingerprint of a declaration.
func printOf(declaration []byte) string {
	sum := sha256.Sum256(declaration)
	return base64.RawStdEncoding.EncodeToString(sum[:printSize])
}

// claims returns what the state says was last applied; nil where it says nothing that is believed: it has to be what
// was written there by us, and nothing may have been renewed or reviewed in the system since, which explains what
// differs. state is the object that the state's attributes make, nil where they make none.
func (k kept) claims(t access.Type, state access.Object, now access.History) access.Object {
	if k.History.UID == "" || k.Print == "" || !sameCourse(k.History, now) {
		return nil
	}
	declared := []byte(k.Applied)
	if len(declared) == 0 {
		if state == nil {
			return nil
		}
		declared, _ = access.Declaration(state)
	}
	if printOf(declared) != k.Print {
		return nil
	}
	if len(k.Applied) == 0 {
		return state
	}
	o, err := access.ParseDeclaration(t, k.Applied)
	if err != nil {
		return nil
	}
	return o
}

// sameCourse reports whether two histories of an object are of one moment.
func sameCourse(a, b access.History) bool {
	return a.UID == b.UID &&
		a.Renewals == b.Renewals &&
		a.RenewedAt.Equal(b.RenewedAt) &&
		a.ReviewedAt.Equal(b.ReviewedAt) &&
		a.ReviewUsedAt.Equal(b.ReviewUsedAt) && slices.Equal(a.Released, b.Released)
}

// tell writes down what was last applied: nil is what was seen.
func (k *kept) tell(told, seen access.Object) {
	now, _ := access.Declaration(seen)
	k.Applied, k.Print = nil, printOf(now)
	if told == nil {
		return
	}
	if was, _ := access.Declaration(told); !bytes.Equal(was, now) {
		k.Applied, k.Print = was, printOf(was)
	}
}

// memo is what the planned private state carries: a replacement is planned twice, the second time without its state.
type memo struct {
	// Nonce tells one resource block from another that declares the same id.
	Nonce string `json:"nonce"`
	// UID is of what is replaced.
	UID string `json:"uid,omitempty"`
	// Applied is what was last applied.
	Applied json.RawMessage `json:"applied,omitempty"`
}

const memoKey = "memo"

// memoIn reads what the plan left for the second call; a nonce of its own where it left nothing.
func memoIn(ctx context.Context, private keeper, diags *diag.Diagnostics) (m memo) {
	text, d := private.GetKey(ctx, memoKey)
	diags.Append(d...)
	if len(text) == 0 || json.Unmarshal(text, &m) != nil || m.Nonce == "" {
		m = memo{Nonce: rand.Text()}
	}
	return m
}

// keep writes the memo into the planned private state.
func (m memo) keep(ctx context.Context, private keeper, diags *diag.Diagnostics) {
	text, err := json.Marshal(m)
	if err != nil {
		diags.AddError("Cannot write the private part of the plan", sentence(err)+".")
		return
	}
	diags.Append(private.SetKey(ctx, memoKey, text)...)
}
