package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// version is the version of the files that are written here, and the newest that can be read.
const version = 1

// entry is what the ledger holds of one object. Once it is in a ledger it is never changed, only replaced.
type entry struct {
	ref     access.Ref
	object  access.Object
	history access.History
	// bound is the end that the object itself was given; what is above it may end earlier.
	bound time.Time
	// issued is what was issued for a credential and still counts, oldest first.
	issued []item
	// removedAt is set when a removal was begun: it gives no access, and is there only until that is proven.
	removedAt time.Time
}

// item is one thing that was issued: a certificate, or a key that was sealed to the partner.
type item struct {
	At time.Time `json:"at"`
	// Until is when it ends by itself, whatever becomes of what is above; zero: only with its credential.
	Until     time.Time `json:"until,omitzero"`
	RotatesAt time.Time `json:"rotates_at,omitzero"`
	// Superseded: a newer one was issued, and this one works until its own end.
	Superseded  bool   `json:"superseded,omitzero"`
	Serial      string `json:"serial,omitzero"`
	Fingerprint string `json:"fingerprint,omitzero"`
	KeyHash     string `json:"key_hash,omitzero"`
	Certificate string `json:"certificate,omitzero"`
	Sealed      string `json:"sealed,omitzero"`
}

// end is when the item ends, under a credential that ends at a moment.
func (i item) end(of time.Time) time.Time { return access.Earliest(i.Until, of) }

func (e *entry) removed() bool { return !e.removedAt.IsZero() }

func (e *entry) credential() (*access.Credential, bool) {
	c, ok := e.object.(*access.Credential)
	return c, ok
}

// newest is what was last issued, where it was not revoked.
func (e *entry) newest() (item, bool) {
	for _, i := range e.issued {
		if !i.Superseded {
			return i, true
		}
	}
	return item{}, false
}

type entryFile struct {
	Version     int             `json:"version"`
	Type        access.Type     `json:"type"`
	ID          string          `json:"id"`
	Declaration json.RawMessage `json:"declaration"`
	History     access.History  `json:"history"`
	EndsAt      time.Time       `json:"ends_at"`
	RemovedAt   time.Time       `json:"removed_at,omitzero"`
	Issued      []item          `json:"issued,omitempty"`
}

// encode is the content of the entry's file.
func (e *entry) encode() ([]byte, error) {
	declaration, err := access.Declaration(e.object)
	if err != nil {
		return nil, fmt.Errorf("write the declaration of %s: %w", e.ref, err)
	}
	return encodeFile(entryFile{
		Version: version, Type: e.ref.Type, ID: e.ref.ID, Declaration: declaration, History: e.history,
		EndsAt: e.bound, RemovedAt: e.removedAt, Issued: e.issued,
	})
}

// readEntry reads the file of an object.
func readEntry(path string, ref access.Ref) (*entry, error) {
	var f entryFile
	if _, err := readFile(path, &f); err != nil {
		return nil, err
	}
	if f.Type != ref.Type || f.ID != ref.ID {
		return nil, corrupt(path, fmt.Errorf("it is of %s, where %s belongs", access.Ref{Type: f.Type, ID: f.ID}, ref))
	}
	object, err := access.ParseDeclaration(ref.Type, f.Declaration)
	if err != nil {
		return nil, corrupt(path, err)
	}
	if object.Ref() != ref {
		return nil, corrupt(path, fmt.Errorf("it declares %s, where %s belongs", object.Ref(), ref))
	}
	if f.EndsAt.IsZero() || f.History.UID == "" {
		return nil, corrupt(path, errors.New("it has no end or no uid"))
	}
	return &entry{
		ref: ref, object: object, history: f.History, bound: f.EndsAt, issued: f.Issued, removedAt: f.RemovedAt,
	}, nil
}

func encodeFile(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	return append(text, '\n'), err
}

// readFile reads a JSON file of the ledger, and refuses one of a newer version. A file that is not there is no error.
func readFile(path string, v any) (found bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fail(err, nothingChanged)
	}
	var header struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &header); err != nil {
		return false, corrupt(path, err)
	}
	if header.Version > version {
		return false, fail(fmt.Errorf("%s is of version %d, and this provider knows only version %d: use a newer provider", path, header.Version, version), nothingChanged)
	}
	if header.Version < 1 {
		return false, corrupt(path, errors.New("it has no version"))
	}
	if err := json.Unmarshal(text, v); err != nil {
		return false, corrupt(path, err)
	}
	return true, nil
}

func corrupt(path string, err error) error {
	return fail(fmt.Errorf("%s is corrupt, restore it from a copy or remove it: %w", path, err), nothingChanged)
}
