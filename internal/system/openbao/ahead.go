// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// Reading ahead. What OpenBao holds of an identity takes several requests: its entity, its roles, its secret ids. A
// plan of thousands asks for all of them when it reads the policies, in bundles (bundle.go), and notes the answers in
// the snapshot. What could not be read so is read singly when somebody asks (observe.go), so a bundle is never needed
// to be right.

// unknownTo returns the identities of a stack ("": of all) of which a snapshot knows only the policy, in their order.
func unknownTo(snap *snapshot, stack string) (ids []access.IdentityID) {
	for id, d := range snap.Documents {
		_, e := d.Entries.Identity(id)
		if e != nil && (stack == "" || e.History.Stack == stack) && snap.Known(id) == nil {
			ids = append(ids, id)
		}
	}
	order.Sort(ids, access.IdentityID.Compare)
	return ids
}

// round asks what is to be asked, and hands each answer to whoever wanted it, who may queue more for the next round.
func (ob *observer) round(ctx context.Context, b *bundling) error {
	asks, takes := b.asks, b.takes
	b.asks, b.takes = nil, nil
	answers, err := ob.bundler.execute(ctx, asks)
	if err != nil {
		return err
	}
	for n, take := range takes {
		take(answers[n])
	}
	return nil
}

// bundle reads ahead what the server holds of the identities of a stack ("": of all) that is not known yet. Below
// worthwhile identities, and on a server without the workflow, it reads nothing.
//
// An error of the bundle is none of the reading: the identities stay unknown, and are asked for one by one. A server
// that is away is the exception, since they would all wait for it.
func (ob *observer) bundle(ctx context.Context, snap *snapshot, stack string) error {
	ids := unknownTo(snap, stack)
	if len(ids) < worthwhile {
		return nil
	}
	if can, err := ob.bundler.bundles(ctx); err != nil || !can {
		return err
	}
	b := &bundling{snap: snap, broken: map[access.IdentityID]bool{}, natives: map[access.IdentityID]*native{}}
	for _, id := range ids {
		ob.askAbout(b, id)
	}
	for range 2 { // the second round looks up the secret ids that the first one listed
		err := ob.round(ctx, b)
		if errors.Is(err, access.ErrUnavailable) {
			return err
		}
		if err != nil {
			return nil //nolint:nilerr // it may not be executed: there are single requests
		}
	}
	for id, n := range b.natives {
		if !b.broken[id] {
			snap.Note(id, n)
		}
	}
	return nil
}

// bundling is one reading ahead: what is asked in the next round, and who takes each answer.
type bundling struct {
	snap *snapshot
	// natives are filled by the answers. One is noted in the snapshot only when all of its answers are in.
	natives map[access.IdentityID]*native
	broken  map[access.IdentityID]bool // not all was answered: ask singly
	asks    []ask
	takes   []func(response)
}

// queue asks about an identity. take gets the data of the answer, none if nothing is there. An answer that is missing,
// or that take cannot read, leaves the whole identity to be asked singly.
func (b *bundling) queue(id access.IdentityID, a ask, take func(data json.RawMessage) error) {
	b.asks = append(b.asks, a)
	b.takes = append(b.takes, func(r response) {
		if r == nil || take(r.Data) != nil {
			b.broken[id] = true
		}
	})
}

// askAbout asks for an identity's entity, its roles, and what was issued as secrets: the same that nativeOf reads.
func (ob *observer) askAbout(b *bundling, id access.IdentityID) {
	n := &native{roles: map[string]map[string]any{}, secrets: map[string]secretID{}}
	b.natives[id] = n
	b.queue(id, ask{operation: "read", path: entityPath(id)}, into(&n.entity))
	askRole := func(path string) {
		b.queue(id, ask{operation: "read", path: path}, func(data json.RawMessage) error {
			var role map[string]any
			err := into(&role)(data)
			n.roles[path] = role
			return err
		})
	}
	_, identity := b.snap.Documents[id].Entries.Identity(id)
	for _, path := range adoptedPaths(identity) {
		askRole(path)
	}
	for _, e := range b.snap.Documents[id].Below() {
		c, ok := e.Credential()
		if !ok || e.Removed() {
			continue
		}
		for _, path := range ob.creds.rolePaths(c) {
			askRole(path)
		}
		if c.Kind() == access.Secret {
			askRole(ob.secrets.roleID(id))
			ob.askSecrets(b, id, n)
		}
	}
}

// askSecrets asks which secret ids there are, and in the next round for each: no listing of OpenBao tells their ends.
func (ob *observer) askSecrets(b *bundling, id access.IdentityID, n *native) {
	b.queue(id, ask{operation: "list", path: ob.secrets.appRole(id) + "/secret-id"}, func(data json.RawMessage) error {
		var list struct {
			Keys []string `json:"keys"`
		}
		err := into(&list)(data)
		for _, accessor := range list.Keys {
			b.queue(id, ask{"update", ob.secrets.appRole(id) + "/secret-id-accessor/lookup", accessor},
				func(data json.RawMessage) error {
					var one secretID
					err := into(&one)(data)
					n.add(one)
					return err
				})
		}
		return err
	})
}

// into reads an answer's data into v; without data, it leaves v as it is.
func into(v any) func(json.RawMessage) error {
	return func(data json.RawMessage) error {
		if len(data) == 0 {
			return nil
		}
		return json.Unmarshal(data, v)
	}
}
