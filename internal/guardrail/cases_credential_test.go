// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// carries lets one credential arrive.
func carries(changes ...func(*access.Credential)) part { return plans(credential(etl, changes...)) }

// lives is a credential with an end, in days.
func lives(days int, changes ...func(*access.Credential)) part {
	return plans(with(credential(etl, changes...), until(in(days))))
}

// keeps is a credential that was issued some days ago and then ended so many days after that, now extended to end
// later, and perhaps changed.
func keeps(ago, before, after int, kind func(*access.Credential), changes ...func(*access.Credential)) part {
	return plans(with(credential(etl, append(changes, kind)...), until(in(after-ago))),
		was(with(credential(etl, kind), until(in(before-ago)))), issuedAt(in(-ago)))
}

func issuedAt(at time.Time) detail { return func(s *Subject) { s.IssuedAt = at } }
func anew() detail                 { return func(s *Subject) { s.Anew = true } }

// holdsSince is a credential that the system holds, with when it was issued.
func holdsSince(at time.Time, c *access.Credential) part {
	return func(s *scenario) {
		holds(c)(s)
		s.live[len(s.live)-1].Issued = &access.Issued{At: at}
	}
}

func trusting(issuer, subject string, audiences ...string) part {
	return carries(trusts(issuer, subject, audiences...))
}

// A role of a partner's account of AWS, and the account.
const (
	theirs       = "arn:aws:iam::444455556666:role/acme-etl"
	theirAccount = "arn:aws:iam::444455556666:root"
)

func account(principal, externalID string) func(*access.Credential) {
	return func(c *access.Credential) {
		c.Federated = &access.FederatedTrust{AWSPrincipal: principal, ExternalID: externalID}
	}
}

func inAccount(principal, externalID string) part { return carries(account(principal, externalID)) }

func credentialCases() map[string][]policy {
	other := "acme/prod/other"
	const issuer = "https://login.acme.test"
	opens := func(material string) part { return plans(grant(etl, "daily", because(material))) }
	return map[string][]policy{
		"credential/static-secret": {
			good("federated", carries()),
			good("a certificate", carries(csr("p256"))),
			good("the system knows nothing else",
				can(func(c *access.Capabilities) { c.Kinds = []access.Kind{access.Secret} }),
				carries(secret(recipient))),
			bad("a secret", carries(secret(recipient))),
			bad("a secret, sealed to an SSH key", carries(secret(file("ed25519.pub")))),
			bad("a secret that stays", plans(credential(etl, secret(recipient)), unchanged())),
		},
		"credential/no-rotation": {
			edge(good("a certificate for exactly 90 days", lives(90, csr("p256")))),
			edge(good("an SSH certificate for exactly 30 days", lives(30, sshCert("ed25519")))),
			good("a year, rotated every month", lives(300, secret(recipient), rotates("672h", "48h"))),
			good("a secret for 90 days from narrow networks",
				lives(90, secret(recipient), from("203.0.113.0/24", "2001:db8::/48"))),
			good("federated for a year", lives(360)),
			edge(bad("a certificate for 91 days", lives(91, csr("p256")))),
			edge(bad("an SSH certificate for 31 days", lives(31, sshCert("ed25519")))),
			edge(bad("a secret for 31 days from anywhere", lives(31, secret(recipient)))),
			bad("a rotation and an overlap that no clock can add up",
				lives(300, secret(recipient), rotates("2562047h", "2562046h"))),
			bad("a secret for 31 days where one network is wide",
				lives(31, secret(recipient), from("203.0.113.0/24", "198.51.0.0/16"))),
			bad("a rotation that is too seldom", lives(300, secret(recipient), rotates("720h", "48h"))),
			bad("an overlap as long as the rotation", lives(300, secret(recipient), rotates("48h", "48h"))),
			bad("over half a year, though the rule is off",
				set(func(s *Settings) { s.Levels = map[string]Level{"credential/no-rotation": Off} }),
				lives(181, secret(recipient))),
			good("half a year with the rule off",
				set(func(s *Settings) { s.Levels = map[string]Level{"credential/no-rotation": Off} }),
				lives(180, secret(recipient))),
			warned("it was applied before", plans(with(credential(etl, csr("p256")), until(in(91))), unchanged())),
			edge(good("a secret that is extended to exactly 30 days after it was issued",
				keeps(25, 29, 30, secret(recipient)))),
			edge(bad("a secret that is extended to 31 days after it was issued", keeps(25, 29, 31, secret(recipient)))),
			good("the same, where it is issued anew", plans(with(credential(etl, secret(recipient)), until(in(29))),
				was(with(credential(etl, secret(recipient)), until(in(4)))), issuedAt(in(-25)), anew())),
			bad("one that is extended and rotated from now on, when it is too old",
				keeps(29, 30, 100, secret(recipient), rotates("480h", "48h"))),
			good("one that is extended and rotated from now on, in time",
				keeps(27, 30, 100, secret(recipient), rotates("480h", "48h"))),
			good("a rotation for what is too old takes nothing more",
				plans(with(credential(etl, secret(recipient), rotates("480h", "48h")), until(in(4))),
					was(with(credential(etl, secret(recipient)), until(in(4)))), issuedAt(in(-26)))),
			bad("what the state says of its age counts for nothing",
				holdsSince(in(-25), with(credential(etl, secret(recipient)), until(in(4)))),
				plans(with(credential(etl, secret(recipient)), until(in(29))),
					was(with(credential(etl, secret(recipient)), until(in(4)))), issuedAt(in(-1)))),
		},
		"credential/weak-key": {
			good("P-256", carries(csr("p256"))),
			edge(good("RSA of exactly 2048 bits", carries(csr("rsa2048")))),
			good("Ed25519", carries(sshCert("ed25519"))),
			good("what does not parse", carries(sshCert("ed25519"),
				func(c *access.Credential) { c.SSHCertificate.PublicKey = "ssh-rsa nonsense" })),
			bad("RSA of 1024 bits", carries(csr("rsa1024"))),
			bad("P-224", carries(csr("p224"))),
			bad("a request signed with SHA-1", carries(csr("sha1"))),
			bad("a request signed with MD5", carries(csr("md5"))),
			bad("a DSA key", carries(sshCert("dsa"))),
			bad("a secret sealed to RSA of 1024 bits", carries(secret(file("rsa1024.pub")))),
			warned("it was applied before", plans(credential(etl, csr("rsa1024")), unchanged())),
		},
		"credential/rsa-2048": {
			edge(good("RSA of exactly 3072 bits", carries(csr("rsa3072")))),
			good("an elliptic curve", carries(sshCert("p256"))),
			good("1024 bits are another rule's", carries(csr("rsa1024"))),
			edge(bad("RSA of 2048 bits in a request", carries(csr("rsa2048")))),
			bad("RSA of 2048 bits on an SSH line", carries(sshCert("rsa2048"))),
			bad("RSA of 2048 bits as a recipient", carries(secret(file("rsa2048.pub")))),
		},
		"credential/private-key": {
			good("a certificate request", carries(csr("rsa3072"))),
			good("a public key", carries(sshCert("ed25519"))),
			good("an age recipient", carries(secret(recipient))),
			good("a sentence about private keys", opens("Rotates the private key of the signing service")),
			bad("PEM", carries(csr("p256"), func(c *access.Credential) { c.Certificate.CSR = pemKey })),
			bad("a public key with the private one behind it",
				carries(sshCert("ed25519"), func(c *access.Credential) { c.SSHCertificate.PublicKey += pemKey })),
			bad("an age identity as a recipient",
				carries(secret("AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"))),
			bad("PEM in a purpose", opens(pemKey)),
			bad("PEM in a rotation's trigger, in an update",
				plans(credential(etl, csr("p256"), rotates("720h", "24h"),
					func(c *access.Credential) { c.Rotation.Trigger = map[string]string{"key": pemKey} }),
					was(credential(etl, csr("p256"))))),
			warned("it was applied before", plans(grant(etl, "daily", because(pemKey)), unchanged())),
		},
		"credential/open-trust": {
			good("one workload", carries()),
			good("an issuer with a path and a port", trusting("https://login.acme.test:8443/tenant/1", "svc", "a")),
			good("an issuer on this machine", trusting("http://127.0.0.1:5556/dex", "svc", "a")),
			good("an issuer on this machine, IPv6", trusting("http://[::1]:5556", "svc", "a")),
			good("a repository's subject", trusting(issuer, "repo:acme/orders:ref:refs/heads/main", "a")),
			bad("no subject", trusting(issuer, "", "a")),
			bad("a blank subject", trusting(issuer, " ", "a")),
			bad("a wildcard in the subject", trusting(issuer, "repo:acme/*", "a")),
			bad("no audience", trusting(issuer, "svc")),
			bad("any audience", trusting(issuer, "svc", "*")),
			bad("http", trusting("http://login.acme.test", "svc", "a")),
			bad("a host that only begins like this machine", trusting("http://localhost.acme.test", "svc", "a")),
			bad("user info", trusting("https://a:b@login.acme.test", "svc", "a")),
			bad("this machine as user info", trusting("http://localhost@acme.test", "svc", "a")),
			bad("a query", trusting(issuer+"?tenant=1", "svc", "a")),
			bad("a fragment", trusting(issuer+"#x", "svc", "a")),
			bad("no scheme", trusting("login.acme.test", "svc", "a")),
			good("one role of the partner's account of AWS", inAccount(theirs, "")),
			good("a whole account of AWS that says an id", inAccount(theirAccount, "acme-7f3")),
			bad("a whole account of AWS that says nothing", inAccount(theirAccount, "")),
			bad("everybody in AWS", inAccount("*", "acme-7f3")),
			bad("every role of an account", inAccount("arn:aws:iam::444455556666:role/*", "acme-7f3")),
			bad("an account by its number alone", inAccount("444455556666", "acme-7f3")),
			bad("a session, which is nobody tomorrow",
				inAccount("arn:aws:sts::444455556666:assumed-role/acme/x", "acme-7f3")),
			warned("an audience fewer, the subject open as before",
				plans(credential(etl, trusts(issuer, "*", "a")), was(credential(etl, trusts(issuer, "*", "a", "b"))))),
		},
		"credential/whole-account": {
			good("one role", inAccount(theirs, "acme-7f3")),
			good("one user", inAccount("arn:aws:iam::444455556666:user/etl", "acme-7f3")),
			good("an issuer", carries()),
			good("one that says nothing is another rule's", inAccount(theirAccount, "")),
			bad("an account", inAccount(theirAccount, "acme-7f3")),
			bad("an account in China", inAccount("arn:aws-cn:iam::444455556666:root", "acme-7f3")),
			bad("an account that was one role before",
				plans(credential(etl, account(theirAccount, "acme-7f3")),
					was(credential(etl, account(theirs, "acme-7f3"))))),
		},
		"credential/network": {
			good("federated", carries()),
			good("a certificate from one network", carries(csr("p256"), from("203.0.113.0/24"))),
			good("a secret from one address", carries(secret(recipient), from("203.0.113.7/32"))),
			bad("a certificate from anywhere", carries(csr("p256"))),
			bad("a secret from anywhere", carries(secret(recipient))),
			bad("an SSH certificate from anywhere", carries(sshCert("ed25519"))),
		},
		"credential/open-network": {
			edge(good("exactly a /8", carries(csr("p256"), from("10.0.0.0/8")))),
			edge(good("exactly a /32 of IPv6", carries(csr("p256"), from("2001:db8::/32")))),
			good("a /8 and what lies in it", carries(csr("p256"), from("10.0.0.0/8", "10.1.0.0/16"))),
			good("none is another rule's", carries(csr("p256"))),
			edge(bad("a /8 and one address more", carries(csr("p256"), from("10.0.0.0/8", "11.0.0.0/32")))),
			bad("everywhere", carries(csr("p256"), from("0.0.0.0/0"))),
			bad("everywhere in two halves", carries(csr("p256"), from("0.0.0.0/1", "128.0.0.0/1"))),
			bad("everywhere in IPv6", carries(csr("p256"), from("10.0.0.0/8", "::/0"))),
			bad("two /9 that lie apart, and a /10",
				carries(csr("p256"), from("10.0.0.0/9", "20.0.0.0/9", "30.0.0.0/10"))),
			warned("it was wider before", plans(credential(etl, csr("p256"), from("0.0.0.0/1")),
				was(credential(etl, csr("p256"), from("0.0.0.0/0"))))),
		},
		"credential/count": {
			good("one", carries()),
			edge(good("two", carries(), carries(csr("p256")))),
			good("two each", carries(), carries(csr("p256")), plans(credential(other)),
				plans(credential(other, csr("p256-other")))),
			edge(bad("three", carries(), carries(csr("p256")), carries(sshCert("ed25519")))),
			bad("four", carries(), carries(csr("p256")), carries(sshCert("ed25519")), carries(secret(recipient))),
			bad("two of another stack", foreign(credential(etl)), foreign(credential(etl, csr("p256"))),
				carries(secret(recipient))),
		},
		"separation/shared-key": {
			good("a key each", carries(csr("p256")), plans(credential(other, csr("p256-other")))),
			good("a recipient serves one partner twice", carries(secret(recipient)),
				plans(credential(other, secret(recipient)))),
			good("one identity with one key twice", carries(csr("p256")), carries(sshCert("p256"))),
			good("the sharing is undone", plans(credential(etl, csr("p256")), unchanged()),
				plans(credential(other, csr("p256-other")), was(credential(other, csr("p256"))))),
			good("one issuer, two subjects", trusting(issuer, "a", "x"),
				plans(credential(other, trusts(issuer, "b", "x")))),
			bad("one request twice", carries(csr("p256")), plans(credential(other, csr("p256")))),
			bad("one key in a request and on an SSH line", carries(csr("p256")),
				plans(credential(other, sshCert("p256")))),
			good("two realms of one server", trusting(issuer+"/realms/Acme", "a", "x"),
				plans(credential(other, trusts(issuer+"/realms/acme", "a", "x")))),
			bad("one realm, with the host in capitals", trusting(issuer+"/realms/Acme", "a", "x"),
				plans(credential(other, trusts(strings.ToUpper(issuer)+"/realms/Acme", "a", "y")))),
			bad("one workload twice", trusting(issuer, "a", "x"),
				plans(credential(other, trusts(issuer+"/", "a", "y")))),
			bad("one role of AWS twice", inAccount(theirs, "one"), plans(credential(other, account(theirs, "two")))),
			good("one account of AWS with an id for each use", inAccount(theirAccount, "one"),
				plans(credential(other, account(theirAccount, "two")))),
			bad("one account of AWS with one id", inAccount(theirAccount, "one"),
				plans(credential(other, account(theirAccount, "one")))),
			bad("one recipient for two partners", carries(secret(recipient)),
				plans(credential("globex/prod/etl", secret(recipient)))),
			bad("a key moves from one to another",
				plans(credential(etl, csr("p256-other")), was(credential(etl, csr("p256")))),
				plans(credential(other, csr("p256")))),
			bad("and the one that takes it arrives first", plans(credential(other, csr("p256"))),
				plans(credential(etl, csr("p256-other")), was(credential(etl, csr("p256"))))),
			bad("with the system alone at plan", holds(credential(other, csr("p256"))), carries(csr("p256"))),
			bad("with another stack's at plan", foreign(credential(other, csr("p256"))), carries(csr("p256"))),
			bad("a workload of another stack's", foreign(credential(other, trusts(issuer, "a", "x"))),
				trusting(issuer, "a", "y")),
			warned("with another stack's, applied before", foreign(credential(other, csr("p256"))),
				plans(credential(etl, csr("p256")), unchanged())),
			good("the same block, under another name", holds(credential(other, csr("p256"))),
				plans(credential(etl, csr("p256")), replaces("1"))),
			good("and at apply, where it is created first", atApply(), holds(identity(other)),
				holds(credential(other, csr("p256"))), plans(identity(etl)), plans(credential(etl, csr("p256")))),
			bad("but not under an identity that was there", atApply(), holds(identity(other)), holds(identity(etl)),
				holds(credential(other, csr("p256"))), plans(credential(etl, csr("p256")))),
			bad("nor under one that is another", atApply(), holds(identity(other)),
				holds(credential(other, csr("p256"))), plans(identity(etl, purpose("Weekly order feed into the ERP"))),
				plans(credential(etl, csr("p256")))),
			bad("with the system alone at apply", atApply(), holds(credential(other, csr("p256"))),
				carries(csr("p256"))),
			warned("both were applied before", plans(credential(etl, csr("p256")), unchanged()),
				plans(credential(other, csr("p256")), unchanged())),
		},
		"waiver/unknown-rule": {
			good("a rule", waived("expiry/too-long", "ciso@example.com", in(30))),
			good("no waiver", plans(identity(etl))),
			good("a fixed rule is a rule", waived("owner/missing", "ciso@example.com", in(30))),
			bad("a slip of the pen", waived("expiry/too-lang", "ciso@example.com", in(30))),
			bad("a family", waived("expiry", "ciso@example.com", in(30))),
			bad("everything", waived("*", "ciso@example.com", in(30))),
			warned("one that stays, beside one that goes",
				plans(with(identity(etl), waives("x", "ciso@example.com", in(30))),
					was(with(identity(etl), waives("x", "ciso@example.com", in(30)),
						waives("y", "ciso@example.com", in(30)))))),
		},
		"waiver/fixed-rule": {
			good("a rule that can be waived", waived("expiry/too-long", "ciso@example.com", in(30))),
			good("no waiver", plans(identity(etl))),
			good("no rule at all is another rule's", waived("nothing", "ciso@example.com", in(30))),
			bad("owner/missing", waived("owner/missing", "ciso@example.com", in(30))),
			bad("expiry/indefinite", waived("expiry/indefinite", "ciso@example.com", in(30))),
			bad("waiver/expired", waived("waiver/expired", "ciso@example.com", in(30))),
			warned("it stays, beside one that is shortened",
				plans(with(identity(etl), waives("owner/missing", "ciso@example.com", in(20))),
					was(with(identity(etl), waives("owner/missing", "ciso@example.com", in(30)))))),
		},
		"waiver/expired": {
			good("a month ahead", waived("expiry/too-long", "ciso@example.com", in(30))),
			edge(good("a second ahead", waived("expiry/too-long", "ciso@example.com", today.Add(time.Second)))),
			good("no waiver", plans(identity(etl))),
			edge(bad("now", waived("expiry/too-long", "ciso@example.com", today))),
			bad("yesterday", waived("expiry/too-long", "ciso@example.com", in(-1))),
			bad("moved to what is past too",
				plans(with(identity(etl), waives("expiry/too-long", "ciso@example.com", in(-1))),
					was(with(identity(etl), waives("expiry/too-long", "ciso@example.com", in(-5)))))),
			warned("it ran out", waived("expiry/too-long", "ciso@example.com", in(-1), unchanged())),
			warned("it is ended now", plans(with(identity(etl), waives("expiry/too-long", "ciso@example.com", in(-1))),
				was(with(identity(etl), waives("expiry/too-long", "ciso@example.com", in(5)))))),
		},
		"waiver/too-long": {
			edge(good("exactly 90 days", waived("expiry/too-long", "ciso@example.com", in(90)))),
			good("a month", waived("expiry/too-long", "ciso@example.com", in(30))),
			good("no waiver", plans(identity(etl))),
			edge(bad("a second more", waived("expiry/too-long", "ciso@example.com", in(90).Add(time.Second)))),
			bad("a year", waived("expiry/too-long", "ciso@example.com", in(365))),
			bad("prolonged", plans(with(identity(etl), waives("expiry/too-long", "ciso@example.com", in(91))),
				was(with(identity(etl), waives("expiry/too-long", "ciso@example.com", in(30)))))),
			warned("shortened, and still too long",
				plans(with(identity(etl), waives("expiry/too-long", "ciso@example.com", in(91))),
					was(with(identity(etl), waives("expiry/too-long", "ciso@example.com", in(200)))))),
		},
		"waiver/self-approved": {
			good("approved by somebody else", waived("expiry/too-long", "ciso@example.com", in(30))),
			good("approved by one of our own", domains("example.com"),
				waived("expiry/too-long", "ciso@example.com", in(30))),
			good("any address where that rule is off",
				set(func(s *Settings) { s.Levels = map[string]Level{"owner/not-an-address": Off} }),
				waived("expiry/too-long", "the board", in(30))),
			bad("by the owner", waived("expiry/too-long", "Jane.Doe@Example.com", in(30))),
			bad("by the owner, with a tag", waived("expiry/too-long", "jane.doe+approvals@example.com", in(30))),
			bad("by nobody", waived("expiry/too-long", " ", in(30))),
			bad("by no address", waived("expiry/too-long", "CISO", in(30))),
			bad("by a placeholder", waived("expiry/too-long", "noreply@example.com", in(30))),
			bad("by the partner", register(Partner{Domains: []string{"acme.test"}}),
				waived("expiry/too-long", "joe@acme.test", in(30))),
			bad("by somebody who left", set(func(s *Settings) { s.ActiveOwners = []string{"jane.doe@example.com"} }),
				waived("expiry/too-long", "joe@example.com", in(30))),
			bad("by the contact of its identity", plans(identity(etl, contact("noc@acme.test"))),
				waivedGrant("scope/overlap", "noc@acme.test", in(30))),
			bad("by the contact of its identity, which arrives last",
				waivedGrant("scope/overlap", "noc@acme.test", in(30)), plans(identity(etl, contact("noc@acme.test")))),
			bad("by the partner two above", set(func(s *Settings) {
				s.Partners = map[string]Partner{"top": {Contact: "noc@top.test"}, "mid": {}, "acme": {}}
			}),
				plans(identity("top/prod/etl", offers(2))),
				plans(identity("mid/prod/etl", under("top/prod/etl"), offers(1))),
				plans(identity(etl, under("mid/prod/etl"))), waivedGrant("scope/overlap", "noc@top.test", in(30))),
			warned("it was applied before", waived("expiry/too-long", "CISO", in(30), unchanged())),
		},
		"waiver/unused": {
			good("it hides something", plans(with(identity(etl), until(in(400)),
				waives("expiry/too-long", "ciso@example.com", in(30))))),
			good("a rule over two objects is not judged", waivedGrant("scope/overlap", "ciso@example.com", in(30))),
			good("it has ended, which is another rule's", waived("expiry/too-long", "ciso@example.com", in(-1))),
			good("the rule waits for what is unknown",
				plans(with(identity(etl), waives("expiry/too-long", "ciso@example.com", in(30))),
					unknown("expires_at"))),
			bad("it hides nothing", waived("expiry/too-long", "ciso@example.com", in(30))),
			bad("it is on an object that the rule does not judge",
				waived("credential/weak-key", "ciso@example.com", in(30))),
			bad("the rule is off", set(func(s *Settings) { s.Levels = map[string]Level{"purpose/vague": Off} }),
				plans(with(identity(etl, purpose("x")), waives("purpose/vague", "ciso@example.com", in(30))))),
		},
	}
}

const pemKey = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKE
-----END PRIVATE KEY-----
`

func waived(slug, approver string, until time.Time, details ...detail) part {
	return plans(with(identity(etl), waives(slug, approver, until)), details...)
}

func waivedGrant(slug, approver string, until time.Time) part {
	return plans(with(grant(etl, "daily"), waives(slug, approver, until)))
}
