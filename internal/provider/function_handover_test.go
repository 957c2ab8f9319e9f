// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// OpenTofu 1.7 asked for the text in a first plan, with resources that are still to be made: it was an
// error of the framework's.
func TestAHandoverOfWhatIsStillToBeMadeIsNotKnown(t *testing.T) {
	ctx := context.Background()
	credential := types.ObjectType{AttrTypes: handedCredentialType}
	grant := types.ObjectType{AttrTypes: handedGrantType}
	identity := func(end attr.Value) types.Object {
		values := map[string]attr.Value{"ends_at": end}
		for _, name := range []string{"id", "owner", "purpose", "status"} {
			values[name] = types.StringValue(name)
		}
		return types.ObjectValueMust(handedIdentityType, values)
	}
	known := identity(types.StringValue("2027-03-31T00:00:00Z"))
	none := types.ListValueMust(credential, nil)
	nothing := types.ListValueMust(grant, nil)
	for name, c := range map[string]struct {
		handed []attr.Value
		known  bool
	}{
		"all is made":         {[]attr.Value{known, none, nothing}, true},
		"an end is not known": {[]attr.Value{identity(types.StringUnknown()), none, nothing}, false},
		"a credential is still to be made": {[]attr.Value{known,
			types.ListValueMust(credential, []attr.Value{types.ObjectUnknown(handedCredentialType)}), nothing}, false},
		"a grant is still to be made": {[]attr.Value{known, none,
			types.ListValueMust(grant, []attr.Value{types.ObjectUnknown(handedGrantType)})}, false},
		"how many grants, nobody knows yet": {[]attr.Value{known, none, types.ListUnknown(grant)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			resp := function.RunResponse{Result: function.NewResultData(types.StringUnknown())}
			handoverFunction{}.Run(ctx, function.RunRequest{Arguments: function.NewArgumentsData(c.handed)}, &resp)
			if resp.Error != nil || resp.Result.Value().IsUnknown() == c.known {
				t.Errorf("%v, %v", resp.Result.Value(), resp.Error)
			}
		})
	}
}
