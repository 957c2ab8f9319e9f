// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What a journal adds to each change, its intent and its end: one change after the other, and ten at a time as
// Terraform makes them. The time is that of the disk: two writes that last for each batch of lines.
func BenchmarkChange(b *testing.B) {
	for name, parallel := range map[string]int{"one at a time": 1, "ten at a time": 10, "thirty at a time": 30} {
		b.Run(name, func(b *testing.B) {
			j := Open(filepath.Join(b.TempDir(), "journal.jsonl"), Options{})
			s := Govern(&still{}, j, Desk{Stack: "partners",
				Actor: func() Actor { return Actor{Name: "ci", Kind: "ci"} },
				Warn: func(_ context.Context, summary, detail string) {
					b.Error(summary, detail)
				}})
			work := make(chan struct{})
			var wg sync.WaitGroup
			for range parallel {
				wg.Go(func() {
					for range work {
						if _, err := s.Put(b.Context(),
							access.Change{Object: anIdentity(), Stack: "partners"}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			wg.Wait()
		})
	}
}

// still is a system in which nothing happens.
type still struct{ access.System }

func (*still) Capabilities() access.Capabilities              { return access.Capabilities{Name: "still"} }
func (*still) List(context.Context) ([]*access.Record, error) { return nil, nil }
func (*still) Put(_ context.Context, c access.Change) (*access.Record, error) {
	return &access.Record{Object: c.Object, EndsAt: c.EndsAt}, nil
}
