// SPDX-License-Identifier: MPL-2.0

package provider

import "testing"

func TestWhichOpenSSHACertificateNeeds(t *testing.T) {
	for kind, oldest := range map[string]string{
		"ssh-ed25519": "6.5", "ecdsa-sha2-nistp256": "6.5", "ssh-rsa": "7.8", "sk-ssh-ed25519@openssh.com": "8.2",
		"sk-ecdsa-sha2-nistp256@openssh.com": "8.2",
	} {
		if got := oldestSSH(kind); got != oldest {
			t.Errorf("%s needs OpenSSH %s, want %s", kind, got, oldest)
		}
	}
}
