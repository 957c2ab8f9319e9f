// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// scope is what a commit may do: publish, and do so because something changes. A plan, which changes nothing,
// finishes what did not come to its end and renews what ages; what somebody else did to the directory it
// leaves for the next change.
type scope struct{ publish, changes bool }

// remember notes when partners were rehearsed.
func (d *draft) remember(rehearsed map[string]time.Time) {
	d.remembers = true
	if d.rehearsed == nil {
		d.rehearsed = map[string]time.Time{}
	}
	maps.Copy(d.rehearsed, rehearsed)
}

// committer puts drafts in force. The caller has the lock.
type committer struct {
	*directory
	notes      *notes
	signatures *signatures
	keyring    *keyring
	observer   *observer
	cache      *cache
	publisher  *publisher
}

// commitment is one commit on its way: from what it starts, what it is to make, and what was staged for that. objects
// are the ledger's files, and public those that gateways read.
type commitment struct {
	base            *book
	draft           *draft
	in              scope
	objects, public *stage
	// was is the last record of what is published, record the next one; digests are of what is published with it.
	was, record published
	digests     map[string][sha256.Size]byte
	// fresh: what is published is known to be ours, whole, and of this ledger.
	fresh bool
}

// commit puts a draft in force: first everything is written beside, so that a full disk leaves all as it was; then the
// generation is bumped, and everything is renamed into place, the ledger before the publication.
//
// What is true if the process dies:
//
//  1. While it is staged: nothing has changed. The next one to take the lock sweeps what lies beside.
//  2. Once the generation is in place: the change is made. The next one to take the lock renames the rest of the ledger
//     into place by what the generation signs (committer.finish).
//  3. Between the ledger and the publication: gateways have the one of before. The record of the publication is of an
//     older generation then, which anybody who reads the directory notices (broken), and the next commit, also of a
//     plan, publishes.
//
// cut.sh is kept out from before the first file is in place until the last one is (alonePublished).
func (co *committer) commit(base *book, d *draft, in scope) (*book, error) {
	c := &commitment{
		base: base, draft: d, in: in,
		objects: &stage{disk: co.disk, dir: co.paths.stagedLedger(), mode: privateFile, parents: privateDir},
		public:  &stage{disk: co.disk, dir: co.paths.stagedPublish(), mode: publicFile, parents: publicDir},
	}
	idle, err := co.stageDraft(c)
	if err != nil {
		return nil, co.abandon(err)
	}
	if idle {
		return base, nil
	}
	next, err := co.stageRecord(c)
	if err != nil {
		return nil, co.abandon(err)
	}
	free, err := co.publisher.alonePublished(in.publish, d.Holds)
	if err != nil {
		return nil, co.abandon(err)
	}
	next, err = co.enact(next, c.objects, c.public, d.sums, c.record)
	if err = errors.Join(err, free()); err != nil {
		return nil, err
	}
	return co.committed(c, next), nil
}

// stageDraft completes the draft, and stages what it changes of the ledger. It reports whether there is nothing to do.
// Certificates that the last publication admits and no record knows are looked for only if somebody else published
// last: this process has not forgotten any.
func (co *committer) stageDraft(c *commitment) (idle bool, err error) {
	base, d := c.base, c.draft
	if err := co.takeOver(base, d, c.in); err != nil {
		return false, err
	}
	d.conclude()
	if c.in.publish && co.publisher.known.generation != base.generation {
		if err := co.withhold(d); err != nil {
			return false, err
		}
	}
	co.stageObjects(c.objects, base, d)
	if c.in.changes {
		c.objects.weed(base.planted)
	}
	c.fresh = co.fresh(c)
	if c.was, err = co.signatures.lastRecord(); err != nil {
		return false, err
	}
	return co.idle(c), c.objects.err
}

// fresh reports whether what is published is known to be ours, whole, and of the ledger that a commit starts from.
func (co *committer) fresh(c *commitment) bool {
	same := co.publisher.known.generation == c.base.generation && maps.Equal(co.publisher.known.holds, c.draft.Holds)
	touched := len(c.base.found) > 0 || co.byHand()
	return same && !touched && !c.objects.empty() && !c.draft.Again
}

// idle reports whether a commit has nothing to do: nothing changes, and what is published needs
// nothing that this one may do.
func (co *committer) idle(c *commitment) bool {
	if d := c.draft; !c.objects.empty() || d.Again || d.lays {
		return false
	}
	due := co.observer.dueOf(c.was, c.base, c.fresh)
	return due == notDue || (due == tampered && !c.in.changes)
}

// stageRecord stages what is published, and writes the record of it all. It returns the generation that this is to be,
// not signed yet. The id comes first, since everything bears it.
func (co *committer) stageRecord(c *commitment) (next generation, err error) {
	base, d := c.base, c.draft
	if err := co.identify(c.objects, base, d, c.in.changes); err != nil {
		return next, err
	}
	co.stageFloor(c.objects, d)
	if !c.fresh {
		co.publisher.known = known{}
	}
	if co.byHand() && c.in.publish {
		c.public.remove(co.paths.public(cutByHandFile))
	}
	next = co.following(base.generation, c.was.Generation)
	c.record, c.digests = c.was, co.publisher.known.digests
	if c.in.publish {
		if c.record, c.digests, err = co.publisher.stagePublication(c.public, d, next, c.was); err != nil {
			return next, err
		}
	}
	d.sums = base.sums.after(co.paths, c.objects, base.lost)
	c.record.Floor = d.floor.mark
	c.record.ChangedAt = c.was.ChangedAt
	if c.in.changes && d.Now.After(c.was.ChangedAt) { // a clock that went back makes no change older than the last
		c.record.ChangedAt = d.Now
	}
	c.record.Version, c.record.System, c.record.Census, c.record.Holds, c.record.Revoked = version, d.system,
		d.census(), d.Holds, d.listed()
	return next, errors.Join(c.objects.err, c.public.err)
}

// committed remembers what is in force now, and returns it.
func (co *committer) committed(c *commitment, next generation) *book {
	co.publisher.known = known{generation: next, holds: c.draft.Holds, digests: c.digests}
	l := c.draft.asBook()
	l.generation = next
	l.raw = next
	l.changedAt = c.record.ChangedAt
	if c.in.changes {
		// those tell themselves when they are mended
		co.notes.heals(slices.DeleteFunc(slices.Clone(c.base.found), finding.ofKeys))
	} else { // it is still to be told
		l.found, l.planted = c.base.found, c.base.planted
		l.tell()
	}
	co.cache.change(l)
	return l
}

// enact signs everything, and renames it into place: the generation first, the record of the publication last. What
// fails before the first rename has changed nothing; what fails after it may have changed anything, and says so.
func (co *committer) enact(next generation, objects, public *stage, list sums, record published) (generation, error) {
	bump := &stage{disk: co.disk, dir: objects.dir, mode: privateFile, parents: privateDir, names: "generation-"}
	done := &stage{disk: co.disk, dir: public.dir, mode: publicFile, parents: publicDir, names: recordStaged}
	err := co.keyring.open()
	if err == nil {
		next, record, err = co.keyring.sign(next, list.digest(), record)
	}
	if err == nil {
		list, err = list.signedBy(next)
	}
	if err == nil {
		objects.write(co.paths.sumsFile(), list.text())
		objects.write(co.paths.sumsCopy(), list.text())
		bump.encode(co.paths.generationFile(), next)
		done.encode(co.paths.record(), record)
		err = settle(bump, objects, public, done)
	}
	if err != nil {
		return next, co.abandon(err)
	}
	for _, st := range []*stage{bump, objects, public, done} {
		if err := st.enact(); err != nil {
			co.cache.keep(nil) // nobody knows what is there now: read it again
			co.publisher.known = known{}
			return next, fail(err, perhapsChanged)
		}
	}
	co.prune(co.paths.ledger(), objects.removals)
	co.prune(co.paths.publish(), public.removals)
	return next, nil
}

// sign signs a generation with what it is made of, and the record of what is published of it.
func (kr *keyring) sign(g generation, sums string, record published) (generation, published, error) {
	g.Sums = sums
	var err error
	if g.Signature, err = kr.signer.Attest(g.text()); err != nil {
		return g, record, fmt.Errorf("sign the ledger: %w", err)
	}
	record.Generation = g
	text, err := record.text()
	if err == nil {
		record.Signature, err = kr.signer.Attest(text)
	}
	return g, record, err
}

// abandon clears what was staged, and says that nothing was changed.
func (at *directory) abandon(err error) error {
	_ = at.sweepStaged() // the next one to take the lock tries again
	return fail(err, nothingChanged)
}

// following returns the generation after both, and after all that was ever seen: no number is used twice.
func (co *committer) following(a, b generation) generation {
	return generation{
		Version: version,
		Number:  max(a.Number, b.Number, co.signatures.remembered()) + 1,
		ID:      access.NewUID(),
	}
}

// prune removes the directories that a removal has emptied. One that stays does no harm.
func (at *directory) prune(below string, removed []string) {
	for _, path := range removed {
		for dir := filepath.Dir(path); dir != below && len(dir) > len(below); dir = filepath.Dir(dir) {
			if at.disk.Do("remove", dir, func() error { return os.Remove(dir) }) != nil {
				break
			}
		}
	}
}
