// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// create makes a principal that gives nothing yet: a role trusts nobody, a user has no key, and neither has a policy.
// The boundary and the tags come with it, so there is no moment without them; without its tags, nobody would know later
// that it was made here.
//
// If one of that name is there, it was made by another process or by our own request whose answer was lost, or it is
// somebody else's, which is an error. What it returns is what IAM has.
func (al *aligner) create(ctx context.Context, w wanted) (*native, error) {
	in := naming(w.principal, "Path", w.Path)
	if w.Kind == store.Role {
		// an hour, the shortest that a role can have as its longest session
		in["AssumeRolePolicyDocument"], in["MaxSessionDuration"] = policy.NoTrust().JSON(), "3600"
		in["Description"] = "Partner access of " + w.owner.String() + ", by terraform-provider-partner"
	}
	if al.at.options.Boundary != "" {
		in["PermissionsBoundary"] = al.at.options.Boundary
	}
	addTags(in, w.tags)
	err := al.at.Ask(ctx, "Create"+string(w.Kind), in, nil)
	// another process made it, or the answer was lost
	if errors.Is(err, client.ErrExists) {
		if err := al.awaitThere(ctx, w.principal); err != nil {
			return nil, err
		}
		n, err := al.reader.look(ctx, w.principal)
		if err == nil {
			err = al.reader.foreign(n, w.principal, false)
		}
		return n, err
	}
	if err != nil {
		return nil, err
	}
	if err := al.awaitThere(ctx, w.principal); err != nil {
		return nil, err
	}
	made := described{Trust: policy.NoTrust().JSON(), Boundary: al.at.options.Boundary, Path: w.Path}
	for name, value := range w.tags {
		made.Tags = append(made.Tags, tag{name, value})
	}
	return &native{described: made, there: true, policies: map[string]string{}}, nil
}

// awaitThere returns once IAM knows a principal that was made: before, it may take no policy of it. The client asks
// again while IAM may not have heard of it.
func (al *aligner) awaitThere(ctx context.Context, p principal) error {
	al.at.NoteMade(p.Name)
	_, err := al.at.describe(ctx, p)
	if errors.Is(err, client.ErrAbsent) {
		return fmt.Errorf("%w: IAM does not find %s, which was just created", access.ErrUnavailable, p)
	}
	return err
}
