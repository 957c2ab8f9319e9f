// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// A gateway whose clock was more than a minute late refused everybody after each revocation and each cut, since
// the list was not valid yet, and what was issued anew as well. Minutes do no harm, in either direction, and let
// nobody in who is revoked.
func TestAGatewayWhoseClockIsMinutesOffRefusesNobodyElse(t *testing.T) {
	t.Parallel()
	w, of := twoPartners(t)
	login := w.put(sshCertificate(globex, 30))
	held := of["globex's certificate"]
	revoked := of["acme's certificate"]
	off := func(when string) {
		t.Helper()
		for _, shift := range []time.Duration{-access.Late + time.Second, -5 * time.Minute, 5 * time.Minute,
			access.Late} {
			now := w.clock().Add(shift)
			for name, p := range map[string]systemtest.Probe{"certificate": held, "trust": of["globex's token"]} {
				if !opaAllows(t, w.dir, now, p) {
					t.Errorf("%s, %s off: OPA refuses the other's %s", when, shift, name)
				}
			}
			if w.listedAt(held.Certificate, now) {
				t.Errorf("%s, %s off: the other's certificate is revoked", when, shift)
			}
			if !w.listedAt(revoked.Certificate, now) || opaAllows(t, w.dir, now, revoked) {
				t.Errorf("%s, %s off: what is revoked is let in", when, shift)
			}
		}
	}
	w.drop(w.get(revoked.Credential.Ref()))
	off("after a revocation")
	w.byHand(acme)
	off("after a cut")

	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(login.Issued.Text))
	if err != nil {
		t.Fatal(err)
	}
	if begins := time.Unix(int64(key.(*ssh.Certificate).ValidAfter), 0); begins.After(w.clock().Add(-access.Late)) {
		t.Errorf("the SSH certificate begins at %s", begins)
	}
}
