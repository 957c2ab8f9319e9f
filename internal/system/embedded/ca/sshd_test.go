// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"encoding/pem"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

func TestSSHDAdmitsUntilRevoked(t *testing.T) {
	a, key := authority(t), edKey(t)
	issued := sshCertificate(t, a, key)
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	private := write(t, "id_ed25519", pem.EncodeToMemory(block))
	certificate := write(t, "id_ed25519-cert.pub", []byte(issued.Text))
	empty, err := a.KRL(nil, 1, now)
	if err != nil {
		t.Fatal(err)
	}
	revoked := write(t, "revoked_keys", empty)
	server := realtool.StartSSHD(t, realtool.SSHDConf{
		TrustedUserCAKeys: write(t, "ca.pub", a.SSHPublicKey()), RevokedKeys: revoked, Logins: []string{"deploy"},
		AuthorizedPrincipalsFile: write(t, "principals", []byte("restrict "+orders.String()+"\n")),
	})
	if out, err := server.Run(t, "deploy", private, certificate, "echo welcome"); err != nil ||
		!strings.Contains(out, "welcome") {
		t.Fatalf("refused under an empty list: %v: %s", err, out)
	}
	serial, err := strconv.ParseUint(issued.Serial, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	full, err := a.KRL([]uint64{serial}, 2, now)
	if err == nil {
		err = os.WriteFile(revoked, full, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := server.Run(t, "deploy", private, certificate, "echo welcome"); err == nil {
		t.Errorf("admitted after revocation: %s", out)
	}
}
