// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// Which access system a namespace holds is remembered in a policy of comments, which nobody has: partner/system. The
// same listing reads it, and a snapshot of the cluster that is restored has it. A state that was written for another
// system takes "not found" for nothing: see DESIGN.md, "The state".

const (
	// systemName is the name of the policy.
	systemName  = Prefix + "system"
	systemTitle = "Which access system this is, by terraform-provider-partner. It gives nothing to anybody. Never " +
		"change it: states know the system by it."
	systemLine = "id "
	placeLine  = "in "
)

// parseSystem reads the id of a system, and what names the namespace that it was made in; "" and "" if the text is not
// one that Identify wrote. Policies of older versions of this provider name no namespace.
func parseSystem(text string) (id, in string) {
	head, body := policy.Split(text)
	if len(head) < 2 ||
		len(head) > 3 ||
		head[0] != systemTitle ||
		body != "" ||
		!strings.HasPrefix(head[1], systemLine) {
		return "", ""
	}
	if len(head) == 3 {
		in = strings.TrimPrefix(head[2], placeLine)
	}
	return strings.TrimPrefix(head[1], systemLine), in
}

// systemIn reads the id of the system that our namespace holds; "" if the text names another namespace. Whoever copies
// policies from one to another copies this one along, and a copy is another system: a state of the first one must not
// take the second for its own.
//
// If this login cannot see what names the namespace, the id is believed.
func (s *Store[N]) systemIn(ctx context.Context, text string) (string, error) {
	id, in := parseSystem(text)
	if in == "" {
		return id, nil
	}
	here, err := s.Namespace(ctx)
	if err != nil || (here != "" && here != in) {
		return "", err
	}
	return id, nil
}

// ID returns the id of the system as it was read last; "" before the first read.
func (s *Store[N]) ID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.system
}

// Identify gives an id to a namespace that holds nothing, before the first policy of an identity is written.
// Check-and-set lets one of several processes win, and the others take its id.
//
// It makes none beside identities that are there: their system's id was lost, and another one would tell their states
// that they are gone.
func (s *Store[N]) Identify(ctx context.Context) error {
	snap, err := s.View(ctx)
	if err != nil {
		return err
	}
	if snap.System != "" || len(snap.Documents) > 0 {
		return nil
	}
	id := access.NewUID()
	head := []string{systemTitle, systemLine + id}
	here, err := s.Namespace(ctx)
	if err != nil {
		return err
	}
	if here != "" {
		head = append(head, placeLine+here)
	}
	err = s.put(ctx, systemName, policy.Render(head, nil), 0)
	if lost(err) { // another process was first, or the answer was lost
		id, err = s.identified(ctx)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.system = id
	if s.seen != nil {
		next := s.seen.with(access.IdentityID{}, nil)
		next.System = id
		s.seen = next
	}
	return nil
}

// identified reads the id that another process has just written, or this one with an answer that was lost.
func (s *Store[N]) identified(ctx context.Context) (string, error) {
	var there Policy
	if err := s.settled(ctx, func() error { return s.Client.Get(ctx, Folder+systemName, &there) }); err != nil {
		return "", err
	}
	id, err := s.systemIn(ctx, there.Policy)
	if err != nil {
		return "", err
	}
	if id == "" {
		return "", fmt.Errorf("%w: the policy %s does not say which access system this is, or was copied from "+
			"another namespace: restore it, or, if there is no partner access, remove it",
			access.ErrUnavailable, systemName)
	}
	return id, nil
}
