// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What was cut by hand came back in another place: a subcontractor that was hung on somebody else, and a key that was
// given to another identity.
func TestWhatWasCutByHandStaysCutInAnotherPlace(t *testing.T) {
	t.Parallel()
	partner := func(w *world) []string { return w.Capabilities().CutByHand("acme", nil) }
	itself := func(w *world) []string { return w.get(acme.Ref()).Revocation }
	credential := func(w *world) []string { return w.get(federated(acme, 1).Ref()).Revocation }
	below := child(globex, "below", 60)
	alone := child(acme, "below", 60)
	alone.ParentID = access.IdentityID{}
	moved := func(to *access.Identity) func(*world) access.Object {
		return func(w *world) access.Object { w.put(to, update(w.get(to.Ref()))); return to }
	}
	again := func(gone access.Ref) func(*world) access.Object {
		return func(w *world) access.Object { w.drop(w.get(gone)); w.put(below); return below }
	}
	sibling := access.IdentityID{Partner: "acme", Environment: "prod", Name: "sibling"}
	stranger := access.IdentityID{Partner: "initech", Environment: "prod", Name: "feed"}
	key := func(of access.IdentityID, gone access.Ref) func(*world) access.Object {
		return func(w *world) access.Object {
			f := federated(of, 30)
			f.Federated.Subject = "acme"
			f.Federated.Issuer = "https://LOGIN.acme.test/"
			f.Federated.Audiences = []string{"another"}
			w.drop(w.get(gone))
			w.put(f)
			return f
		}
	}
	for name, c := range map[string]struct {
		cut  func(*world) []string
		then func(*world) access.Object
	}{
		"its partner is cut, and it hangs on another":         {partner, moved(below)},
		"what it hangs on is cut, and it hangs on another":    {itself, moved(below)},
		"its partner is cut, and it hangs on nobody":          {partner, moved(alone)},
		"it is made anew elsewhere":                           {partner, again(below.Ref())},
		"its partner is destroyed, and it is made elsewhere":  {partner, again(acme.Ref())},
		"the key of an identity":                              {itself, key(sibling, acme.Ref())},
		"the key of a credential that is destroyed":           {credential, key(sibling, federated(acme, 1).Ref())},
		"the key of a credential whose identity is destroyed": {credential, key(sibling, acme.Ref())},
		"the key, under another partner":                      {partner, key(stranger, acme.Ref())},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := twoPartners(t)
			w.put(identity(sibling, 90))
			w.put(identity(stranger, 90))
			w.shell(c.cut(w)...)
			o := c.then(w)
			if r := w.get(o.Ref()); !r.Held {
				t.Error("it is not held")
			}
			w.restart()
			w.put(grant(o.Holder(), "more", "orders/more/*", 30, "read"))
			if !w.get(o.Ref()).Held {
				t.Error("in the next process it is not held")
			}
			holder := *w.get(o.Holder().Ref()).Object.(*access.Identity)
			holder.HoldReleased = "INC-1"
			w.put(&holder, update(w.get(o.Holder().Ref())))
			if r := w.get(o.Ref()); r.Held {
				t.Error("released, it is held")
			}
			w.drop(w.get(o.Ref()))
			if r := w.put(o); r.Held && o.Ref().Type == access.TypeCredential {
				t.Error("released, and made anew, it is held")
			}
			other := federated(stranger, 30)
			other.Federated.Subject = "another"
			if r := w.put(other); r.Held && o.Holder() != stranger {
				t.Error("another key is held")
			}
		})
	}
}
