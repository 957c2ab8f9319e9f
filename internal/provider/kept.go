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

// The private part of a state: what a resource has to know at the next plan, and does not show. Terraform keeps it as
// bytes that it does not look into, beside the attributes. It may be missing, old or edited, like everything in a
// state, so nothing in it may give access: see claims.
//
// How it is written is in kept_text.go (a list of JSON), server_private.go and server_packed.go (bytes).

// keeper is the private part of a resource, for the framework: values of JSON by name.
type keeper interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// kept is what a resource's private part holds beside its attributes. Every byte counts: Terraform writes the whole
// state anew with each resource that it applies (see server_private.go).
//
// The zero value is that of a missing one: it claims nothing, and what is true, the system knows. All times are UTC.
type kept struct {
	// History is what the system kept of the object when it was read or changed last. Its UID says which object the
	// state means; empty before there is one.
	History access.History `json:"history,omitzero"`
	// System is the id of the access system that the state belongs to; empty if it was never told.
	System string `json:"system,omitempty"`
	// Applied is what was last applied, if the system held something else since; else that is the state itself. Print
	// is its fingerprint: what has another one was not written by us, and is not believed.
	Applied json.RawMessage `json:"applied,omitempty"`
	Print   string          `json:"print,omitempty"`
	// IssuedAt and IssuedUntil are when what was last issued began and ends.
	IssuedAt    time.Time `json:"issued_at,omitzero"`
	IssuedUntil time.Time `json:"issued_until,omitzero"`
	// Over: what was issued had ended by itself when it was read. Older is until when the one before it works; zero
	// unless that was in force then.
	Over  bool      `json:"over,omitzero"`
	Older time.Time `json:"older,omitzero"`
	// EndAsked is the end that was asked for, if what was issued ends before; else zero, and the attribute ends_at is
	// it.
	EndAsked time.Time `json:"end_asked,omitzero"`
	// Due: its rotation has come. It stays so if the credential has ended in the meantime, when its status says
	// expired.
	Due bool `json:"due,omitzero"`
	// Held: it was cut by hand in the system. Drift is what the system holds beyond the declaration.
	Held  bool     `json:"held,omitzero"`
	Drift []string `json:"drift,omitempty"`
	// CutAt is when an identity was cut last, or one of its credentials, if the system says so. A release that is
	// planned now lifts no later cut.
	CutAt time.Time `json:"cut_at,omitzero"`
	// Damaged: the system has no record of it that can be read. Lost: it has none at all, and something of the object
	// is left. The plan then replaces it.
	Damaged bool `json:"damaged,omitzero"`
	Lost    bool `json:"lost,omitzero"`
	// LastUsedAt, UseUnknown and Unseen are as in access.Record, of the last reading.
	LastUsedAt time.Time     `json:"last_used_at,omitzero"`
	UseUnknown bool          `json:"use_unknown,omitzero"`
	Unseen     access.Unseen `json:"unseen,omitzero"`
	// Adopt is the native id of what the first apply adopts: it was imported so, and nothing is declared in the system
	// yet. Adopted is what is left from before an adoption.
	Adopt   string   `json:"adopt,omitempty"`
	Adopted []string `json:"adopted,omitempty"`
	// told is what was last applied, if this walk knows it as an object; it is not written.
	told access.Object
}

// keptKey is its name among the values of the private part; the other one is memoKey, in plans only.
const keptKey = "kept"

// keptOf returns what the private part is to hold of an object as the system has it now.
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

// askedEnd returns the end that was asked for when the state was written: changes are compared with that, so that no
// plan takes a cap of the system for something to extend.
func (k kept) askedEnd(state *terms) time.Time {
	if k.EndAsked.IsZero() {
		return timeOf(state.EndsAt)
	}
	return k.EndAsked
}

// cap returns when what was issued ends, if that is before it was asked to: a change that does not extend it does not
// move that. Zero if it ends as asked. See TestASecretThatTheMountEndsEarlierIsToldSoEverywhere.
func (k kept) cap(c change) time.Time {
	if k.EndAsked.IsZero() || c.ends.After(k.EndAsked) {
		return time.Time{}
	}
	return k.IssuedUntil
}

// keptIn reads the private part. One that is missing or cannot be read is zero: what is true, the system knows, and
// nobody's removal may fail over it.
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

// of returns what a state's private part says beside its attributes: only what was imported to be adopted has no owner,
// so with one, nothing is to be adopted any more.
func (k kept) of(state *terms) kept {
	if !state.Owner.IsNull() {
		k.Adopt = ""
	}
	return k
}

// keep writes the private part.
func keep(ctx context.Context, private keeper, k kept, diags *diag.Diagnostics) {
	text, err := json.Marshal(k)
	if err != nil {
		diags.AddError("Cannot write the private part of the state", sentence(err)+".")
		return
	}
	diags.Append(private.SetKey(ctx, keptKey, text)...)
}

// printSize is how many bytes of a SHA-256 a fingerprint has: 72 bits tell an edited state from ours. It is no
// signature: whoever can edit a state can make both fit. So what fits is not believed for more than claims says.
const printSize = 9

// printOf returns the fingerprint of a declaration, in base64.
func printOf(declaration []byte) string {
	sum := sha256.Sum256(declaration)
	return base64.RawStdEncoding.EncodeToString(sum[:printSize])
}

// claims returns what the state says was last applied; nil if it says nothing that is believed. It has to be what was
// written there by us (the fingerprint), and nothing may have been renewed or reviewed in the system since, which would
// explain what differs. state is the object that the state's attributes make, nil if they make none; now is the history
// in the system.
//
// What it claims counts only against a change, beside what the system holds: rules judge by the narrower of the two. So
// whoever forges both state and fingerprint gains nothing.
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

// sameCourse reports whether two histories of an object are of one moment: nothing was renewed, reviewed or released in
// between.
func sameCourse(a, b access.History) bool {
	return a.UID == b.UID &&
		a.Renewals == b.Renewals &&
		a.RenewedAt.Equal(b.RenewedAt) &&
		a.ReviewedAt.Equal(b.ReviewedAt) &&
		a.ReviewUsedAt.Equal(b.ReviewUsedAt) && slices.Equal(a.Released, b.Released)
}

// tell writes down what was last applied. told is that; nil if it is what was seen. What equals the state's own
// attributes is not kept beside them: its fingerprint is enough.
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

// memo is what the planned private part carries from the first call of a replacement to the second one, which has no
// state: see remember.
type memo struct {
	// Nonce tells one resource block from another that declares the same id. It is random, and of this plan.
	Nonce string `json:"nonce"`
	// UID is of what is replaced; empty if nothing is.
	UID string `json:"uid,omitempty"`
	// Applied is what was last applied of that.
	Applied json.RawMessage `json:"applied,omitempty"`
}

const memoKey = "memo"

// memoIn reads what the first call left for the second one; a nonce of its own if it left nothing, as for a creation.
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
