package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A state belongs to one access system. That another one does not hold what a state knows says nothing: it is not gone,
// and a destroy that looked there has destroyed nothing.

// located is which system this walk found when it looked first.
type located struct {
	looked bool
	id     string
	none   bool
	err    error
}

// locate asks which system is there, once in a walk: what comes after says what it looked at.
func (s *session) locate(ctx context.Context) located {
	s.locating.Lock()
	defer s.locating.Unlock()
	if !s.located.looked {
		s.located = s.look(ctx)
	}
	return s.located
}

// look asks which system is there now.
func (s *session) look(ctx context.Context) located {
	id, err := s.system.ID(ctx)
	if errors.Is(err, access.ErrNoSystem) {
		return located{looked: true, none: true}
	}
	return located{looked: true, id: id, err: err}
}

// made remembers the system that a change of this walk has made, and warns of it.
func (s *session) made(id string, diags *diag.Diagnostics) {
	s.locating.Lock()
	defer s.locating.Unlock()
	if s.located.none {
		diags.AddWarning("A new access system was made", s.newSystem("was made"))
		s.located = located{looked: true, id: id}
	}
}

// announce warns, once in a walk, that what is planned makes a new system.
func (s *session) announce(ctx context.Context, diags *diag.Diagnostics) {
	if s.locate(ctx).none {
		s.announcing.Do(func() { diags.AddWarning("A new access system is made", s.newSystem("is made")) })
	}
}

func (s *session) newSystem(made string) string {
	can := s.system.Capabilities()
	if can.Name == "embedded" {
		return fmt.Sprintf("A new access system with new authorities %s in %s. Gateways trust none of them until they are told to. If partners have access "+
			"already, this is not where it is kept: mount the volume, or correct embedded.directory, environment, or the directory that Terraform runs in.", made, can.Place)
	}
	return fmt.Sprintf("A new access system %s in %s. If partners have access already, this is not where it is kept: correct the address or the namespace.", made, can.Place)
}

// belongs is nil where the system that was found is the one that a state knows. Where one of them does not say which it is,
// that it holds the very object decides: held says so.
func (s *session) belongs(known string, there located, held bool) error {
	same := held
	if known != "" && there.id != "" {
		same = known == there.id
	}
	if same && !there.none {
		return nil
	}
	return &elsewhereError{known: known, there: there.id, place: s.system.Capabilities().Place}
}

// sameSystem judges the answer to a reading: an object that is not found is gone only where this is the state's own system.
func (s *session) sameSystem(ctx context.Context, known string, rec *access.Record, err error, diags *diag.Diagnostics) error {
	var damaged *access.DamagedError
	isDamaged := errors.As(err, &damaged)
	if isNotFound(err) || isDamaged {
		there := s.look(ctx)
		if there.err != nil {
			return there.err
		}
		if elsewhere := s.belongs(known, there, isDamaged); elsewhere != nil {
			return elsewhere
		}
		return err
	}
	if err != nil {
		return err
	}
	if rec.System == "" {
		s.warnNameless(known, diags)
	}
	return s.belongs(known, located{id: rec.System}, true)
}

// refuseElsewhere asks which system is there now, and refuses one to which a state does not belong. One that cannot be asked
// is no reason: what comes after says why.
func (s *session) refuseElsewhere(ctx context.Context, known string, held bool) error {
	there := s.look(ctx)
	if there.err != nil && held {
		return nil // the revocation meets it as well, and has the words for it
	}
	if there.err != nil {
		return there.err
	}
	return s.belongs(known, there, held)
}

// elsewhereError says that a state is used on a system to which it does not belong.
type elsewhereError struct{ known, there, place string }

func (e *elsewhereError) Error() string {
	named := func(id string) string {
		if id == "" {
			return "none"
		}
		return id
	}
	return fmt.Sprintf("the state belongs to the access system %s, and the one in %s is %s", named(e.known), e.place, named(e.there))
}

// explainElsewhere says what to do about it.
func explainElsewhere(e *elsewhereError) string {
	return sentence(e) + ". What the state knows is not gone: it was looked for in the wrong place, where nothing was revoked or changed, and the state keeps it. " +
		"Give Terraform the system that the state belongs to: mount its volume, or correct the directory (embedded.directory, environment, the directory that " +
		"Terraform runs in), the address or the namespace. If that system is lost for ever, restore it from a backup. Only if there is none: " +
		"terraform state rm ADDRESS. That revokes nothing: what was issued is admitted, until it ends by itself, wherever the lost system's " +
		"authorities, policies or publications are still trusted; take these away by hand."
}

// warnAbsent says that an inventory of a system that is not there is of nothing.
func (s *session) warnAbsent(ctx context.Context, diags *diag.Diagnostics) {
	if s.locate(ctx).none {
		diags.AddWarning("No access system is there", fmt.Sprintf("Nothing is kept in %s, so what is told of it is empty. That says nothing about what partners "+
			"hold elsewhere: if there is an access system already, mount its volume, or correct the directory, the address or the namespace.",
			s.system.Capabilities().Place))
	}
}

// warnNameless warns, once in a walk, that a system has lost its id.
func (s *session) warnNameless(known string, diags *diag.Diagnostics) {
	if known == "" {
		return
	}
	s.naming.Do(func() {
		diags.AddWarning("The access system has lost its id", fmt.Sprintf("The state belongs to the access system %s. The one in %s holds what the state knows, and "+
			"does not say which it is: somebody removed or damaged %s. Restore that from a backup: what the system does not hold is taken for lost, "+
			"not for gone, until then.", known, s.system.Capabilities().Place, map[bool]string{true: "ledger/system.json", false: "the policy partner/system"}[s.system.Capabilities().Name == "embedded"]))
	})
}
