package provider

import (
	"context"
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

// kept is what a resource's private state holds: the uid that it knows, what was last applied, and when what was last
// issued began and ends.
type kept struct {
	UID         string          `json:"uid"`
	Applied     json.RawMessage `json:"applied"`
	IssuedAt    time.Time       `json:"issued_at"`
	IssuedUntil time.Time       `json:"issued_until"`
	// Due: its rotation has come, also where it has ended in the meantime.
	Due bool `json:"due"`
	// Held: it was cut by hand in the system. Drift is what the system holds beyond the declaration.
	Held       bool           `json:"held"`
	Drift      []string       `json:"drift"`
	History    access.History `json:"history"`
	LastUsedAt time.Time      `json:"last_used_at"`
}

const keptKey = "kept"

func keptOf(r observed) kept {
	k := kept{UID: r.UID, History: r.History, LastUsedAt: r.LastUsedAt, Due: r.due(), Held: r.Held, Drift: r.Drift}
	if r.Issued != nil {
		k.IssuedAt, k.IssuedUntil = r.Issued.At, r.Issued.Until
	}
	k.Applied, _ = access.Declaration(r.Object)
	return k
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
	if len(k.Applied) == 0 {
		return nil
	}
	o, err := access.ParseDeclaration(t, k.Applied)
	if err != nil {
		return nil
	}
	return o
}
