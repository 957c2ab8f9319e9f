// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// version is the version of the files that are written here, and the newest that can be read.
const version = ledger.Version

// readEntry reads the file of an object.
func readEntry(p paths, s sums, ref access.Ref) (*ledger.Entry, error) {
	e, path := new(ledger.Entry), p.object(ref)
	if _, err := readSigned(p, s, path, e); err != nil {
		return nil, err
	}
	if e.Object == nil || e.Ref() != ref {
		return nil, corrupt(path, fmt.Errorf("it does not belong to %s", ref))
	}
	if e.Bound.After(e.Object.Common().ExpiresAt.Time) {
		return nil, corrupt(path, errors.New("it ends after the end that it declares"))
	}
	return e, nil
}

// sumKey begins the last value of each file: the SHA-256 of what stands before it. A disk that flips a bit, or somebody
// who edits a file, shall not move an end unseen.
const sumKey = ",\n  \"sum\": \""

// encodeFile returns the text of a file of the ledger: JSON, its own SHA-256 as the last value.
func encodeFile(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	text = bytes.TrimSuffix(text, []byte("\n}"))
	return fmt.Appendf(text, "%s%x\"\n}\n", sumKey, sha256.Sum256(text)), nil
}

// whole reports whether a file is as it was written.
func whole(text []byte) bool {
	at := bytes.LastIndex(text, []byte(sumKey))
	return at >= 0 && string(text[at:]) == fmt.Sprintf("%s%x\"\n}\n", sumKey, sha256.Sum256(text[:at]))
}

// readFile reads a JSON file of the ledger, and refuses one of a newer version. A file that is not there is no error.
func readFile(path string, v any) (found bool, err error) {
	return readJSON(path, v, func([]byte) error { return nil })
}

// readSigned returns readFile of a file that the sums list.
func readSigned(p paths, s sums, path string, v any) (found bool, err error) {
	return readJSON(path, v, func(text []byte) error { return s.verified(p, path, text) })
}

// readJSON reads a file of the ledger that is whole and of a version that is known, and whose text can be
// verified. One that is not is access.ErrDamaged; of a newer version it is errNewer too; one that is not there is
// not found, and no error.
func readJSON(path string, v any, verify func(text []byte) error) (found bool, err error) {
	text, err := durable.ReadFile(path)
	if missing(err) {
		return false, nil
	}
	if noFile(err) {
		return false, corrupt(path, err)
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
		return false, corrupt(path, fmt.Errorf("it has version %d, but this provider knows only version %d: %w",
			header.Version, version, errNewer))
	}
	if header.Version < 1 {
		return false, corrupt(path, errors.New("it has no version"))
	}
	if !whole(text) {
		return false, corrupt(path, errors.New("it was changed after it was written"))
	}
	if err := verify(text); err != nil {
		return false, fail(err, nothingChanged)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return false, corrupt(path, err)
	}
	return true, nil
}

// errNewer: a newer provider wrote it.
var errNewer = errors.New("use a newer provider")

func corrupt(path string, err error) error {
	return fail(&access.DamagedError{Record: path, Problem: err}, nothingChanged)
}
