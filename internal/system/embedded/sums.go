// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
)

// The ledger is signed as a whole: the file ledger.sums lists the SHA-256 of every other file of it, as
// sha256sum(1) prints them, and generation.json holds the digest of that list under the signature of the key that
// signs what is published. Who can write to ledger/ and not read keys/ can take files away, and nothing else: what
// the list does not say is not believed. The list has a copy, so that one that is damaged together with the file of
// an object is in nobody else's way.

// sums are the digests of the files of the ledger, by their paths below it, and the paths of those that this generation
// removed: a process that died may have left them.
type sums struct {
	files   map[string]string
	removed []string
	// spare is a copy of the generation that signed them, for when both others are damaged.
	spare string
	// copied: there is a copy of the list.
	copied bool
}

const removedMark, spareMark, copiedMark = "# removed ", "# generation ", "# copied"

// signedText returns what the generation signs: all but what was removed, so that it can be made anew from the files.
func (s sums) signedText() []byte {
	var b bytes.Buffer
	for _, path := range slices.Sorted(maps.Keys(s.files)) {
		b.WriteString(s.files[path] + "  " + path + "\n")
	}
	return b.Bytes()
}

func (s sums) digest() string { return digestOf(s.signedText()) }

// text returns the file.
func (s sums) text() []byte {
	b := bytes.NewBuffer(s.signedText())
	for _, path := range slices.Sorted(slices.Values(s.removed)) {
		b.WriteString(removedMark + path + "\n")
	}
	if s.spare != "" {
		b.WriteString(spareMark + s.spare + "\n")
	}
	if s.copied {
		b.WriteString(copiedMark + "\n")
	}
	return b.Bytes()
}

// parseSums reads a list, as far as it can be read: whether it is the one that was signed, its digest says.
func parseSums(text []byte) sums {
	s := sums{files: make(map[string]string, bytes.Count(text, []byte("\n")))}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if path, removed := strings.CutPrefix(line, removedMark); removed {
			s.removed = append(s.removed, path)
		} else if spare, ok := strings.CutPrefix(line, spareMark); ok {
			s.spare = spare
		} else if line == copiedMark {
			s.copied = true
		} else if digest, path, ok := strings.Cut(line, "  "); ok {
			s.files[path] = digest
		}
	}
	return s
}

// signedBy returns the sums with a copy of the generation that signed them.
func (s sums) signedBy(g generation) (sums, error) {
	text, err := json.Marshal(g)
	s.spare, s.copied = string(text), true
	return s, err
}

// readSpare returns the copy of the generation that stands in the list, or in the copy of that, signed or
// not; zero where none does.
func (p paths) readSpare() (g generation) {
	for _, path := range []string{p.sumsFile(), p.sumsCopy()} {
		text, err := durable.ReadFile(path)
		if err == nil &&
			json.Unmarshal([]byte(parseSums(text).spare), &g) == nil &&
			g != (generation{}) {
			return g
		}
	}
	return generation{}
}

// after returns the sums once a stage is in place, without what was lost before.
func (s sums) after(p paths, st *stage, lost map[string]bool) sums {
	next := sums{files: maps.Clone(s.files)}
	maps.DeleteFunc(next.files, func(name, _ string) bool { return lost[name] })
	if next.files == nil {
		next.files = map[string]string{}
	}
	for _, path := range st.removals {
		name := p.listed(path)
		delete(next.files, name)
		next.removed = append(next.removed, name)
	}
	for _, m := range st.moves {
		next.files[p.listed(m.to)] = m.digest
	}
	return next
}

// listed returns the name under which a file stands in the sums.
func (p paths) listed(path string) string {
	name, err := filepath.Rel(p.ledger(), path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(name)
}

// splitListed splits a name in the sums into its directory, which is "" for the ledger's own, and its file.
func splitListed(name string) (dir, file string) {
	at := strings.LastIndexByte(name, '/')
	return name[:max(at, 0)], name[at+1:]
}

func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// listFile is the list of the files, or the copy of it, as it lies there.
type listFile struct {
	path string
	text []byte
	sums sums
	// whole: it is the list that the generation signed, written as this system writes it.
	whole bool
}

// readList reads the list, or its copy, for a generation. One that is gone or damaged is not whole, and no error.
func readList(path string, g generation) (listFile, error) {
	text, err := durable.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !harms(err) {
		return listFile{}, fail(err, nothingChanged)
	}
	s := parseSums(text)
	return listFile{path: path, text: text, sums: s, whole: err == nil &&
		s.digest() == g.Sums &&
		bytes.Equal(text, s.text())}, nil
}

// wholeOf returns the list from its file or the copy, of which one at least is whole, and what is to be
// written anew of the two.
func wholeOf(list, spare listFile) (s sums, damaged []string) {
	switch {
	case !list.whole:
		return spare.sums, []string{list.path}
	case !spare.whole && !list.sums.copied: // it is from before there were copies
		return list.sums, nil
	case !spare.whole:
		return list.sums, []string{spare.path}
	case !bytes.Equal(list.text, spare.text): // what is not signed differs
		return list.sums, []string{list.path}
	}
	return list.sums, nil
}

// readSums reads the list that a generation signed, from its file or the copy of that, and names those of both that are
// to be written anew. Where neither is that list, it is errNotAuthentic, unless the files that are there make it: then
// nothing else was damaged.
func (p paths) readSums(g generation) (s sums, damaged []string, err error) {
	if g == (generation{}) {
		return sums{}, nil, nil
	}
	list, err := readList(p.sumsFile(), g)
	if err != nil {
		return sums{}, nil, err
	}
	spare, err := readList(p.sumsCopy(), g)
	if err != nil {
		return sums{}, nil, err
	}
	if list.whole || spare.whole {
		s, damaged := wholeOf(list, spare)
		return s, damaged, nil
	}
	if s, err = p.sum(); err != nil {
		return sums{}, nil, err
	}
	if s.digest() != g.Sums {
		return sums{}, nil, fail(fmt.Errorf("%w: the content of %s is not what generation %d signed, and %s and its "+
			"copy, which would tell the difference, are damaged too", errNotAuthentic, p.ledger(), g.Number,
			p.sumsFile()), nothingChanged)
	}
	return s, []string{list.path, spare.path}, nil
}

// errNotAuthentic: nobody can tell what of the ledger was written by whom.
var errNotAuthentic = errors.New("the ledger is not authentic")

// sum makes the list anew from the files that are there.
func (p paths) sum() (sums, error) {
	s := sums{files: map[string]string{}}
	err := filepath.WalkDir(p.ledger(), func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case path == p.stagedLedger():
			return fs.SkipDir
		case d.IsDir() || !p.signed(path):
			return nil
		}
		text, err := durable.ReadFile(path)
		if err == nil {
			s.files[p.listed(path)] = digestOf(text)
		}
		if noFile(err) {
			return nil
		}
		return err
	})
	return s, fail(err, nothingChanged)
}

// signed reports whether a file belongs in the sums, by its name.
func (p paths) signed(path string) bool {
	holder, file := splitListed(p.listed(path))
	switch {
	case path == p.generationFile():
		return false
	case holder == "" || holder == "revoked":
		return filepath.Ext(file) == ".json"
	}
	_, ours := refOf(holder, file)
	_, notAnID := access.ParseIdentityID(holder)
	return ours || (notAnID == nil && file == stoneFile)
}

// signedState is how a file of the ledger stands to the sums.
type signedState int

const (
	absent  signedState = iota // neither listed nor there
	planted                    // there, and not listed: somebody else put it there
	gone                       // listed, and not there
	altered                    // not as it was signed, or it cannot be read
	intact                     // as it was signed
)

// look reads a file of the ledger, and says how it stands to the sums. An error is of the machine: nothing is
// known of any file then.
func (s sums) look(p paths, path string) (text []byte, state signedState, err error) {
	_, listed := s.files[p.listed(path)]
	text, err = durable.ReadFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing && !harms(err):
		return nil, absent, fail(err, nothingChanged)
	case missing && listed:
		return nil, gone, nil
	case missing:
		return nil, absent, nil
	case !listed:
		return nil, planted, nil
	case err != nil || s.verified(p, path, text) != nil:
		return nil, altered, nil //nolint:nilerr // it is damage of this file alone
	}
	return text, intact, nil
}

// verified returns an error where a file of the ledger is not what the sums say, and damage of it.
func (s sums) verified(p paths, path string, text []byte) error {
	switch digest, listed := s.files[p.listed(path)]; {
	case !listed:
		return &access.DamagedError{Record: path, Problem: errPlanted}
	case digest != digestOf(text):
		return &access.DamagedError{Record: path, Problem: errEdited}
	}
	return nil
}

var (
	errPlanted = errors.New("somebody else put it there: it is not signed, and gives nothing")
	errGone    = errors.New("it is gone: somebody removed it")
	errEdited  = errors.New("it differs from what was signed: somebody edited it, or put an older one in its place")
)
