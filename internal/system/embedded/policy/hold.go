package policy

import (
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Hold is who was cut by hand. It is published as a small bundle of its own, so that one that is made and signed before
// it is needed can take its place at any moment, whatever else was published since.
type Hold struct {
	// Partners are those on hold: all their identities, and what hangs on these.
	Partners []string
	// Released are identities of such partners that are not on hold any more.
	Released []access.IdentityID
}

// The document of policy/hold.json.
type (
	holdDocument struct {
		Hold held `json:"partner_hold"`
	}
	held struct {
		Format   int             `json:"format"`
		Partners map[string]bool `json:"partners"`
		Released map[string]bool `json:"released"`
	}
)

const holdFormat = 1

// The files that say who is on hold, by their path in the publish folder.
const (
	HoldText   = "policy/hold.json"
	HoldBundle = "hold.tar.gz"
)

// Text is what HoldText says.
func (h Hold) Text() ([]byte, error) {
	d := holdDocument{held{Format: holdFormat, Partners: map[string]bool{}, Released: map[string]bool{}}}
	for _, partner := range h.Partners {
		d.Hold.Partners[partner] = true
	}
	for _, id := range h.Released {
		d.Hold.Released[id.String()] = true
	}
	text, err := canonical(d)
	if err != nil {
		return nil, fmt.Errorf("write who is on hold: %w", err)
	}
	return text, nil
}

// HoldFiles are the files that say who is on hold. The same text, signed by the same key, gives the same bytes.
func HoldFiles(h Hold, s *Signer) (map[string][]byte, error) {
	text, err := h.Text()
	if err != nil {
		return nil, err
	}
	bundle, err := bundleFile("partner_hold", s, member{"data.json", text})
	if err != nil {
		return nil, err
	}
	return map[string][]byte{HoldText: text, HoldBundle: bundle}, nil
}
