// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"
	"strconv"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var (
	_ access.Noter  = (*System)(nil)
	_ access.Notary = (*System)(nil)
)

// noted begins what is signed for the journal, so that no such signature is one of the ledger.
const noted = "journal "

// Notarize signs a text for the journal, where a change has opened the signing key.
func (s *System) Notarize(text []byte) string {
	s.mu.Lock()
	signer := s.notary
	s.mu.Unlock()
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
func (s *System) Notarized(text []byte, signature string) (has, signed bool) {
	w, err := s.witness()
	return err == nil, err == nil && w.Attested(append([]byte(noted), text...), signature)
}

// Notes returns what was found and healed, and what whoever runs it should hear of, since they were asked for last.
func (s *System) Notes() (healed []access.Healed, warnings [][2]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	healed, warnings = s.healed, s.notes
	s.healed, s.notes = nil, nil
	return healed, warnings
}

// heals notes what a change found and has made as it should be.
func (s *System) heals(found []finding) {
	if len(found) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text, away := "", ""
	for _, f := range found {
		h := access.Healed{What: f.String()}
		if f.identity != (access.IdentityID{}) {
			h.Ref = f.identity.Ref()
		}
		s.healed = append(s.healed, h)
		text += "\n- " + f.String()
		if f.file == s.paths.named(s.paths.record()) {
			away = "\n\nIf gateways read publish/ on a share that is not mounted here, nothing was cut there: mount it, and apply again."
		}
	}
	s.notes = append(s.notes, [2]string{"Somebody changed the directory, or a disk failed", "This was found and repaired, and is in " +
		"the journal:" + text + away})
}

// inTheClear notes that new keys lie there unencrypted.
func (s *System) inTheClear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, [2]string{"Three private keys are not encrypted", fmt.Sprintf("%s has the keys that sign certificates, "+
		"SSH certificates and publications. Whoever can read them can sign what gateways accept. Set "+
		"PARTNER_PASSPHRASE where Terraform runs: the next change encrypts the keys. Their clear text can "+
		"survive in free disk blocks and backups, so it is best set before the first apply.", s.paths.keys())})
}

// Generation names the generation that this process knows.
func (s *System) Generation() string {
	s.mu.Lock()
	l, w := s.cached, s.trusted
	s.mu.Unlock()
	if l == nil || w == nil || l.generation.Number == 0 {
		return ""
	}
	return w.Name() + "/" + strconv.FormatInt(l.generation.Number, 10)
}

// remembered returns the newest generation that the journal tells of. It is asked once: what comes after is made here, or read.
func (s *System) remembered() int64 {
	s.mu.Lock()
	newest := s.newestSeen
	s.mu.Unlock()
	if newest != nil {
		return *newest
	}
	if s.options.Remembered == nil {
		return 0
	}
	w, err := s.witness()
	if err != nil {
		return 0
	}
	told := s.options.Remembered(w.Name())
	s.mu.Lock()
	s.newestSeen = &told
	s.mu.Unlock()
	return told
}
