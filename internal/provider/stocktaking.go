// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// The inventory of a walk: partner_inventory, partner_offboarding, partner_report, partner_review_worksheet and the
// lists of terraform query all ask for it, and it is taken once. What each shows of it is package inventory's, and
// their own.

// stock is an inventory, with the records that it is of. Nobody changes either: all who ask share it.
type stock struct {
	*inventory.Inventory
	records []*access.Record
}

// stocktaking takes the inventory for all that ask for it in a walk.
type stocktaking struct {
	*whereabouts
	under   *ground
	changes *unhurried
	// mu is held while it is taken, so that calls which come together share one.
	mu sync.Mutex
	// stock is the last one; nil if it was not taken, or something was changed since.
	stock *stock
}

// takeStock asks the system for everything, once as long as this walk changes nothing, and judges it by the settings in
// force. It reports false if the system could not be asked; that is said.
//
// It waits until changes that were begun are finished, and the next ones wait for it (unhurried.still). Damaged records
// are listed as strays: nobody can say who answers for them.
func (t *stocktaking) takeStock(ctx context.Context, diags *diag.Diagnostics) (*stock, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stock != nil {
		t.warnAbsent(ctx, diags)
		return t.stock, true
	}
	defer t.changes.still()()
	// reads the floor before stockOptions asks for what is known of the settings
	t.under.inForce(ctx)
	records, strays, err := t.survey(ctx)
	var damaged []access.Damage
	if examiner, ok := access.As[access.Examiner](t.system); ok && err == nil {
		damaged, err = examiner.Damaged(ctx)
	}
	if err == nil {
		var now time.Time
		if now, err = t.system.Now(ctx); err == nil {
			t.warnAbsent(ctx, diags)
			options := t.stockOptions()
			for _, d := range damaged {
				strays = append(strays, damagedStray(d))
				if _, holder, err := access.ParseRef(d.Ref.Type, d.Ref.ID); err == nil {
					options.Partners = append(options.Partners, holder.Partner)
				}
			}
			t.stock = &stock{inventory.Build(records, strays, now, options), records}
			return t.stock, true
		}
	}
	diags.AddError("Cannot take the inventory", sentence(err)+". Nothing was changed.")
	return nil, false
}

// damagedStray returns a damaged record as the inventory shows it: nobody can say who answers for what it is of. One
// that is of no single object is shown by its name in the system.
func damagedStray(d access.Damage) access.Stray {
	name := d.Ref.ID
	if name == "" {
		return access.Stray{NativeID: d.NativeID, Kind: "damage of", Names: []string{d.NativeID}, Why: d.Why,
			Revocation: []string{
				"Find out who could write there. The next apply that changes anything repairs it.",
			}}
	}
	return access.Stray{NativeID: d.NativeID, Kind: "damaged record of", Names: []string{name}, Why: d.Why,
		Revocation: []string{
			"Restore it from a backup, or run terraform destroy with -target for " + name +
				", which removes everything under its name.",
		}}
}

// restock forgets the inventory: something was changed.
func (t *stocktaking) restock() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stock = nil
}

// surveys reports whether the system can be searched for what nobody declared.
func (t *stocktaking) surveys() bool {
	_, ok := access.As[access.Surveyor](t.system)
	return ok
}

// surveyed searches by the names of the partners, and by the accounts of AWS that the register lists as theirs. What
// was found by an account is then given its partner's name as well, by which the inventory sorts it.
func (t *stocktaking) surveyed(ctx context.Context, surveyor access.Surveyor) ([]*access.Record, []access.Stray,
	error) {
	register := t.under.known().Partners
	words := slices.Sorted(maps.Keys(register))
	whose := map[string]string{}
	for _, name := range slices.Clone(words) {
		for _, account := range register[name].AWSAccounts {
			words, whose[account] = append(words, account), name
		}
	}
	records, strays, err := surveyor.Survey(ctx, words)
	for i := range strays {
		for account, partner := range whose {
			if slices.ContainsFunc(strays[i].Names, func(name string) bool { return access.HasWord(name, account) }) {
				strays[i].Names = append(strays[i].Names, partner)
			}
		}
	}
	return records, strays, err
}

// survey returns what partners hold, and what nobody declared. A system that cannot be searched has no strays to tell;
// the inventory says that they were not looked for.
func (t *stocktaking) survey(ctx context.Context) ([]*access.Record, []access.Stray, error) {
	if surveyor, ok := access.As[access.Surveyor](t.system); ok {
		return t.surveyed(ctx, surveyor)
	}
	records, err := t.system.List(ctx)
	return records, nil, err
}

// stockOptions returns what the inventory judges by: what the system can know, and the settings in force. Without a
// list of active owners, nobody counts as having left.
func (t *stocktaking) stockOptions() inventory.Options {
	can, rules := t.system.Capabilities(), t.under.known()
	o := inventory.Options{
		System: can.Name, KnowsLastUse: can.KnowsLastUse, Surveyed: t.surveys(), WarnBefore: rules.WarnBefore,
		DormantAfter: rules.DormantAfter,
		ReviewEvery:  rules.ReviewEvery,
	}
	if len(rules.ActiveOwners) > 0 {
		o.Departed = rules.Departed
	}
	o.Partners = slices.Sorted(maps.Keys(rules.Partners))
	return o
}
