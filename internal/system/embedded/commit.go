package embedded

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// process does a batch under the lock, and leaves the answers in its tasks.
func (s *System) process(batch []*task) {
	if batch = acts(batch); len(batch) == 0 {
		return
	}
	base, err := s.base()
	if err != nil {
		answerUnanswered(batch, err)
		return
	}
	d := s.draftOn(base)
	for _, t := range batch {
		t.err = d.Try(func() error { return s.draft(d, t) })
	}
	next, err := s.commit(base, d, true)
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
		before := d.Ledger[t.change.Object.Ref()]
		if t.put, err = d.Place(t.change); err == nil && lifts(before, t.put.Entry) {
			t.put.Entry.HoldLifted = d.holds[t.change.Object.Holder().Partner]
		}
	case taskDelete:
		t.victims, err = d.strike(t.ref, t.uid)
	case taskToken:
		err = s.sign(d, &t.request)
	case taskRevoke:
		err = d.revokeToken(t.request.token)
	case taskLoad, taskAlone:
	}
	return err
}

// base is the ledger as the lock's holder finds it. From here on nobody else changes it.
func (s *System) base() (*book, error) {
	g, err := s.paths.readGeneration()
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
	if err := s.sweepStaged(); err != nil {
		return nil, err
	}
	if l == nil || l.generation != g || !maps.Equal(l.holds, h) {
		if l, err = s.paths.readLedger(g, h); err != nil {
			return nil, err
		}
	}
	s.hold(l)
	return l, nil
}

// hold remembers the ledger as the one that cannot change, until the lock is released.
func (s *System) hold(l *book) {
	s.mu.Lock()
	s.cached, s.leading = l, true
	s.mu.Unlock()
}

// sweepStaged removes what a process that died left half-written.
func (s *System) sweepStaged() error {
	for _, dir := range []string{s.paths.stagedLedger(), s.paths.stagedPublish()} {
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
func (s *System) commit(base *book, d *draft, publish bool) (*book, error) {
	d.settle()
	if publish && (s.known.digests == nil || s.known.generation != base.generation) {
		if err := s.withhold(d); err != nil {
			return nil, s.abandon(err)
		}
	}
	objects := &stage{disk: s.disk, dir: s.paths.stagedLedger(), mode: privateFile, parents: privateDir}
	public := &stage{disk: s.disk, dir: s.paths.stagedPublish(), mode: publicFile, parents: publicDir}
	if err := s.stageObjects(objects, base, d); err != nil {
		return nil, s.abandon(err)
	}
	fresh := s.known.generation == base.generation && maps.Equal(s.known.holds, base.holds) && !objects.empty() && !d.Again
	was, due, err := s.due(base, fresh)
	if err != nil {
		return nil, s.abandon(err)
	}
	if objects.empty() && due == notDue && !d.Again {
		return base, nil
	}
	if !fresh {
		s.known = known{}
	}
	next := following(base.generation, was.Generation)
	record, digests := was, s.known.digests
	if publish {
		if record, digests, err = s.stagePublication(public, d, next, was); err != nil {
			return nil, s.abandon(err)
		}
	}
	record.Version, record.Generation, record.Census, record.Holds = version, next, d.census(), base.holds
	if err := s.enact(next, objects, public, record); err != nil {
		return nil, err
	}
	s.known = known{generation: next, holds: base.holds, digests: digests}
	l := d.book()
	l.generation = next
	s.keep(l)
	return l, nil
}

// enact renames everything into place.
func (s *System) enact(next generation, objects, public *stage, record published) error {
	bump := &stage{disk: s.disk, dir: objects.dir, mode: privateFile, parents: privateDir, names: "generation-"}
	done := &stage{disk: s.disk, dir: objects.dir, mode: privateFile, parents: privateDir, names: "published-"}
	err := errors.Join(bump.encode(s.paths.generation(), next), done.encode(s.paths.published(), record))
	if err != nil {
		return s.abandon(err)
	}
	for _, st := range []*stage{bump, objects, public, done} {
		if err := st.enact(); err != nil {
			s.keep(nil) // nobody knows what is there now: read it again
			s.known = known{}
			return fail(err, perhapsChanged)
		}
	}
	s.prune(s.paths.ledger(), objects.removals)
	s.prune(s.paths.publish(), public.removals)
	return nil
}

// abandon clears what was staged, and says that nothing was changed.
func (s *System) abandon(err error) error {
	_ = s.sweepStaged() // the next one to take the lock tries again
	return fail(err, nothingChanged)
}

// following is the generation after both.
func following(a, b generation) generation {
	return generation{Version: version, Number: max(a.Number, b.Number) + 1, ID: access.NewUID()}
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
