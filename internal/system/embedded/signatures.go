// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// signatures tell what of the directory is ours: what the signing key signed, and nothing older than what was seen.
type signatures struct {
	*directory

	mu         sync.Mutex      // guards what follows
	trusted    *policy.Witness // what the ledger is signed with, once it was read
	newestSeen *int64          // what the journal told, once it was asked
}

// readStanding reads the generation and the record of the publication, each of which holds a copy of the other. A
// ledger older than its publication was put back, and is an error.
func (si *signatures) readStanding() (st standing, err error) {
	if st.raw, err = si.paths.readGeneration(); err != nil {
		return st, err
	}
	if st.was, err = si.readRecord(); err != nil {
		return st, err
	}
	if st.raw == (generation{}) && st.was.Generation == (generation{}) {
		return st, si.bySpare(&st)
	}
	w, err := si.witness()
	if err != nil {
		return st, err
	}
	signed := st.raw
	if !w.Attested(signed.text(), signed.Signature) {
		st.find(si.paths, si.paths.generationFile(), "is not signed, or damaged")
		signed = generation{}
	}
	if !st.was.attested(w) {
		if signed.Number > 1 { // else it is the first change that did not finish
			st.find(si.paths, si.paths.record(), "is not signed, or damaged")
		}
		st.was = published{}
	}
	if signed == (generation{}) && st.was.Generation == (generation{}) {
		if signed = si.spare(); signed == (generation{}) {
			return st, si.unborn() // what another key signed begins nothing
		}
	}
	return st, si.newest(&st, signed)
}

// bySpare goes by the copy of the generation beside the list of the files, as both others are gone or damaged.
func (si *signatures) bySpare(st *standing) error {
	spare := si.spare()
	if spare == (generation{}) {
		return si.unborn()
	}
	st.find(si.paths, si.paths.generationFile(), "is gone or damaged")
	st.find(si.paths, si.paths.record(), "is gone or damaged")
	return si.newest(st, spare)
}

// newest takes the newer of two generations: that of the ledger, and the copy of it in the record of the publication.
// Where the copy is newer, the files of the ledger must be those that it signed. Where this process has seen a still
// newer one, the directory was put back.
func (si *signatures) newest(st *standing, signed generation) error {
	copied := st.was.Generation
	last := max(signed.Number, copied.Number, si.remembered())
	agree := copied.Number < last || copied == signed // two of one number that differ were not made one after the other
	switch {
	case signed.Number == last && agree:
		st.generation = signed
		if copied.Number < last && st.was.Version > 0 && !si.unfinished() {
			st.find(si.paths, si.paths.record(), fmt.Sprintf("has generation %d, but the ledger %d: an older one was "+
				"put there", copied.Number, last))
		}
		return nil
	case copied.Number == last && si.paths.isOf(copied):
		if signed != (generation{}) {
			st.find(si.paths, si.paths.generationFile(), fmt.Sprintf("has generation %d, which is older than the rest "+
				"of the ledger", signed.Number))
		}
		st.generation = copied
		return nil
	}
	return si.wentBack(st, signed, last)
}

// unborn returns an error where a directory without a generation has been in use: somebody took that away.
func (si *signatures) unborn() error {
	if si.remembered() == 0 && !si.inUse() {
		return nil
	}
	return fail(fmt.Errorf("%w: %s and %s are gone or damaged, although the directory was in use: restore them, or "+
		"the whole directory, from a copy", errNotAuthentic,
		si.paths.generationFile(), si.paths.record()), nothingChanged)
}

// witness returns the public key that the ledger is signed with. It lies beside the keys, so that no passphrase is
// needed to look; where it is damaged the key itself tells.
func (si *signatures) witness() (policy.Witness, error) {
	si.mu.Lock()
	w := si.trusted
	si.mu.Unlock()
	if w != nil {
		return *w, nil
	}
	found, err := si.readWitness()
	if err != nil {
		return found, fail(fmt.Errorf("the ledger's signing key: %w", err), nothingChanged)
	}
	si.mu.Lock()
	si.trusted = &found
	si.mu.Unlock()
	return found, nil
}

// believed returns what the ledger is signed with; nil where it was not read yet.
func (si *signatures) believed() *policy.Witness {
	si.mu.Lock()
	defer si.mu.Unlock()
	return si.trusted
}

// readWitness returns the one of the public keys that signed what the directory says of itself; the first
// of them where none did.
func (si *signatures) readWitness() (policy.Witness, error) {
	keys, err := os.ReadDir(si.paths.keys())
	if err != nil || len(keys) == 0 {
		// The keys are lost. No change is possible without them, and to read, the copy that gateways have will do.
		text, err := durable.ReadFile(si.paths.public("policy/key.pem"))
		if err != nil {
			return policy.Witness{}, err
		}
		return policy.ParseWitness(text)
	}
	all, err := si.witnesses()
	if len(all) == 0 {
		return policy.Witness{}, fmt.Errorf("%s %w: set PARTNER_PASSPHRASE, or restore it from a copy",
			si.paths.key(witnessFile), err)
	}
	for _, w := range all {
		if si.signedBy(w) {
			return w, nil
		}
	}
	return all[0], nil
}

// witnesses returns the public keys that the folder of keys has: of the signing key and of its copy, else what lies
// beside them. Who could write there, and has no passphrase, could replace the latter.
func (si *signatures) witnesses() (all []policy.Witness, err error) {
	add := func(name string, read func(text []byte) (policy.Witness, error)) {
		t := si.paths.readTwin(name)
		for _, text := range [][]byte{t.file, t.copied} {
			w, bad := read(text)
			if err = bad; err == nil {
				all = append(all, w)
			}
			if t.same() {
				break
			}
		}
	}
	add(signingKey, func(text []byte) (policy.Witness, error) { return policy.WitnessOf(text, si.options.Passphrase) })
	if len(all) == 0 {
		add(witnessFile, policy.ParseWitness)
	}
	return all, err
}

// signedBy reports whether a key signed what the directory says of itself.
func (si *signatures) signedBy(w policy.Witness) bool {
	raw, err := si.paths.readGeneration()
	if err == nil && w.Attested(raw.text(), raw.Signature) {
		return true
	}
	record, err := si.readRecord()
	if err == nil && record.attested(w) {
		return true
	}
	spare := si.paths.readSpare()
	return w.Attested(spare.text(), spare.Signature)
}

// lastRecord returns the record of what is published; zero where it is not signed.
func (si *signatures) lastRecord() (published, error) {
	was, err := si.readRecord()
	if err != nil || was.Generation == (generation{}) {
		return was, err
	}
	w, err := si.witness()
	if err != nil || !was.attested(w) {
		return published{}, err
	}
	return was, nil
}

// remembered returns the newest generation that the journal tells of. It is asked once: what comes after
// is made here, or read.
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

// Notarized reports whether there is a signing key, and whether it signed a text for the journal.
func (si *signatures) Notarized(text []byte, signature string) (has, signed bool) {
	w, err := si.witness()
	return err == nil, err == nil && w.Attested(append([]byte(noted), text...), signature)
}

// spare returns the copy of the generation beside the list; zero where it is not signed, or damaged.
func (si *signatures) spare() generation {
	g := si.paths.readSpare()
	if w, err := si.witness(); err != nil || !w.Attested(g.text(), g.Signature) {
		return generation{}
	}
	return g
}

// unfinished reports whether a process died before it had published: it left the record that it was
// about to put in place.
func (at *directory) unfinished() bool {
	left, err := filepath.Glob(filepath.Join(at.paths.stagedPublish(), recordStaged+"*"))
	return err == nil && len(left) > 0
}

// wentBack returns the error of a ledger that is older than what is known of it, unless whoever put it back said so.
func (at *directory) wentBack(st *standing, signed generation, last int64) error {
	if signed.Number == 0 {
		return fail(fmt.Errorf("%w: the content of %s is neither generation %d, the last known one, nor another "+
			"signed one: restore it, or the whole directory, from a copy", errNotAuthentic, at.paths.ledger(), last),
			nothingChanged)
	}
	if at.options.Accept != signed.Number {
		return fail(fmt.Errorf("%w: %s went back to generation %d, but generation %d is known: an older copy was put "+
			"there. The provider publishes nothing from it, since that would give back what was revoked. Restore the "+
			"newer one. If there is none, set %s=%d for one apply: that accepts the older one under a new number, "+
			"but it lacks everything revoked or removed since", errNotAuthentic, at.paths.ledger(), signed.Number, last,
			AcceptVariable, signed.Number), nothingChanged)
	}
	st.generation = signed
	st.find(at.paths, at.paths.ledger(), fmt.Sprintf("was put back to generation %d, after generation %d, which %s "+
		"accepts", signed.Number, last, AcceptVariable))
	return nil
}

// inUse reports whether a change was ever made in the directory.
func (at *directory) inUse() bool {
	for _, path := range []string{at.paths.generationFile(), at.paths.sumsFile(), at.paths.record(),
		at.paths.public(crlFile)} {
		if _, err := os.Lstat(path); err == nil {
			return true
		}
	}
	return false
}

// noted begins what is signed for the journal, so that no such signature is one of the ledger.
const noted = "journal "

// isOf reports whether the ledger is what a generation signed.
func (p paths) isOf(g generation) bool {
	_, _, err := p.readSums(g)
	return err == nil
}
