// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// notes are what whoever runs it should hear of, and the journal.
type notes struct {
	*directory
	used useLogs

	mu       sync.Mutex      // guards what follows
	healed   []access.Healed // what was found and made as it should be, for the journal
	warnings [][2]string
}

// Notes returns what was found and healed, and what whoever runs it should hear of, since they were asked for last.
func (no *notes) Notes() (healed []access.Healed, warnings [][2]string) {
	no.mu.Lock()
	defer no.mu.Unlock()
	healed, warnings = no.healed, no.warnings
	no.healed, no.warnings = nil, nil
	return healed, warnings
}

// heals notes what a change found and has made as it should be.
func (no *notes) heals(found []finding) {
	if len(found) == 0 {
		return
	}
	no.mu.Lock()
	defer no.mu.Unlock()
	text, away := "", ""
	for _, f := range found {
		h := access.Healed{What: f.String()}
		if f.identity != (access.IdentityID{}) {
			h.Ref = f.identity.Ref()
		}
		no.healed = append(no.healed, h)
		text += "\n- " + f.String()
		if f.file == no.paths.named(no.paths.record()) {
			away = "\n\nIf gateways read publish/ on a share that is not mounted here, nothing was cut there: mount " +
				"it, and apply again."
		}
	}
	no.warnings = append(no.warnings,
		[2]string{"Somebody changed the directory, or a disk failed",
			"This was found and repaired, and is in the journal:" + text + away})
}

// inTheClear notes that new keys lie there unencrypted.
func (no *notes) inTheClear() {
	no.mu.Lock()
	defer no.mu.Unlock()
	no.warnings = append(no.warnings,
		[2]string{"Three private keys are not encrypted",
			fmt.Sprintf("%s has the keys that sign certificates, SSH certificates and publications. Whoever can read "+
				"them can sign what gateways accept. Set PARTNER_PASSPHRASE where Terraform runs: the next change "+
				"encrypts the keys. Their clear text can survive in free disk blocks and backups, so it is best set "+
				"before the first apply.", no.paths.keys())})
}

// tellUse puts into records of a ledger when they were last used, where logs are read.
func (no *notes) tellUse(of ledger.Ledger, records ...*access.Record) error {
	if len(no.options.UseLogs) == 0 {
		return nil
	}
	now := no.now()
	u, err := no.used.latest(no.options.UseLogs, now)
	for _, r := range records {
		u.tell(r, of, now)
	}
	no.hearOfStopped(u, now)
	return err
}

// hearOfStopped notes the logs that have stopped, once.
func (no *notes) hearOfStopped(u uses, now time.Time) {
	no.mu.Lock()
	defer no.mu.Unlock()
	stopped := u.stopped(now)
	if no.used.heard || len(stopped) == 0 {
		return
	}
	no.used.heard = true
	no.warnings = append(no.warnings,
		[2]string{"A log of use has stopped",
			strings.Join(stopped, "; ") + ". Until it goes on, nobody knows whether what it told of is still used, " +
				"and nothing counts as unused since. Repair the gateway's logging. If the gateway is gone, remove " +
				"its log from use_logs."})
}
