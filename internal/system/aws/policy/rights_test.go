// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// shipped reads policies of the examples.
func shipped(t *testing.T, names ...string) []map[string]any {
	t.Helper()
	var texts []string
	for _, name := range names {
		text, err := os.ReadFile("../../../../examples/aws/policies/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return iamRead(t, texts...)
}

const (
	theRole      = "arn:aws:iam::111122223333:role/partner/acme/prod/partner.acme.prod.etl.federated"
	theUser      = "arn:aws:iam::111122223333:user/partner/acme/prod/partner.acme.prod.etl.secret.1"
	otherRole    = "arn:aws:iam::111122223333:role/administrator"
	theIssuer    = "arn:aws:iam::111122223333:oidc-provider/login.acme.test"
	theLedger    = "arn:aws:s3:::example-partner-access/prod/identities/acme/prod/etl.json"
	besideLedger = "arn:aws:s3:::example-partner-access/prod.floor/"
	theBoundary  = "arn:aws:iam::111122223333:policy/partner-boundary"
)

func TestTheShippedRightsAllowWhatEachNeedsAndNoMore(t *testing.T) {
	within := map[string]string{"iam:PermissionsBoundary": theBoundary}
	for _, c := range []struct {
		says             string
		action, resource string
		context          map[string]string
		plan, apply, cut bool
	}{
		{"read the floor", "s3:GetObject", besideLedger + "floor.json", nil, true, true, false},
		{"change the floor", "s3:PutObject", besideLedger + "floor.json", nil, false, false, false},
		{"remove the floor", "s3:DeleteObject", besideLedger + "floor.json", nil, false, false, false},
		{"change what the floor was", "s3:PutObject", besideLedger + "was/1", nil, false, false, false},
		{"see who has access", "iam:GetAccountAuthorizationDetails", "*", nil, true, true, false},
		{"see when the keys of all users were used", "iam:GetCredentialReport", "*", nil, true, true, false},
		{"have that looked up", "iam:GenerateCredentialReport", "*", nil, true, true, false},
		{"read a principal", "iam:GetRolePolicy", theRole, nil, true, true, false},
		{"read the ledger", "s3:GetObject", theLedger, nil, true, true, false},
		{"tell a missing object from a forbidden one", "s3:ListBucket", "arn:aws:s3:::example-partner-access", nil,
			true, true, false},
		{"find whom to cut", "iam:ListRoles", "*", nil, true, true, true},
		{"cut", "iam:PutUserPolicy", theUser, nil, false, true, true},
		{"let a cut last", "s3:PutObject", "arn:aws:s3:::example-partner-access/prod/held/acme", nil, false, true,
			true},
		{"write the ledger", "s3:PutObject", theLedger, nil, false, true, false},
		{"make a role within the boundary", "iam:CreateRole", theRole, within, false, true, false},
		{"make a user within the boundary", "iam:CreateUser", theUser, within, false, true, false},
		{"shut a trust", "iam:UpdateAssumeRolePolicy", theRole, nil, false, true, false},
		{"make a key", "iam:CreateAccessKey", theUser, nil, false, true, false},
		{"trust an issuer", "iam:CreateOpenIDConnectProvider", theIssuer, nil, false, true, false},
		{"distrust an issuer that it made", "iam:DeleteOpenIDConnectProvider", theIssuer,
			map[string]string{"aws:ResourceTag/partner:issuer": "terraform-provider-partner"}, false, true, false},
		{"become the twin of a rehearsal", "sts:AssumeRole",
			"arn:aws:iam::111122223333:role/partner/rehearsal-1a2b3c4d/prod/partner.rehearsal-1a2b3c4d.prod.twin.federated", nil, false, true, false},

		{"make a role without a boundary", "iam:CreateRole", theRole, nil, false, false, false},
		{"make a role within another boundary", "iam:CreateRole", theRole,
			map[string]string{"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}, false, false,
			false},
		{"make a role elsewhere", "iam:CreateRole", otherRole, within, false, false, false},
		{"take the boundary away", "iam:DeleteRolePermissionsBoundary", theRole, nil, false, false, false},
		{"pass a role on", "iam:PassRole", theRole, nil, false, false, false},
		{"pass any role on", "iam:PassRole", otherRole, nil, false, false, false},
		{"attach the administrator's policy", "iam:AttachRolePolicy", theRole, nil, false, false, false},
		{"give a user a password", "iam:CreateLoginProfile", theUser, nil, false, false, false},
		{"put a user into a group", "iam:AddUserToGroup", "arn:aws:iam::111122223333:group/admins", nil, false, false,
			false},
		{"change somebody else's role", "iam:PutRolePolicy", otherRole, nil, false, false, false},
		{"change the boundary itself", "iam:CreatePolicyVersion", theBoundary, nil, false, false, false},
		{"become a partner", "sts:AssumeRole", theRole, nil, false, false, false},
		{"distrust an issuer of somebody else's", "iam:DeleteOpenIDConnectProvider", theIssuer, nil, false, false,
			false},
		{"read what partners read", "s3:GetObject", "arn:aws:s3:::partner-exchange/acme/feed.csv", nil, false, false,
			false},
		{"remove another ledger", "s3:DeleteObject", "arn:aws:s3:::example-partner-access/other/x.json", nil, false,
			false, false},
		{"remove the bucket", "s3:DeleteBucket", "arn:aws:s3:::example-partner-access", nil, false, false, false},
	} {
		r := request{action: c.action, resource: c.resource, context: c.context}
		for who, can := range map[string]struct {
			policies []string
			want     bool
		}{
			"plan":  {[]string{"plan"}, c.plan},
			"apply": {[]string{"plan", "apply"}, c.apply},
			"cut":   {[]string{"cut"}, c.cut},
		} {
			if is := iamAllows(t, shipped(t, can.policies...), r); is != can.want {
				t.Errorf("%s may %s (%s on %s): %v", who, c.says, c.action, c.resource, is)
			}
		}
	}
}

// Who sets the floor gives no access, and who gives access sets no floor.
func TestTheRightOfTheFloorIsNothingElse(t *testing.T) {
	floor := shipped(t, "floor")
	for resource, want := range map[string]bool{
		besideLedger + "floor.json": true, besideLedger + "was/1.x.y": true,
		"arn:aws:s3:::example-partner-access/prod/floor/1":     true,
		"arn:aws:s3:::example-partner-access/prod/system.json": true,
		theLedger: false, "arn:aws:s3:::example-partner-access/prod/held/acme": false,
		"arn:aws:s3:::example-partner-access/prod/released/acme/prod/etl/eA": false,
		"arn:aws:s3:::example-partner-access/stage.floor/floor.json":         false,
	} {
		if is := iamAllows(t, floor, request{action: "s3:PutObject", resource: resource}); is != want {
			t.Errorf("security may write %s: %v", resource, is)
		}
		if iamAllows(t, floor, request{action: "s3:DeleteObject", resource: resource}) {
			t.Errorf("security may remove %s", resource)
		}
	}
	for _, s := range floor {
		for _, action := range iamTexts(s["Action"]) {
			if action != "s3:PutObject" {
				t.Errorf("security may %s", action)
			}
		}
	}
	if iamAllows(t, shipped(t, "boundary"), request{action: "s3:GetObject", resource: besideLedger + "floor.json"}) {
		t.Error("partners read the floor")
	}
}

func TestAPlanOnlyReads(t *testing.T) {
	for _, s := range shipped(t, "plan") {
		for _, action := range iamTexts(s["Action"]) {
			_, name, _ := strings.Cut(action, ":")
			looks := name == "GenerateCredentialReport" // which AWS counts as reading, too: its SecurityAudit allows it
			if !looks && !strings.HasPrefix(name, "Get") && !strings.HasPrefix(name, "List") {
				t.Errorf("a plan may %s", action)
			}
		}
	}
}

func TestTheBoundaryLetsThroughWhatTheWordsMeanAndNothingElse(t *testing.T) {
	boundary := shipped(t, "boundary")
	var meant []string
	for _, words := range builtIn() {
		for _, actions := range words {
			meant = append(meant, actions...)
		}
	}
	for _, action := range meant {
		if !iamAllows(t, boundary, request{action: action, resource: "arn:aws:s3:::partner-exchange/acme/feed.csv"}) {
			t.Errorf("%s is a grant's, and the boundary is in its way", action)
		}
	}
	for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:ListBucket"} {
		if iamAllows(t, boundary, request{action: action, resource: theLedger}) {
			t.Errorf("a partner may %s of the ledger", action)
		}
	}
	for _, action := range []string{"iam:CreateUser", "iam:PassRole", "sts:AssumeRole", "s3:PutBucketPolicy",
		"kms:CreateGrant", "sqs:AddPermission", "ec2:RunInstances", "secretsmanager:PutSecretValue"} {
		if slices.Contains(meant, action) || iamAllows(t, boundary, request{action: action, resource: "*"}) {
			t.Errorf("the boundary lets %s through", action)
		}
	}
}
