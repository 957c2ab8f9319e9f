// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"strconv"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// generation names one state of the ledger. Its number grows from commit to commit; its id tells it from one of the
// same number before a backup was restored; Sums is the digest of what it is made of, and all of it is signed.
type generation struct {
	Version   int    `json:"version"`
	Number    int64  `json:"number"`
	ID        string `json:"id"`
	Sums      string `json:"sums"`
	Signature string `json:"signature"`
}

// text returns what is signed.
func (g generation) text() []byte {
	return []byte("generation " + strconv.FormatInt(g.Number, 10) + " " + g.ID + " " + g.Sums + "\n")
}

// readGeneration reads the generation as it lies there, signed or not. A damaged one is as a
// missing one: it has a copy.
func (p paths) readGeneration() (generation, error) {
	var g generation
	_, err := readFile(p.generationFile(), &g)
	if errors.Is(err, access.ErrDamaged) && !errors.Is(err, errNewer) {
		return generation{}, nil
	}
	return g, err
}

// recordStaged begins the name of a record that is not in place yet.
const recordStaged = "generation-"

// AcceptVariable is the environment variable by whose value a ledger that was put back is accepted.
const AcceptVariable = "PARTNER_ACCEPT_GENERATION"
