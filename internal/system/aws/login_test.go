// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// The login is found where AWS's own programs find theirs, and in their order.
func TestTheLoginIsFoundWhereAWSsOwnProgramsFindTheirs(t *testing.T) {
	l := startLab(t, ministack(t), access.Federated)
	trust :=
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	web := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::` +
		l.cloud.Access + `:oidc-provider/ci.example.test"},"Action":"sts:AssumeRoleWithWebIdentity"}]}`
	l.must(t, "CreateOpenIDConnectProvider",
		map[string]string{"Url": "https://ci.example.test", "ClientIDList.member.1": "sts.amazonaws.com"})
	for name, text := range map[string]string{"deployer": trust, "pipeline": web} {
		l.must(t, "CreateRole", map[string]string{"RoleName": name, "AssumeRolePolicyDocument": text})
		l.must(t, "PutRolePolicy", map[string]string{
			"RoleName":       name,
			"PolicyName":     "all",
			"PolicyDocument": everything,
		})
	}
	l.must(t, "CreateUser", map[string]string{"UserName": "jane"})
	l.must(t, "PutUserPolicy", map[string]string{"UserName": "jane", "PolicyName": "all", "PolicyDocument": everything})
	jane, err := l.open().at.createKey(t.Context(), principal{Kind: store.User, Name: "jane"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys := fmt.Sprintf("aws_access_key_id = %s\naws_secret_access_key = %s\n", jane.AccessKeyID, jane.SecretAccessKey)
	config := file("config", "[profile deploy]\nrole_arn = arn:aws:iam::"+l.cloud.Access+
		":role/deployer\nsource_profile = jane\n[profile process]\ncredential_process = cat "+
		file("printed", string(sealable(jane)))+"\n[profile second-factor]\nrole_arn = arn:aws:iam::"+l.cloud.Access+
		":role/deployer\nsource_profile = jane\nmfa_serial = arn:aws:iam::1:mfa/jane\n")
	shared := file("credentials", "[default]\n"+keys+"[jane]\n"+keys)
	token := file("token", l.token(t, "https://ci.example.test", "pipeline", "sts.amazonaws.com"))
	base := map[string]string{
		"AWS_CONFIG_FILE":             config,
		"AWS_SHARED_CREDENTIALS_FILE": shared,
		"AWS_EC2_METADATA_DISABLED":   "true",
	}
	for name, c := range map[string]struct {
		env   map[string]string
		is    string // in the ARN of who asks
		fails string
	}{
		"keys in the environment": {map[string]string{
			"AWS_ACCESS_KEY_ID":     l.cloud.Access,
			"AWS_SECRET_ACCESS_KEY": "x",
			"AWS_PROFILE":           "deploy",
		}, ":root", ""},
		"a token file": {map[string]string{
			"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:aws:iam::" + l.cloud.Access + ":role/pipeline",
		}, "assumed-role/pipeline/" + client.SessionName, ""},
		"the default profile": {nil, "user/jane", ""},
		"a role of a profile": {map[string]string{"AWS_PROFILE": "deploy"},
			"assumed-role/deployer/" + client.SessionName, ""},
		"a program":                   {map[string]string{"AWS_PROFILE": "process"}, "user/jane", ""},
		"a profile that is not there": {map[string]string{"AWS_PROFILE": "none"}, "", "none"},
		"a profile with a second factor": {map[string]string{"AWS_PROFILE": "second-factor"}, "",
			"which nobody can type here"},
		"nothing, and no machine to tell": {map[string]string{"AWS_CONFIG_FILE": os.DevNull,
			"AWS_SHARED_CREDENTIALS_FILE": os.DevNull}, "", "no credentials for AWS were found"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range os.Environ() {
				if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
					t.Setenv(name, "")
				}
			}
			for _, env := range []map[string]string{base, c.env} {
				for name, value := range env {
					t.Setenv(name, value)
				}
			}
			s := l.open(func(o *Options) { o.Credentials = nil })
			var out struct {
				ARN string `xml:"GetCallerIdentityResult>Arn"`
			}
			login, err := s.at.FindLogin(t.Context())
			if err == nil {
				err = s.at.As(login).STS(t.Context(), &out, map[string][]string{"Action": {"GetCallerIdentity"}})
			}
			if (c.fails == "" && (err != nil || !strings.Contains(out.ARN, c.is))) ||
				(c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails))) {
				t.Errorf("it asks as %q, %v; want %q, %q", out.ARN, err, c.is, c.fails)
			}
		})
	}
}
