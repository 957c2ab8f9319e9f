// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// Environment returns that of a program bao which asks as this client does: with its token, its trust and its
// certificate, but for address and namespace. Files for it are written into a folder, readable by their owner only.
func (c *Client) Environment(ctx context.Context, folder string) ([]string, error) {
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	environment := []string{"BAO_TOKEN=" + token}
	if c.options.ServerName != "" {
		environment = append(environment, "BAO_TLS_SERVER_NAME="+c.options.ServerName)
	}
	for name, content := range map[string][]byte{
		"BAO_CACERT": c.options.CACertPEM, "BAO_CLIENT_CERT": c.options.ClientCertPEM,
		"BAO_CLIENT_KEY": c.options.ClientKeyPEM,
	} {
		if len(content) == 0 {
			continue
		}
		path := filepath.Join(folder, name+".pem")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, err
		}
		environment = append(environment, name+"="+path)
	}
	for _, v := range os.Environ() { // as the client's own transport
		if name, _, _ := strings.Cut(v, "="); strings.HasSuffix(strings.ToUpper(name), "_PROXY") ||
			strings.HasPrefix(name, "SSL_CERT_") {
			environment = append(environment, v)
		}
	}
	return environment, nil
}
