package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// version is the version of the files that are written here, and the newest that can be read.
const version = ledger.Version

// readEntry reads the file of an object.
func readEntry(path string, ref access.Ref) (*ledger.Entry, error) {
	e := new(ledger.Entry)
	if _, err := readFile(path, e); err != nil {
		return nil, err
	}
	if e.Object == nil || e.Ref() != ref {
		return nil, corrupt(path, fmt.Errorf("it is not of %s, which belongs there", ref))
	}
	return e, nil
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
