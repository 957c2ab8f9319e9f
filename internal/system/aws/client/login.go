// SPDX-License-Identifier: MPL-2.0

package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The login is found where AWS's own programs find theirs, and in their order: keys in the environment, a token file,
// the profile, the container, the machine. The SDK reads the environment and the files. Its own chain would link its
// clients of four more services, which is a seventh of the program: the two calls of STS are made here, and who logs in
// with SSO is asked of AWS's own program.

// FindLogin returns the login of this process. It reads the environment and files only; STS, the container or the
// machine is asked when credentials are first retrieved. A profile that is named and not there is an error; a missing
// default profile is not.
func (c *Client) FindLogin(ctx context.Context) (aws.CredentialsProvider, error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return nil, err
	}
	switch {
	case env.Credentials.HasKeys():
		return credentials.StaticCredentialsProvider{Value: env.Credentials}, nil
	case env.WebIdentityTokenFilePath != "":
		return c.cached(webIdentity{c, env.RoleARN, env.RoleSessionName, env.WebIdentityTokenFilePath}), nil
	}
	profile, err := config.LoadSharedConfigProfile(ctx,
		cmp.Or(env.SharedConfigProfile, config.DefaultSharedConfigProfile), func(o *config.LoadSharedConfigOptions) {
			if env.SharedConfigFile != "" {
				o.ConfigFiles = []string{env.SharedConfigFile}
			}
			if env.SharedCredentialsFile != "" {
				o.CredentialsFiles = []string{env.SharedCredentialsFile}
			}
		})
	if missing := (config.SharedConfigProfileNotExistError{}); errors.As(err, &missing) &&
		env.SharedConfigProfile == "" {
		return c.ofMachine(env)
	}
	if err != nil {
		return nil, err
	}
	return c.ofProfile(profile, env)
}

// ofProfile returns the login of a profile. The first part of it says as whom to ask, which may be another profile
// (source_profile); if the profile has a role, that login takes it on.
func (c *Client) ofProfile(p config.SharedConfig, env config.EnvConfig) (login aws.CredentialsProvider, err error) {
	switch {
	case p.Source != nil:
		login, err = c.ofProfile(*p.Source, env)
	case p.Credentials.HasKeys():
		login = credentials.StaticCredentialsProvider{Value: p.Credentials}
	case p.WebIdentityTokenFile != "":
		return c.cached(webIdentity{c, p.RoleARN, p.RoleSessionName, p.WebIdentityTokenFile}), nil
	case p.SSOAccountID != "", p.LoginSession != "":
		login =
			c.cached(processcreds.NewProviderCommand(processcreds.NewCommandBuilderFunc(exportCredentials(p.Profile))))
	case p.CredentialProcess != "":
		login = c.cached(processcreds.NewProvider(p.CredentialProcess))
	default:
		login, err = c.ofMachine(env)
	}
	if err != nil || p.RoleARN == "" {
		return login, err
	}
	if p.MFASerial != "" {
		return nil, fmt.Errorf("the profile %s asks for a code of %s, which nobody can type here: log in with AWS's "+
			"own program, and pass its credentials", p.Profile, p.MFASerial)
	}
	return c.cached(assumed{c, login, p}), nil
}

// ofMachine returns the login of the container or the machine that this runs on: the variables are those of ECS and
// EKS, and without them the instance metadata of EC2 is asked.
func (c *Client) ofMachine(env config.EnvConfig) (aws.CredentialsProvider, error) {
	// the address of ECS's agent on each of its hosts (Amazon ECS task metadata)
	const host = "http://169.254.170.2"
	endpoint := env.ContainerCredentialsEndpoint
	if env.ContainerCredentialsRelativePath != "" {
		endpoint = host + env.ContainerCredentialsRelativePath
	}
	if endpoint == "" {
		return c.cached(ec2rolecreds.New()), nil
	}
	return c.cached(endpointcreds.New(endpoint, func(o *endpointcreds.Options) {
		o.AuthorizationToken = env.ContainerAuthorizationToken
		if path := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path != "" {
			o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
				text, err := os.ReadFile(path)
				return string(text), err
			})
		}
	})), nil
}

// cached keeps what a login gives until two minutes before it ends, so that no request is signed with what ends on its
// way.
func (c *Client) cached(login aws.CredentialsProvider) aws.CredentialsProvider {
	return aws.NewCredentialsCache(login, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = 2 * time.Minute })
}

// Taken is what STS answers to a login that takes on a role: an access key that ends by itself.
type Taken struct {
	ID      string    `xml:"AccessKeyId"`
	Secret  string    `xml:"SecretAccessKey"`
	Token   string    `xml:"SessionToken"`
	Expires time.Time `xml:"Expiration"`
}

// Credentials returns it as the SDK signs with it; ErrLogin if STS answered with less.
func (t Taken) Credentials() (aws.Credentials, error) {
	if t.ID == "" || t.Secret == "" {
		return aws.Credentials{}, fmt.Errorf("%w: STS answers without credentials", access.ErrLogin)
	}
	return aws.Credentials{
		AccessKeyID:     t.ID,
		SecretAccessKey: t.Secret,
		SessionToken:    t.Token,
		CanExpire:       true,
		Expires:         t.Expires,
	}, nil
}

// SessionName is what a session of the provider is called, unless the environment or the profile names it: CloudTrail
// shows it.
const SessionName = "terraform-provider-partner"

// webIdentity takes on a role with a token that lies in a file, such as that of a CI system. The file is read each
// time: the one who runs the job replaces it before its token ends.
type webIdentity struct {
	*Client
	role, name, file string
}

// Retrieve asks STS. The token itself is the proof, so the request is not signed.
func (w webIdentity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	token, err := os.ReadFile(w.file)
	if err != nil {
		return aws.Credentials{}, err
	}
	var out struct {
		Taken Taken `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}
	err = w.As(nil).STS(ctx, &out, url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "RoleArn": {w.role}, "RoleSessionName": {cmp.Or(w.name, SessionName)},
		"WebIdentityToken": {string(token)},
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	return out.Taken.Credentials()
}

// assumed takes on the role of a profile, with another login.
type assumed struct {
	*Client
	login   aws.CredentialsProvider
	profile config.SharedConfig
}

// Retrieve asks STS, signed as that other login.
func (a assumed) Retrieve(ctx context.Context) (aws.Credentials, error) {
	form := url.Values{
		"Action":          {"AssumeRole"},
		"RoleArn":         {a.profile.RoleARN},
		"RoleSessionName": {cmp.Or(a.profile.RoleSessionName, SessionName)},
	}
	if a.profile.ExternalID != "" {
		form.Set("ExternalId", a.profile.ExternalID)
	}
	if d := a.profile.RoleDurationSeconds; d != nil {
		form.Set("DurationSeconds", strconv.Itoa(int(d.Seconds())))
	}
	var out struct {
		Taken Taken `xml:"AssumeRoleResult>Credentials"`
	}
	if err := a.As(a.login).STS(ctx, &out, form); err != nil {
		return aws.Credentials{}, err
	}
	return out.Taken.Credentials()
}

// As returns a client of the same site with a login of its own; nil is none. It shares the connections, but neither the
// clocks nor what is known of outages.
func (c *Client) As(login aws.CredentialsProvider) *Client {
	o := c.Site
	if o.Credentials = login; login == nil {
		o.Credentials = aws.AnonymousCredentials{}
	}
	other := New(o)
	other.HTTP = c.HTTP
	return other
}

// STS sends an action to STS in the region of the site, and reads the answer into out. By default, a token of the
// global endpoint is not valid in regions that an account has to enable (AWS IAM, Managing AWS STS in an AWS Region).
func (c *Client) STS(ctx context.Context, out any, form url.Values) error {
	form.Set("Version", "2011-06-15")
	a, err := c.Send(ctx, Request{
		Service: "sts",
		Region:  c.Site.Region,
		Method:  http.MethodPost,
		URL:     c.Site.STS(),
		Header:  OfForms(),
		Body:    []byte(form.Encode()),
	})
	if err != nil {
		return fmt.Errorf("%s: %w", form.Get("Action"), err)
	}
	return decoded(form.Get("Action"), a, out)
}

// exportCredentials returns a command of AWS's own program, which knows every way to log in, such as SSO: it prints
// what a credential_process prints.
func exportCredentials(profile string) func(context.Context) (*exec.Cmd, error) {
	return func(ctx context.Context) (*exec.Cmd, error) {
		return exec.CommandContext(ctx, "aws", "configure", "export-credentials", "--format", "process", "--profile",
			profile), nil
	}
}
