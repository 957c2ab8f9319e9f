// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"context"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// floorType is the type of lines that are about the floor.
const floorType access.Type = "floor"

// Floored makes the journal of a system tell of a change of its floor: a line before it with what it said and is to
// say, and one after it with what it says. after is nil where it is lifted. Without a journal it is only done.
func Floored(ctx context.Context, system access.System, before *access.FloorRecord, after *access.Floor,
	change func() (*access.FloorRecord, error)) error {
	g, kept := access.As[*governed](system)
	if !kept {
		_, err := change()
		return err
	}
	l := g.line(Change, access.Ref{Type: floorType, ID: access.FloorID})
	if before.InForce() {
		l.Owner, l.Before = before.Floor.SetBy, &Given{Floor: before.Floor.Lines()}
	}
	if after != nil {
		l.Owner = after.SetBy
	}
	l.After = &Given{Floor: after.Lines()}
	if err := g.intend(ctx, l); err != nil {
		return err
	}
	now, err := change()
	if err != nil {
		g.failed(ctx, l, err)
		return err
	}
	l.Before, l.After = nil, &Given{}
	if now.InForce() {
		l.After.Floor = now.Floor.Lines()
	}
	g.done(ctx, l)
	return nil
}
