// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// full fills a directory with 3,000 objects: 600 identities, 1,200 credentials, 1,200 grants.
func full(b *testing.B) *world {
	w := newWorld(b)
	var objects []access.Object
	for n := range 600 {
		id := access.IdentityID{Partner: fmt.Sprintf("p%d", n%50), Environment: "prod", Name: fmt.Sprintf("n%d", n)}
		objects = append(objects, identity(id, 300), secret(id, 200), federated(id, 200),
			grant(id, "files", fmt.Sprintf("orders/p%d/*", n), 100, "read", "list"),
			grant(id, "shell", fmt.Sprintf("ssh/u%d", n%40), 100, "login"))
	}
	base := &book{}
	d := draftOn(base, w.now(), issuer{w.keyring})
	d.Ledger = ledger.Ledger{}
	d.revoked = map[string]revocation{}
	for _, o := range objects {
		if _, err := d.Place(change(o)); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.prepare(); err != nil {
		b.Fatal(err)
	}
	if _, err := w.commit(base, d, scope{publish: true, changes: true}); err != nil {
		b.Fatal(err)
	}
	if _, err := w.List(w.ctx()); err != nil {
		b.Fatal(err)
	}
	return w
}

func BenchmarkLoad3000(b *testing.B) {
	w := full(b)
	for b.Loop() {
		w.restart()
		if _, err := w.Get(w.ctx(), access.IdentityID{
			Partner:     "p0",
			Environment: "prod",
			Name:        "n0",
		}.Ref()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetAmong3000(b *testing.B) {
	w := full(b)
	ref := access.IdentityID{Partner: "p0", Environment: "prod", Name: "n0"}.Ref()
	for b.Loop() {
		if _, err := w.Get(w.ctx(), ref); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList3000(b *testing.B) {
	w := full(b)
	for b.Loop() {
		if r, err := w.List(w.ctx()); err != nil || len(r) != 3000 {
			b.Fatal(len(r), err)
		}
	}
}

func BenchmarkPutAmong3000(b *testing.B) {
	w := full(b)
	id := access.IdentityID{Partner: "p0", Environment: "prod", Name: "n0"}
	for n := 0; b.Loop(); n++ {
		w.put(grant(id, fmt.Sprintf("g%d", n), "orders/x/*", 50, "read"))
	}
}

func BenchmarkPutTenAtATimeAmong3000(b *testing.B) {
	w := full(b)
	id := access.IdentityID{Partner: "p0", Environment: "prod", Name: "n0"}
	for n := 0; b.Loop(); n++ {
		done := make(chan error)
		for k := range 10 {
			go func() {
				_, err := w.try(grant(id, fmt.Sprintf("g%d-%d", n, k), "orders/x/*", 50, "read"))
				done <- err
			}()
		}
		for range 10 {
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		}
	}
}
