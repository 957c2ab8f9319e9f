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

// SystemFile is what the ledger says of itself.
type SystemFile struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
	// Account is the number of the account whose principals it tells of; "" where nobody could tell.
	Account string `json:"account,omitempty"`
	// Judges is the endpoint of another cloud that was seen to judge policies as AWS does; "" where none was tried.
	Judges string `json:"judges,omitempty"`
	About  string `json:"about"`
}

// Identified reads the id of the system; "" where there is none.
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

// ErrNameless says that what the ledger says of itself cannot be read. It is as good as lost.
var ErrNameless = errors.New("does not say which access system this is: restore it, or, if there is no partner " +
	"access, remove it")

// About reads what the ledger says of itself.
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
// S3: nothing else keeps two processes from writing over each other.
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
		if _, err = s.Put(ctx, SystemKey, text, ""); errors.Is(err, client.ErrChanged) {
			if id, err := s.Identified(ctx); err != nil {
				return err
			} else if id == "" { // and nobody has access whom that could harm
				_, _, err := s.About(ctx)
				return err
			}
			s.mu.Lock()
			s.probed = true
			s.mu.Unlock()
			return nil
		} else if err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: the store overwrote %s although it existed: it ignores If-None-Match, so two processes "+
		"would overwrite each other's changes",
		access.ErrUnsupported, s.Where(SystemKey))
}

// SystemID returns the id of the system, as it was read; "" where it was not, or there is none.
func (s *Store[N]) SystemID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.system
}

// Owner returns the number of the account that the ledger is of, as it was read; "" where it was
// not, or nobody could tell.
func (s *Store[N]) Owner() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}
