// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// SystemFile is what the ledger says of itself, in system.json. It is written once, by the first change, and later only
// Judges.
type SystemFile struct {
	// Version is that of the ledger. ID is the id of the system, which states know it by.
	Version int    `json:"version"`
	ID      string `json:"id"`
	// Account is the number of the account whose principals it tells of; "" where nobody could tell.
	Account string `json:"account,omitempty"`
	// Judges is the endpoint of another cloud that was seen to judge policies as AWS does; "" if none was tried. At
	// another endpoint, it is tried again.
	Judges string `json:"judges,omitempty"`
	// About says to people what the object is.
	About string `json:"about"`
}

// Identified returns the id of the system; "" if there is none. It asks once: an id never changes. A system.json that
// is lost or cannot be read is no error: what takes access away goes on without it. ErrElsewhere if it names another
// account than this login's.
func (s *Store[N]) Identified(ctx context.Context) (string, error) {
	s.mu.Lock()
	known := s.system
	s.mu.Unlock()
	if known != "" {
		return known, nil
	}
	f, _, err := s.About(ctx)
	if errors.Is(err, client.ErrAbsent) || errors.Is(err, ErrNameless) { // nothing is the less cut for that
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if own := s.account(); f.Account != "" && own != "" && f.Account != own {
		return "", fmt.Errorf("the ledger %s belongs to the account %s, but this login to the account %s: %w. Use a "+
			"login of %[2]s, or another ledger",
			s.address, f.Account, own, ErrElsewhere)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.system, s.number = f.ID, f.Account
	return f.ID, nil
}

// ErrNameless says that what the ledger says of itself cannot be read. For reading and removing that is as good as
// lost, but nothing begins in a ledger that has no pages yet (see Identify).
var ErrNameless = errors.New("does not say which access system this is: restore it, or, if there is no partner " +
	"access, remove it")

// About reads what the ledger says of itself, and its ETag: client.ErrAbsent, or ErrNameless.
func (s *Store[N]) About(ctx context.Context) (f SystemFile, etag string, err error) {
	text, etag, err := s.Get(ctx, SystemKey, "")
	if err != nil {
		return f, "", err
	}
	if err := json.Unmarshal(text, &f); err != nil || f.ID == "" {
		return f, "", fmt.Errorf("%w: %s %w", access.ErrUnavailable, s.Where(SystemKey), ErrNameless)
	}
	return f, etag, nil
}

// Identify gives a ledger that is not there yet an id, and tries whether writes with a condition are what they are on
// S3: nothing else keeps two processes from writing over each other. It is called before each change, and asks only
// until it succeeded once in this process.
//
// The try is the id itself. It is written twice, each time only if there is none: of a store that keeps the condition
// the second is refused, whoever wrote the first. A store that takes the second ignores the condition, and the change
// is refused before it is made. What was tried is the id that the system then has, so no other object is left behind.
//
// If pages are there and no id, it was lost. A new one would make all states say that they are of another system, so
// changes go on without one until somebody restores it.
func (s *Store[N]) Identify(ctx context.Context) error {
	s.mu.Lock()
	probed := s.probed
	s.mu.Unlock()
	if probed {
		return nil
	}
	id, err := s.Identified(ctx)
	if err != nil {
		return err
	}
	if id == "" {
		if all, err := s.List(ctx, identities); err != nil || len(all) > 0 {
			return err // its id was lost: who restores it knows which it was
		}
		id = access.NewUID()
	}
	text, err := json.Marshal(SystemFile{
		Version: ledger.Version,
		ID:      id,
		Account: s.account(),
		About: "Which access system this is, by terraform-provider-partner. Never change it: states know the " +
			"system by it.",
	})
	if err != nil {
		return err
	}
	for range 2 { // the second must be refused, whoever wrote the first
		_, err := s.Put(ctx, SystemKey, text, "")
		if errors.Is(err, client.ErrChanged) {
			return s.proven(ctx)
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: the store overwrote %s although it existed: it ignores If-None-Match, so two processes "+
		"would overwrite each other's changes",
		access.ErrUnsupported, s.Where(SystemKey))
}

// proven notes that the store keeps the condition of a write, once it is known which system this is. A system.json that
// says nothing is an error here: without pages, nobody has access whom it could harm to wait until it is restored.
func (s *Store[N]) proven(ctx context.Context) error {
	id, err := s.Identified(ctx)
	if err != nil {
		return err
	}
	if id == "" {
		_, _, err := s.About(ctx)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probed = true
	return nil
}

// SystemID returns the id of the system, as it was read; "" if it was not, or there is none. It asks nothing.
func (s *Store[N]) SystemID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.system
}

// Owner returns the number of the account that the ledger is of, as it was read; "" if it was not, or nobody could
// tell. It asks nothing.
func (s *Store[N]) Owner() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}
