// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// account is what IAM is asked and told, a request each. It decides nothing. All other parts hold it in a field and do
// not embed it: embedded, each would get a wrapper of each of its methods, which was 49 kB of the program.
type account struct {
	*client.Client
	// options are what the configuration says beside where AWS is; never changed.
	options settings

	// mu guards what follows.
	mu sync.Mutex
	// number is that of the account, as STS told it, and caller the ARN of who is logged in; "" if it is not known.
	number, caller string
}

// firstLook is for how long STS may take to tell whose account it is, and then IAM. It is no part of the patience,
// which may be shorter in tests than a server on a busy machine is slow.
const firstLook = 10 * time.Second

// Enter finds out whose account it is, which the words about a role need; once that is known, it asks no more. A cloud
// with its own IAM and no STS is not asked: the account is not known there, and nothing depends on it. If STS does not
// answer, what IAM has of partners says whose it is, so that less access is carried out.
func (ac *account) Enter(ctx context.Context) error {
	if ac.accountNumber() != "" || (ac.Site.Endpoints.STS == "" && ac.Site.Endpoints.IAM != "") {
		return nil
	}
	var out struct {
		Account string `xml:"GetCallerIdentityResult>Account"`
		ARN     string `xml:"GetCallerIdentityResult>Arn"`
	}
	limited, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	if err := ac.STS(limited, &out, url.Values{"Action": {"GetCallerIdentity"}}); err != nil {
		if out.Account = ac.accountByIAM(ctx); out.Account == "" {
			return fmt.Errorf("ask AWS whose account it is: %w", err)
		}
	}
	ac.mu.Lock()
	defer ac.mu.Unlock()
	ac.number, ac.caller = out.Account, out.ARN
	return nil
}

// accountByIAM returns the number of the account by the ARN of a principal that was made here; "" if there is none, or
// IAM does not answer either.
func (ac *account) accountByIAM(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	for _, k := range []kind{store.Role, store.User} {
		var out struct {
			Role string `xml:"ListRolesResult>Roles>member>Arn"`
			User string `xml:"ListUsersResult>Users>member>Arn"`
		}
		if err := ac.Ask(ctx, "List"+string(k)+"s", map[string]string{"PathPrefix": store.Root, "MaxItems": "1"},
			&out); err != nil {
			return ""
		}
		if parts := strings.Split(out.Role+out.User, ":"); len(parts) == 6 {
			return parts[4]
		}
	}
	return ""
}

// accountNumber returns the number of the account; "" where it is not known.
func (ac *account) accountNumber() string {
	ac.mu.Lock()
	defer ac.mu.Unlock()
	return ac.number
}

// callerARN returns the ARN of whom the provider is logged in as, as STS tells it; "" if it is not known.
func (ac *account) callerARN() string {
	ac.mu.Lock()
	defer ac.mu.Unlock()
	return ac.caller
}

// settle returns for how long IAM may go on to answer with what is gone. A cloud of one's own answers with what it has.
func (ac *account) settle() time.Duration {
	if ac.Site.Endpoints.IAM != "" {
		return 0
	}
	return 5 * time.Second
}

// proofs is how often IAM has to say that something is gone until that is believed: it may answer from a copy that is a
// little old. The settling time is spread between them.
const proofs = 3
