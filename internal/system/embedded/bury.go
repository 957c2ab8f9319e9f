// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"fmt"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// buriedLater is the outcome of a removal that failed after the proof.
const buriedLater = "Its access is revoked, and read back as gone. Only its record in the ledger is left: destroy it " +
	"again."

// A removal takes two commits. The first one marks what is removed and publishes without it; if the process dies then,
// the mark stays, and the next destroy goes on. Between the two the publication is read back. The second one takes out
// of the ledger what is proven to be gone, and publishes nothing.

// forgetRemoved takes out of the ledger what is marked as removed among what was revoked.
func (d *draft) forgetRemoved(revoked []*ledger.Entry) {
	var gone []access.Ref
	for _, v := range revoked {
		if e := d.Ledger[v.Ref()]; e != nil && e.Removed() {
			gone = append(gone, v.Ref())
		}
	}
	d.Forget(gone...)
}

// bury removes from the ledger what the batch has revoked and published without, once the publication proves it. What
// cannot be proven stays in the ledger, marked, so that the next destroy knows of it.
func (le *leader) bury(l *book, batch []*task) *book {
	d := draftOn(l, le.now(), issuer{le.keyring})
	var deletes []*task
	for _, t := range batch {
		if t.kind != taskDelete || t.err != nil {
			continue
		}
		if t.err = le.verify(t.victims); t.err != nil {
			continue
		}
		deletes = append(deletes, t)
		for n, v := range t.victims {
			if n > 0 {
				t.swept = append(t.swept, v.Ref())
			}
		}
		d.forgetRemoved(t.victims)
	}
	if len(deletes) == 0 {
		return l
	}
	next, err := le.committer.commit(l, d, scope{changes: true})
	if err != nil {
		if f := (*failure)(nil); errors.As(err, &f) {
			err = &failure{kind: f.kind, cause: f.cause, outcome: buriedLater}
		}
		answerUnanswered(deletes, err)
		return l
	}
	return next
}

// verify reads back what gateways read, and looks for what was revoked. It returns access.ErrRemains with every place
// at which something is left.
func (le *leader) verify(victims []*ledger.Entry) error {
	e, err := le.observer.readEvidence()
	if err != nil {
		return fail(fmt.Errorf("read back the publication: %w", err), "It is revoked, but not proven to be gone.")
	}
	var remains []string
	for _, v := range victims {
		if where := e.of(v); where != "" {
			remains = append(remains, v.Ref().String()+" in "+where)
		}
	}
	if len(remains) > 0 {
		return fmt.Errorf("%w: %s", access.ErrRemains, strings.Join(remains, ", "))
	}
	return nil
}
