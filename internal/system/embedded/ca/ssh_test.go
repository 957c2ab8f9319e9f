// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"crypto"
	"crypto/elliptic"
	"encoding/pem"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func sshCertificate(t *testing.T, a *Authority, key crypto.Signer, networks ...netip.Prefix) Issued {
	t.Helper()
	issued, err := a.SignSSH(SSHRequest{
		PublicKey: sshLine(t, key),
		Identity:  orders,
		NotBefore: now,
		NotAfter:  now.Add(time.Hour),
		Networks:  networks,
	})
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

func TestSSHCertificateIsOfOneIdentityFromItsNetworks(t *testing.T) {
	a := authority(t)
	keys := map[string]crypto.Signer{
		"ssh-ed25519": edKey(t), "ecdsa-sha2-nistp256": ecKey(t, elliptic.P256()),
		"ecdsa-sha2-nistp384": ecKey(t, elliptic.P384()),
		"ecdsa-sha2-nistp521": ecKey(t, elliptic.P521()), "ssh-rsa": rsaKey(t, 2048),
	}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			issued := sshCertificate(t, a, key, netip.MustParsePrefix("2001:db8::/48"),
				netip.MustParsePrefix("203.0.113.0/24"))
			fields := strings.Fields(issued.Text)
			if len(fields) != 3 ||
				fields[0] != name+"-cert-v01@openssh.com" ||
				fields[2] != orders.String() ||
				strings.ContainsAny(issued.Text, "\r\n") {
				t.Errorf("line %q", issued.Text)
			}
			said := mustRun(t, "ssh-keygen", "-L", "-f", write(t, "cert.pub", []byte(issued.Text)))
			public := write(t, "key.pub", []byte(sshLine(t, key)))
			if got := strings.Fields(mustRun(t, "ssh-keygen", "-l", "-f", public))[1]; got != issued.Fingerprint {
				t.Errorf("ssh-keygen says %s, we say %s", got, issued.Fingerprint)
			}
			// as ssh-keygen prints it
			local := func(at time.Time) string { return at.Local().Format("2006-01-02T15:04:05") }
			for _, want := range []string{
				"user certificate", `Key ID: "acme/prod/orders-etl"`, "Serial: " + issued.Serial,
				"Valid: from " + local(now) + " to " + local(now.Add(time.Hour)),
				"Principals: \n                acme/prod/orders-etl\n        Critical Options",
				"source-address 203.0.113.0/24,2001:db8::/48\n        Extensions",
				"permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-pty",
				"permit-user-rc",
			} {
				if !strings.Contains(said, want) {
					t.Errorf("ssh-keygen does not say %q:\n%s", want, said)
				}
			}
		})
	}
}

func TestSSHCertificateWithoutNetworksIsGoodAnywhere(t *testing.T) {
	issued := sshCertificate(t, authority(t), edKey(t))
	if said := mustRun(t, "ssh-keygen", "-L", "-f", write(t, "cert.pub", []byte(issued.Text))); !strings.Contains(said,
		"Critical Options: (none)") {
		t.Error(said)
	}
}

func TestSSHKeysThatAreNotSigned(t *testing.T) {
	a, key := authority(t), edKey(t)
	good := sshLine(t, key)
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(block))
	for name, line := range map[string]string{
		"empty":       "",
		"garbage":     "ssh-ed25519 AAAA",
		"certificate": sshCertificate(t, a, key).Text,
		"RSA 768":     sshLine(t, rsaKey(t, 768)),
		"DSA":         dsaLine,
		"two keys":    good + sshLine(t, edKey(t)),
		"options":     "no-pty " + good,
		"other name":  "ssh-rsa" + strings.TrimPrefix(good, "ssh-ed25519"),
		"private key": private,
	} {
		_, err := a.SignSSH(SSHRequest{PublicKey: line, Identity: orders, NotBefore: now, NotAfter: now.Add(time.Hour)})
		switch {
		case err == nil:
			t.Errorf("%s: was signed", name)
		case strings.Contains(err.Error(), private[60:80]):
			t.Errorf("%s: the error repeats the key", name)
		default:
			t.Logf("%s: %v", name, err)
		}
	}
	hostBits := []netip.Prefix{netip.MustParsePrefix("203.0.113.7/24")}
	for name, r := range map[string]SSHRequest{
		"no time":     {NotBefore: now, NotAfter: now},
		"before 1970": {NotBefore: time.Unix(-5, 0), NotAfter: now},
		"zero":        {NotAfter: now},
		"host bits":   {NotBefore: now, NotAfter: now.Add(time.Hour), Networks: hostBits},
		"no network":  {NotBefore: now, NotAfter: now.Add(time.Hour), Networks: make([]netip.Prefix, 1)},
	} {
		r.PublicKey, r.Identity = good, orders
		if _, err := a.SignSSH(r); err == nil {
			t.Errorf("%s: was signed", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

func TestRevocationListRevokesItsSerialsOnly(t *testing.T) {
	a, key := authority(t), edKey(t)
	mine := sshCertificate(t, a, key)
	other := sshCertificate(t, a, key)
	serial, err := strconv.ParseUint(mine.Serial, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	foreign := sshCertificate(t, authority(t), key)
	list := func(serials ...uint64) string {
		krl, err := a.KRL(serials, 3, now)
		if err != nil {
			t.Fatal(err)
		}
		return write(t, "revoked_keys", krl)
	}
	revoked := func(krl string, issued Issued) bool {
		said, ok := run(t, "ssh-keygen", "-Q", "-f", krl, write(t, "cert.pub", []byte(issued.Text)))
		if ok == strings.Contains(said, "REVOKED") {
			t.Fatalf("ssh-keygen -Q: %s", said)
		}
		return !ok
	}
	if revoked(list(), mine) {
		t.Error("an empty list revokes")
	}
	full := list(1<<64-1, serial, 1, serial, 7)
	if !revoked(full, mine) || revoked(full, other) {
		t.Error("the list does not revoke exactly its serials")
	}
	if said := mustRun(t, "ssh-keygen", "-Q", "-l", "-f", full); !strings.Contains(said, "version 3") ||
		strings.Count(said, "serial: ") != 4 {
		t.Errorf("ssh-keygen reads: %s", said)
	}
	foreignSerial, err := strconv.ParseUint(foreign.Serial, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if revoked(list(foreignSerial), foreign) {
		t.Error("the list reaches another authority's certificates")
	}
	if _, err := a.KRL([]uint64{5, 0}, 1, now); err == nil {
		t.Error("the serial 0 was accepted")
	}
}

func TestALargeRevocationListIsRead(t *testing.T) {
	a := authority(t)
	serials := make([]uint64, 20_000)
	for i := range serials {
		serials[i] = uint64(i+1) * 7919
	}
	krl, err := a.KRL(serials, 1, now)
	if err != nil {
		t.Fatal(err)
	}
	if said, ok := run(t, "ssh-keygen", "-Q", "-f", write(t, "krl", krl),
		write(t, "c.pub", []byte(sshCertificate(t, a, edKey(t)).Text))); !ok {
		t.Error(said)
	}
}
