// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Audience is the aud of the tokens of the access system itself.
const Audience = "partner"

// Token is a token that the access system gives out for one run: a JWT (RFC 7519) of its own issuer.
type Token struct {
	Identity access.IdentityID
	// UID is the identity's: who is made anew under the id is somebody else.
	UID string
	// ID is the jti.
	ID          string
	Environment string
	From, Until time.Time
}

// Token signs a token, in the compact form that goes into an Authorization header.
func (s *Signer) Token(t Token) (string, error) {
	payload, err := canonical(struct {
		Audience  string `json:"aud"`
		Until     int64  `json:"exp"`
		IssuedAt  int64  `json:"iat"`
		Issuer    string `json:"iss"`
		ID        string `json:"jti"`
		NotBefore int64  `json:"nbf"`
		Subject   string `json:"sub"`
		UID       string `json:"uid"`
	}{
		Audience, t.Until.Unix(), t.From.Unix(), Issuer(t.Environment), t.ID, t.From.Add(-access.Late).Unix(),
		t.Identity.String(), t.UID,
	})
	if err != nil {
		return "", fmt.Errorf("write the token: %w", err)
	}
	token, err := s.sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign the token: %w", err)
	}
	return token, nil
}
