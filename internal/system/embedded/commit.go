package embedded

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// process does a batch under the lock, and leaves the answers in its tasks.
func (s *System) process(batch []*task) {
	if batch = acts(batch); len(batch) == 0 {
		return
	}
	next, err := s.change(batch)
	for tries := 0; errors.Is(err, errCutMeanwhile) && tries < 100; tries++ {
		next, err = s.change(batch)
	}
	if err != nil {
		s.again(batch, err)
		return
	}
	next = s.bury(next, batch)
	for _, t := range batch {
		if t.view = next; t.err == nil && t.put != nil {
			t.record, t.err = next.placed(t.put)
		}
	}
}

// change drafts a batch and commits it. Where somebody cuts by hand meanwhile, it is errCutMeanwhile, and nothing was changed.
func (s *System) change(batch []*task) (*book, error) {
	base, err := s.base()
	if err != nil {
		return nil, err
	}
	d := s.draftOn(base)
	for _, t := range batch {
		t.put, t.victims, t.swept = nil, nil, nil
		t.err = d.Try(func() error { return s.draft(d, t) })
	}
	return s.commit(base, d, scope{publish: true, changes: slices.ContainsFunc(batch, (*task).changes)})
}

// scope is what a commit may do: publish, and do so because something changes. A plan, which changes nothing, finishes what
// did not come to its end and renews what ages; what somebody else did to the directory it leaves for the next change.
type scope struct{ publish, changes bool }

// changes reports whether a task changes something, or was asked to.
func (t *task) changes() bool { return t.kind != taskLoad && t.err == nil }

// acts does what is no change of the ledger, before anything of that is read. It returns the other tasks.
func acts(batch []*task) (others []*task) {
	for _, t := range batch {
		if t.kind == taskAlone {
			t.err = t.act()
			continue
		}
		others = append(others, t)
	}
	return others
}

// again answers a batch whose commit failed. Where nothing was changed, each of several is tried alone, so that the one
// that cannot be published does not fail the others.
func (s *System) again(batch []*task, err error) {
	live := slices.DeleteFunc(slices.Clone(batch), func(t *task) bool { return t.err != nil })
	if f := (*failure)(nil); len(live) < 2 || errors.As(err, &f) && f.outcome != nothingChanged {
		answerUnanswered(live, err)
		return
	}
	for _, t := range live {
		s.process([]*task{t})
	}
}

// draft makes the change of one task in a draft.
func (s *System) draft(d *draft, t *task) (err error) {
	switch t.kind {
	case taskPut:
		if err := d.refuse(t.change); err != nil {
			return err
		}
		if t.put, err = d.Place(t.change); err == nil && t.put.Hold {
			err = s.holdNew(d, t.change.Object.Holder())
		}
	case taskDelete:
		t.victims, err = d.strike(t.ref, t.uid)
	case taskToken:
		err = s.signToken(d, &t.request)
	case taskRevoke:
		err = d.revokeToken(t.request.token)
	case taskRemember:
		d.remembers = true
		if d.rehearsed == nil {
			d.rehearsed = map[string]time.Time{}
		}
		maps.Copy(d.rehearsed, t.rehearsed)
	case taskLoad, taskAlone:
	}
	return err
}

// base is the ledger as the lock's holder finds it. From here on nobody else changes it.
func (s *System) base() (*book, error) {
	raw, err := s.paths.readGeneration()
	if err != nil {
		return nil, err
	}
	h, err := s.paths.readHolds()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	l := s.cached
	s.mu.Unlock()
	if l == nil || l.raw != raw || !maps.Equal(l.holds, h) {
		if l, err = s.load(h); err != nil {
			return nil, err
		}
	} else if err := s.sweepStaged(); err != nil {
		return nil, err
	}
	s.hold(l)
	return l, nil
}

// load reads the ledger under the lock, and first finishes what a process that died left of a change.
func (s *System) load(h ledger.Holds) (*book, error) {
	st, err := s.standing()
	if err != nil {
		return nil, err
	}
	if st.was.Generation.Number < st.generation.Number {
		if err := s.finish(st.generation); err != nil {
			return nil, err
		}
	}
	if err := s.sweepStaged(); err != nil {
		return nil, err
	}
	l, err := s.paths.readLedger(st, h)
	if err == nil {
		err = s.inspect(l, st.was)
	}
	if err != nil {
		return nil, err
	}
	l.inspectKeys(s.paths)
	l.tell()
	return l, nil
}

// finish renames into place what a generation signed and a process that died had not got to, and removes what that removes.
func (s *System) finish(g generation) error {
	left, err := os.ReadDir(s.paths.stagedLedger())
	if err != nil {
		return nil //nolint:nilerr // nothing was left
	}
	staged := map[string][]string{} // paths, by the digest
	for _, f := range left {
		path := filepath.Join(s.paths.stagedLedger(), f.Name())
		text, err := os.ReadFile(path)
		switch {
		case err != nil:
		case strings.HasPrefix(f.Name(), filepath.Base(s.paths.sums())):
			digest := parseSums(text).digest()
			staged[digest] = append(staged[digest], path)
		default:
			staged[digestOf(text)] = append(staged[digestOf(text)], path)
		}
	}
	place := func(digest, to string) error {
		if len(staged[digest]) == 0 {
			return nil
		}
		from := staged[digest][0]
		staged[digest] = staged[digest][1:]
		if err := s.disk.mkdir(filepath.Dir(to), privateDir); err != nil {
			return err
		}
		if err := s.disk.rename(from, to); err != nil {
			return err
		}
		return s.disk.sync(filepath.Dir(to))
	}
	for _, path := range []string{s.paths.sums(), s.paths.sumsCopy()} {
		if err := place(g.Sums, path); err != nil {
			return fail(err, perhapsChanged)
		}
	}
	list, _, err := s.paths.readSums(g)
	if err != nil {
		return err
	}
	for name, digest := range list.files {
		if err := place(digest, s.paths.in("ledger", filepath.FromSlash(name))); err != nil {
			return fail(err, perhapsChanged)
		}
	}
	for _, name := range list.removed {
		if err := s.disk.remove(s.paths.in("ledger", filepath.FromSlash(name))); err != nil {
			return fail(err, perhapsChanged)
		}
	}
	return nil
}

// hold remembers the ledger as the one that cannot change, until the lock is released.
func (s *System) hold(l *book) {
	s.mu.Lock()
	s.cached, s.leading = l, true
	s.mu.Unlock()
}

// sweepStaged removes what a process that died left half-written.
func (s *System) sweepStaged() error {
	dirs := []string{s.paths.stagedLedger(), s.paths.stagedPublish()}
	if _, err := os.Stat(filepath.Join(s.paths.cutting(), byProvider)); err == nil {
		dirs = append(dirs, s.paths.cutting())
	}
	for _, dir := range dirs {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			if err := s.disk.removeAll(dir); err != nil {
				return fail(err, nothingChanged)
			}
		}
	}
	return nil
}

// commit puts a draft in force: first everything is written beside, so that a full disk leaves all as it was; then the
// generation is bumped, and everything is renamed into place, the ledger before the publication.
func (s *System) commit(base *book, d *draft, in scope) (*book, error) {
	if err := s.takeOver(base, d, in); err != nil {
		return nil, s.abandon(err)
	}
	d.settle()
	if in.publish && s.known.generation != base.generation {
		if err := s.withhold(d); err != nil {
			return nil, s.abandon(err)
		}
	}
	objects := &stage{disk: s.disk, dir: s.paths.stagedLedger(), mode: privateFile, parents: privateDir}
	public := &stage{disk: s.disk, dir: s.paths.stagedPublish(), mode: publicFile, parents: publicDir}
	if err := s.stageObjects(objects, base, d); err != nil {
		return nil, s.abandon(err)
	}
	if in.changes {
		objects.weed(base.planted)
	}
	fresh := s.known.generation == base.generation && maps.Equal(s.known.holds, d.Holds) && !objects.empty() && !d.Again && len(base.found) == 0 && !s.byHand()
	was, err := s.lastRecord()
	if err != nil {
		return nil, s.abandon(err)
	}
	due := s.due(was, base, fresh)
	if objects.empty() && !d.Again && (due == notDue || due == tampered && !in.changes) {
		return base, nil
	}
	if err := s.identify(objects, base, d, in.changes); err != nil {
		return nil, s.abandon(err)
	}
	if !fresh {
		s.known = known{}
	}
	if s.byHand() && in.publish {
		public.remove(s.paths.public(cutByHandFile))
	}
	next := s.following(base.generation, was.Generation)
	record, digests := was, s.known.digests
	if in.publish {
		if record, digests, err = s.stagePublication(public, d, next, was); err != nil {
			return nil, s.abandon(err)
		}
	}
	d.sums = base.sums.after(s.paths, objects, base.lost)
	record.Version, record.System, record.Census, record.Holds, record.Revoked = version, d.system, d.census(), d.Holds, d.listed()
	free, err := s.alonePublished(in.publish, d.Holds)
	if err != nil {
		return nil, s.abandon(err)
	}
	next, err = s.enact(next, objects, public, d.sums, record)
	if err = errors.Join(err, free()); err != nil {
		return nil, err
	}
	s.known = known{generation: next, holds: d.Holds, digests: digests}
	l := d.book()
	l.generation, l.raw = next, next
	if in.changes {
		s.heals(slices.DeleteFunc(slices.Clone(base.found), finding.ofKeys)) // those tell themselves when they are mended
	} else { // it is still to be told
		l.found, l.planted = base.found, base.planted
		l.tell()
	}
	s.keep(l)
	return l, nil
}

// lastRecord is the record of what is published; zero where it is not signed.
func (s *System) lastRecord() (published, error) {
	was, err := s.readRecord()
	if err != nil || was.Generation == (generation{}) {
		return was, err
	}
	w, err := s.witness()
	if err != nil || !was.attested(w) {
		return published{}, err
	}
	return was, nil
}

// enact signs everything, and renames it into place.
func (s *System) enact(next generation, objects, public *stage, list sums, record published) (generation, error) {
	bump := &stage{disk: s.disk, dir: objects.dir, mode: privateFile, parents: privateDir, names: "generation-"}
	done := &stage{disk: s.disk, dir: public.dir, mode: publicFile, parents: publicDir, names: recordStaged}
	err := s.open()
	if err == nil {
		next, record, err = s.sign(next, list.digest(), record)
	}
	if err == nil {
		list, err = list.signedBy(next)
	}
	if err == nil {
		err = errors.Join(objects.write(s.paths.sums(), list.text()), objects.write(s.paths.sumsCopy(), list.text()))
	}
	if err == nil {
		err = errors.Join(bump.encode(s.paths.generation(), next), done.encode(s.paths.record(), record), s.disk.sync(objects.dir))
	}
	if err != nil {
		return next, s.abandon(err)
	}
	for _, st := range []*stage{bump, objects, public, done} {
		if err := st.enact(); err != nil {
			s.keep(nil) // nobody knows what is there now: read it again
			s.known = known{}
			return next, fail(err, perhapsChanged)
		}
	}
	s.prune(s.paths.ledger(), objects.removals)
	s.prune(s.paths.publish(), public.removals)
	return next, nil
}

// weed removes what nobody signed, but for what is written in its place.
func (st *stage) weed(planted []string) {
	for _, path := range planted {
		if !slices.ContainsFunc(st.moves, func(m [2]string) bool { return m[1] == path }) {
			st.remove(path)
		}
	}
}

// sign signs a generation with what it is made of, and the record of what is published of it.
func (s *System) sign(g generation, sums string, record published) (generation, published, error) {
	g.Sums = sums
	var err error
	if g.Signature, err = s.signer.Attest(g.text()); err != nil {
		return g, record, fmt.Errorf("sign the ledger: %w", err)
	}
	record.Generation = g
	text, err := record.text()
	if err == nil {
		record.Signature, err = s.signer.Attest(text)
	}
	return g, record, err
}

// abandon clears what was staged, and says that nothing was changed.
func (s *System) abandon(err error) error {
	_ = s.sweepStaged() // the next one to take the lock tries again
	return fail(err, nothingChanged)
}

// following is the generation after both, and after all that was ever seen: no number is used twice.
func (s *System) following(a, b generation) generation {
	return generation{Version: version, Number: max(a.Number, b.Number, s.remembered()) + 1, ID: access.NewUID()}
}

// stageObjects stages what the draft changes in the ledger.
func (s *System) stageObjects(st *stage, base *book, d *draft) error {
	for _, ref := range slices.SortedFunc(maps.Keys(d.Touched), ledger.CompareRefs) {
		before, after := base.Ledger[ref], d.Ledger[ref]
		switch {
		case after == nil && before != nil:
			st.remove(s.paths.object(ref))
		case after != nil && after != before:
			if err := st.replace(s.paths.object(ref), before, after); err != nil {
				return err
			}
		}
	}
	for ref := range base.damaged {
		if _, still := d.damaged[ref]; !still && d.Ledger[ref] == nil {
			st.remove(s.paths.object(ref))
		}
	}
	if d.remembers {
		if err := st.encode(s.paths.rehearsed(), rehearsed{Version: version, Partners: d.rehearsed}); err != nil {
			return err
		}
	}
	for id := range d.Noted {
		if _, kept := d.Tombstones[id]; !kept {
			st.remove(s.paths.stone(id))
			continue
		}
		if err := st.encode(s.paths.stone(id), d.Tombstones[id]); err != nil {
			return err
		}
	}
	for name, r := range d.revoked {
		if _, already := base.revoked[name]; !already {
			if err := st.encode(s.paths.revocation(name), r); err != nil {
				return err
			}
		}
	}
	for name := range base.revoked {
		if _, still := d.revoked[name]; !still {
			st.remove(s.paths.revocation(name))
		}
	}
	return nil
}

// prune removes the directories that a removal has emptied. One that stays does no harm.
func (s *System) prune(below string, removed []string) {
	for _, path := range removed {
		for dir := filepath.Dir(path); dir != below && len(dir) > len(below); dir = filepath.Dir(dir) {
			if s.disk.do("remove", dir, func() error { return os.Remove(dir) }) != nil {
				break
			}
		}
	}
}
