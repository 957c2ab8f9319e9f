// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// Issuer returns the iss of the tokens of an environment. A folder has no URL, so it is a URN: verifiers that are
// configured with an issuer and a file of keys (Envoy's jwt_authn, nginx, OPA's io.jwt.decode_verify) compare it as
// text and fetch nothing, and nobody can come to own the host that it names.
func Issuer(environment string) string { return "urn:partner:" + environment }

// keySet returns jwks.json: the public signing key (RFC 7517).
func keySet(s *Signer) ([]byte, error) {
	return readable("key set", jose.JSONWebKeySet{Keys: []jose.JSONWebKey{s.public}})
}

// discovery returns a minimal discovery document: what OpenID Connect Discovery 1.0, section 3, requires of an issuer
// that has no login page. Its jwks_uri is relative to the document itself (RFC 3986, section 5.1.3), which holds
// wherever the folder is served from. A verifier that insists on an https issuer (Kubernetes, AWS) cannot use it: it
// needs a gateway with a URL of its own.
func discovery(environment string) ([]byte, error) {
	return readable("discovery document", struct {
		Issuer        string   `json:"issuer"`
		KeySet        string   `json:"jwks_uri"`
		ResponseTypes []string `json:"response_types_supported"`
		SubjectTypes  []string `json:"subject_types_supported"`
		Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	}{Issuer(environment), "jwks.json", []string{"id_token"}, []string{"public"}, []string{string(jose.ES256)}})
}

// readable returns a value as indented JSON, for people who look.
func readable(name string, v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the %s: %w", name, err)
	}
	return append(text, '\n'), nil
}
