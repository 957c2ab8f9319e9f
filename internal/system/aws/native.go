// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// The inline policies of a principal.
const (
	grantsPolicy = "partner-grants"
	endPolicy    = "partner-end"
	cutPolicy    = "partner-cut"
	holdPolicy   = "partner-hold"
)

// native is what IAM has of a principal, as it was read.
type native struct {
	described
	there    bool
	policies map[string]string // inline, by their names
	attached []string
	keys     []key // nil: nobody asked
	used     time.Time
}

// held reports whether it was cut by hand.
func (n *native) held() bool { return n.there && n.policies[holdPolicy] != "" }

// ours reports whether it was made here: it bears a tag of ours, or where somebody took the tags away the policy that ends it.
func (n *native) ours() bool { return n.uid() != "" || n.policies[endPolicy] != "" }

// uid returns the uid that its tags tell of; "" where they tell none.
func (n *native) uid() string { return n.tagged(uidTag) }

func (n *native) tagged(name string) string {
	for _, t := range n.Tags {
		if t.Key == name {
			return t.Value
		}
	}
	return ""
}

// look reads a principal with all that hangs on it.
func (s *System) look(ctx context.Context, p principal) (*native, error) {
	n := &native{policies: map[string]string{}}
	var err error
	if n.described, err = s.describe(ctx, p); errors.Is(err, errAbsent) {
		return n, nil
	} else if err != nil {
		return nil, err
	}
	n.there, n.used = true, n.LastUsed
	var reading errgroup.Group
	var names, texts []string
	reading.Go(func() (err error) {
		if names, err = s.inlineNames(ctx, p); err != nil {
			return err
		}
		texts = make([]string, len(names))
		var each errgroup.Group
		for i, name := range names {
			each.Go(func() (err error) { texts[i], err = s.inlineText(ctx, p, name); return gone(err) })
		}
		return each.Wait()
	})
	reading.Go(func() (err error) { n.attached, err = s.attachedTo(ctx, p); return supported(err) })
	if p.Kind == user {
		reading.Go(func() (err error) { n.keys, err = s.keysOf(ctx, p); return err })
		reading.Go(func() (err error) { n.Groups, err = s.groupsOf(ctx, p); return err })
	}
	if err := reading.Wait(); errors.Is(err, errAbsent) { // it went while it was read
		return &native{policies: map[string]string{}}, nil
	} else if err != nil {
		return nil, err
	}
	for i, name := range names {
		if texts[i] != "" {
			n.policies[name] = texts[i]
		}
	}
	return n, nil
}

// supported takes an action that a cloud does not know for one that has nothing to say.
func supported(err error) error {
	var said *apiError
	if errors.As(err, &said) && said.unknown() {
		return nil
	}
	return err
}

// unknown reports whether AWS, or who speaks like it, does not know the action.
func (e *apiError) unknown() bool {
	return slices.Contains([]string{"InvalidAction", "NotImplemented", "UnknownOperationException", "UnsupportedOperation", "MethodNotAllowed"}, e.code) || e.status == 501
}

// nativeOf returns a principal as a listing has it that is fresh, else as it is now.
func (s *System) nativeOf(ctx context.Context, h *shelf, p principal) (*native, error) {
	if h == nil {
		return s.look(ctx, p)
	}
	h.mu.Lock()
	n, whole := h.natives[p.Name], h.whole
	h.mu.Unlock()
	if n != nil {
		return n, nil
	}
	if !whole {
		if err := s.detail(ctx, h); err != nil {
			return nil, err
		}
		h.mu.Lock()
		n = h.natives[p.Name]
		h.mu.Unlock()
		if n != nil {
			return n, nil
		}
	}
	n, err := s.look(ctx, p)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.natives[p.Name] = n
	return n, nil
}

// detail reads all principals of the account in one listing, where IAM has such a one, once for each reading of the ledger.
func (s *System) detail(ctx context.Context, h *shelf) error {
	s.details.Lock()
	defer s.details.Unlock()
	h.mu.Lock()
	whole := h.whole
	h.mu.Unlock()
	if whole {
		return nil
	}
	all, err := s.all(ctx)
	var said *apiError
	if errors.As(err, &said) && (said.unknown() || said.status == 403) { // each is asked for then
		all, err = nil, nil
	}
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range all {
		name := n.Name
		if strings.HasPrefix(n.Path, root) && h.natives[name] == nil {
			h.natives[name] = n
		}
	}
	h.whole = true
	return nil
}
