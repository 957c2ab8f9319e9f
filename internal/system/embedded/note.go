// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var (
	_ access.Noter  = (*System)(nil)
	_ access.Notary = (*System)(nil)
)

// noted begins what is signed for the journal, so that no such signature is one of the ledger.
const noted = "journal "

// notes are what whoever runs it should hear of, and the journal.
type notes struct {
	*directory
	used useLogs

	mu       sync.Mutex      // guards what follows
	healed   []access.Healed // what was found and made as it should be, for the journal
	warnings [][2]string
}

// Notarize signs a text for the journal, where a change has opened the signing key.
func (kr *keyring) Notarize(text []byte) string {
	kr.mu.Lock()
	signer := kr.notary
	kr.mu.Unlock()
	if signer == nil {
		return ""
	}
	signature, err := signer.Attest(append([]byte(noted), text...))
	if err != nil {
		return "" // then the next change reads all of the journal
	}
	return signature
}

// Notarized reports whether there is a signing key, and whether it signed a text for the journal.
func (si *signatures) Notarized(text []byte, signature string) (has, signed bool) {
	w, err := si.witness()
	return err == nil, err == nil && w.Attested(append([]byte(noted), text...), signature)
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
			away = "\n\nIf gateways read publish/ on a share that is not mounted here, nothing was cut there: mount it, and apply again."
		}
	}
	no.warnings = append(no.warnings, [2]string{"Somebody changed the directory, or a disk failed", "This was found and repaired, and is in " +
		"the journal:" + text + away})
}

// inTheClear notes that new keys lie there unencrypted.
func (no *notes) inTheClear() {
	no.mu.Lock()
	defer no.mu.Unlock()
	no.warnings = append(no.warnings, [2]string{"Three private keys are not encrypted", fmt.Sprintf("%s has the keys that sign certificates, "+
		"SSH certificates and publications. Whoever can read them can sign what gateways accept. Set "+
		"PARTNER_PASSPHRASE where Terraform runs: the next change encrypts the keys. Their clear text can "+
		"survive in free disk blocks and backups, so it is best set before the first apply.", no.paths.keys())})
}

// Generation names the generation that this process knows.
func (s *System) Generation() string {
	l, w := s.last(), s.believed()
	if l == nil || w == nil || l.generation.Number == 0 {
		return ""
	}
	return w.Name() + "/" + strconv.FormatInt(l.generation.Number, 10)
}

// remembered returns the newest generation that the journal tells of. It is asked once: what comes after is made here, or read.
func (si *signatures) remembered() int64 {
	si.mu.Lock()
	newest := si.newestSeen
	si.mu.Unlock()
	if newest != nil {
		return *newest
	}
	if si.options.Remembered == nil {
		return 0
	}
	w, err := si.witness()
	if err != nil {
		return 0
	}
	told := si.options.Remembered(w.Name())
	si.mu.Lock()
	si.newestSeen = &told
	si.mu.Unlock()
	return told
}
