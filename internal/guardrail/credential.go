// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// maxCredentials is how many credentials an identity may have before somebody looks.
const maxCredentials = 2

// credentialRules returns the rules about ways in: what is issued, whom it trusts, and from where it works.
func credentialRules() []Rule {
	keys := keyArguments()
	return []Rule{{
		Slug: "credential/static-secret", Title: "A secret where something better would do",
		Level: Warn, On: carriers, Reads: []string{"secret"},
		Why:    "A secret can be copied and passed on without anybody noticing.",
		Remedy: "Prefer " + access.OneOf(unsealedKinds()) + ", whichever the partner can use.",
		Precedent: Precedent{
			"A subcontractor of Toyota put source code with an access key into a public repository in December 2017. " +
				"It was found in September 2022; the addresses of 296,019 customers had been open.",
			"https://techwireasia.com/2022/10/toyota-source-code-exposed-for-five-years-impacts-300000-drivers/",
		},
		Controls: []Control{NHI2, NHI4, NHI7, IA5},
		own:      staticSecret,
	}, {
		Slug: "credential/no-rotation", Title: "What is issued once lives too long",
		Level: Deny, On: carriers, Reads: []string{"rotation", "expires_at", "allowed_cidrs"},
		Why:    "What was stolen works until it is replaced.",
		Remedy: "Set a shorter rotation = { every, overlap }, or an earlier expires_at.",
		Precedent: Precedent{
			"Customers of Snowflake lost their data in 2024 to passwords that malware had stolen, some of them years " +
				"before: they had never been changed.",
			"https://cloud.google.com/blog/topics/threat-intelligence/unc5537-snowflake-data-theft-extortion",
		},
		Controls: []Control{NHI7, IA5, ISO517},
		own:      noRotation, bounded: true,
	}, {
		Slug: "credential/weak-key", Title: "The key or its signature is weak",
		Level: Deny, On: carriers, Reads: keys, Silences: []string{"credential/rsa-2048"},
		Why: "Whoever can break the key is the partner.",
		Remedy: "Ask the partner for an Ed25519, ECDSA P-256 or RSA 3072 key, signed with SHA-256. What the system " +
			"never signs stays refused where this is waived.",
		Precedent: Precedent{
			"DigiCert Sdn. Bhd. of Malaysia issued 22 certificates with weak keys, and in 2011 some of them turned " +
				"out to be compromised for that reason. Browsers revoked their trust in all that it had issued.",
			"https://blog.mozilla.org/security/2011/11/03/revoking-trust-in-digicert-sdn-bhd-intermediate-certificate-authority/",
		},
		Controls: []Control{NHI4, SC13, ISO824},
		own:      weakKey,
	}, {
		Slug: "credential/rsa-2048", Title: "The RSA key is short",
		Level: Warn, On: carriers, Reads: keys,
		Why:    "NIST SP 800-57 trusts RSA under 3072 bits only until 2030.",
		Remedy: "Ask the partner for an Ed25519, ECDSA P-256 or RSA 3072 key when it makes its next one.",
		Precedent: Precedent{
			"NIST SP 800-57 Part 1 (revision 5) rates RSA of 2048 bits at 112 bits of strength, which it accepts " +
				"through 2030, and RSA of 3072 bits at 128, which it accepts beyond.",
			"https://csrc.nist.gov/pubs/sp/800/57/pt1/r5/final",
		},
		Controls: []Control{NHI4, SC13, ISO824},
		own:      rsa2048,
	}, {
		Slug: "credential/private-key", Title: "A private key stands in the configuration",
		Level: Deny, Fixed: true, On: everything, Reads: keys,
		Why: "A private key never leaves its holder: whoever can read the configuration or its history is the " +
			"partner now.",
		Remedy: "Remove it, treat it as stolen, and ask the partner for a new public key, CSR or recipient.",
		Precedent: Precedent{
			"In March 2023 the private key of github.com's SSH service was for a short time in a public repository. " +
				"GitHub replaced it, and every client that knew the old one had to be told.",
			"https://github.blog/news-insights/company-news/we-updated-our-rsa-ssh-host-key/",
		},
		Controls: []Control{NHI2, IA5, ISO517},
		own:      privateKey, unready: true,
	}, {
		Slug: "credential/open-trust", Title: "More than one workload could use the trust",
		Level: Deny, Fixed: true, On: carriers, Reads: []string{"federated"},
		Why:    "Trust that does not name one workload of one issuer lets in whoever else that issuer speaks for.",
		Remedy: "Name one https issuer, one exact subject, and at least one audience.",
		Precedent: Precedent{
			"In 2023 Datadog found roles in AWS, one of them of a UK government body, that trusted GitHub's issuer " +
				"and did not narrow the subject enough: workflows of strangers could assume them.",
			"https://securitylabs.datadoghq.com/articles/exploring-github-to-aws-keyless-authentication-flaws/",
		},
		Controls: []Control{NHI3, NHI4, AC6},
		own:      openTrust,
	}, {
		Slug: "credential/whole-account", Title: "A whole AWS account is trusted",
		Level: Warn, On: carriers, Reads: []string{"federated"},
		Why:    "Anybody whom the partner allows in that account may come in, and nobody here knows who that is.",
		Remedy: "Name the partner's one role that comes in, if the partner has a permanent one.",
		Precedent: Precedent{
			"AWS on the confused deputy: a service that acts for many customers from one account can be led to act " +
				"on the wrong one. Only the external id protects against that.",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
		},
		Controls: []Control{NHI3, NHI4, AC6},
		own:      wholeAccount,
	}, {
		Slug: "credential/network", Title: "The credential works from anywhere",
		Level: Warn, On: carriers, Reads: []string{"allowed_cidrs"},
		Why:    "What was stolen works from wherever the thief is.",
		Remedy: "Set allowed_cidrs to the networks that the partner comes from.",
		Precedent: Precedent{
			"The Snowflake customers whose data was stolen in 2024 had no network allow lists: the stolen passwords " +
				"worked from anywhere.",
			"https://cloud.google.com/blog/topics/threat-intelligence/unc5537-snowflake-data-theft-extortion",
		},
		Controls: []Control{NHI3, SC7, PRAA05},
		own:      anyNetwork,
	}, {
		Slug: "credential/open-network", Title: "The allowed networks are as good as everywhere",
		Level: Deny, On: carriers, Reads: []string{"allowed_cidrs"},
		Why: "A list as wide as that only looks like a limit: whoever stole the credential is likely in it.",
		Remedy: "Set allowed_cidrs to the networks that the partner comes from, together no more than a /8 " +
			"(IPv6: a /32).",
		Precedent: Precedent{
			"NIST SP 800-53 SC-7(5) wants network traffic to be denied by default and allowed by exception. A list " +
				"that covers most addresses turns that around.",
			"https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final",
		},
		Controls: []Control{NHI3, SC7, PRAA05},
		own:      openNetwork,
	}, {
		Slug: "credential/count", Title: "The identity has many credentials",
		Level: Warn, On: carriers, Reads: []string{"identity_id"},
		Why:    "Each further way in is one more to protect, to rotate and to forget.",
		Remedy: "Remove the credentials that the partner no longer uses.",
		Precedent: Precedent{
			"After Okta's breach in 2023, Cloudflare replaced its leaked credentials except one token and three " +
				"service accounts, out of thousands. A month later, intruders came in through these.",
			"https://blog.cloudflare.com/thanksgiving-2023-security-incident/",
		},
		Controls: []Control{NHI9, IA5, PRAA01},
		own:      credentialCount,
	}}
}

// staticSecret warns of a secret if the system offers a kind that is no secret. A system without one is not blamed for
// it.
func staticSecret(c *Context, s *Subject) []problem {
	if !s.credential().Kind().Sealed() {
		return nil
	}
	var better []string
	for _, k := range c.Capabilities.Kinds {
		if !k.Sealed() {
			better = append(better, string(k))
		}
	}
	if len(better) == 0 {
		return nil
	}
	return one("secret", say("%s is a secret, and %s also offers %s", s, c.Capabilities.Name,
		strings.Join(better, ", ")), "")
}

// noRotation finds what is issued once and lives too long, and a rotation whose overlap leaves no moment with a single
// secret. The life counts from when it was issued: an extension of what stays with the partner makes nothing younger.
// Beyond ceilingSecret neither a setting nor a waiver helps for a secret.
func noRotation(c *Context, s *Subject) []problem {
	cred := s.credential()
	if r := cred.Rotation; neverOne(cred) {
		return one("rotation.overlap",
			say("%s: rotation.overlap is %s and rotation.every is %s: the old one would never die before the next", s,
				r.Overlap, r.Every),
			say("Set rotation.overlap below %s, such as \"%s\".", r.Every,
				access.Hours((r.Every.Duration/2).Truncate(time.Hour))))
	}
	most, what := c.Settings.issueLimit(cred)
	start := s.issued(c.Now)
	life := livesUntil(c, s, start).Sub(start)
	if most == 0 || life <= most {
		return nil
	}
	lives := "without rotation, what is issued once"
	if hasRotation(cred) {
		lives = say("with rotation every %s and an overlap of %s, what is issued once", cred.Rotation.Every,
			cred.Rotation.Overlap)
	}
	hard := cred.Kind().Sealed() && life > ceilingSecret
	text := say("%s: %s lives for %s; %s is the most for %s", s, lives, beyond(life, most), length(most), what)
	if !s.Anew && !s.IssuedAt.IsZero() && s.extends() {
		text += say(" (what the partner holds was issued on %s, and a later end does not make it younger)",
			moment(s.IssuedAt))
	}
	if hard {
		text += say(", and no configuration can raise it over %s", length(ceilingSecret))
	}
	return []problem{{attribute: "rotation", text: text, hard: hard,
		fix: say("Set rotation = { every = %q, overlap = %q } or shorter, or expires_at to %s or earlier.",
			access.Hours(most-overlapIn(most)), access.Hours(overlapIn(most)), moment(start.Add(most)))}}
}

// neverOne reports whether a rotation leaves no moment with a single secret: each one lives on until the
// next but one is issued.
func neverOne(c *access.Credential) bool {
	return hasRotation(c) &&
		c.Rotation.Overlap.Duration >= c.Rotation.Every.Duration &&
		c.Kind().Issues()
}

// hasRotation reports whether a credential rotates. A rotation that Terraform does not know yet has no length, and
// counts as none.
func hasRotation(c *access.Credential) bool {
	return c.Rotation != nil && c.Rotation.Every.Duration > 0
}

// livesUntil returns when what was issued at a moment ends, by its declared end or by its rotation. What stays with the
// partner keeps its age, however often it is extended.
func livesUntil(c *Context, s *Subject, start time.Time) time.Time {
	cred := s.credential()
	until := cred.ExpiresAt.Time
	switch {
	case !hasRotation(cred):
		return until
	case s.ages():
		return access.Earliest(until, cred.AgesUntil(start, c.Now))
	default:
		return cred.IssueLife(start, until)
	}
}

// overlapIn returns the overlap to write where what is issued may live so long: a day, or half of it.
func overlapIn(most time.Duration) time.Duration { return min(day, most/2) }

// ages reports whether the plan gives a rotation to what was issued without one and stays in force.
func (s *Subject) ages() bool {
	before, _ := s.Before.(*access.Credential)
	return before != nil &&
		before.Rotation == nil &&
		!s.Anew &&
		!s.IssuedAt.IsZero()
}

// issueLimit returns how long what is issued once may live, and of what it is the limit; zero where nothing is
// issued. A floor may say less.
func (s *Settings) issueLimit(c *access.Credential) (time.Duration, string) {
	most, what := issueLimit(c)
	if s.MaxIssued > 0 && s.MaxIssued < most {
		return s.MaxIssued, "what is issued once, by the floor"
	}
	return most, what
}

// weakKey finds a key, or a signature over it, that is too weak for anything new. What the partner held before this
// plan (prior) is no finding: it is not brought in.
func weakKey(_ *Context, s *Subject) []problem {
	for _, k := range s.keys {
		if why := k.weakness(); why != "" && !k.prior {
			return one(k.attribute, say("%s has %s", s, why), "")
		}
	}
	return nil
}

// rsa2048 warns of RSA keys of 2048 to 3071 bits. Shorter ones are weakKey's.
func rsa2048(_ *Context, s *Subject) []problem {
	for _, k := range s.keys {
		if !k.prior && k.algorithm == "RSA" && k.bits >= 2048 && k.bits < 3072 {
			return one(k.attribute, say("%s has an RSA key of %d bits; 3072 is the least for the years to come", s,
				k.bits), "")
		}
	}
	return nil
}

// privateKey finds private key material in any argument of any object. It does not repeat it, and
// names no attribute: Terraform prints the line of an attribute with its diagnostic.
func privateKey(_ *Context, s *Subject) []problem {
	if !holdsPrivateKey(s.Object) {
		return nil
	}
	stood := s.Before != nil && holdsPrivateKey(s.Before)
	found := problem{text: say("%s has private key material in one of its arguments", s), cause: entered}
	if stood {
		found.cause = byChange
	}
	return []problem{found}
}

// anyNetwork warns of what is issued and works from anywhere. Trust in an issuer issues nothing that could be carried
// away.
func anyNetwork(_ *Context, s *Subject) []problem {
	c := s.credential()
	if !c.Kind().Issues() || len(c.AllowedCIDRs) > 0 {
		return nil
	}
	return one("allowed_cidrs", say("%s has no allowed_cidrs", s), "")
}

// openNetwork finds networks that cover too much together, for each family by itself: 128.0.0.0/1 and 0.0.0.0/1 are
// everywhere, and so are 256 networks of /8.
func openNetwork(_ *Context, s *Subject) []problem {
	for _, family := range []struct {
		bits, most int
		name       string
	}{{32, 8, "IPv4"}, {128, 32, "IPv6"}} {
		networks := slices.DeleteFunc(slices.Clone(s.credential().AllowedCIDRs),
			func(n netip.Prefix) bool { return n.Addr().BitLen() != family.bits })
		covered := addresses(networks)
		if most := new(big.Int).Lsh(big.NewInt(1), uint(family.bits-family.most)); covered.Cmp(most) > 0 {
			return one("allowed_cidrs", say("%s: allowed_cidrs covers %s %s addresses together; a /%d, which is %s, "+
				"is the most", s, covered, family.name, family.most, most), "")
		}
	}
	return nil
}

// addresses returns how many addresses the networks cover together, however they are cut.
func addresses(networks []netip.Prefix) *big.Int {
	sum := new(big.Int)
	for _, n := range access.MergeNetworks(networks) {
		sum.Add(sum, new(big.Int).Lsh(big.NewInt(1), uint(n.Addr().BitLen()-n.Bits())))
	}
	return sum
}

// credentialCount warns once for an identity, at the first credential over the limit.
func credentialCount(c *Context, s *Subject) []problem {
	if !c.firstOver(maxCredentials) {
		return nil
	}
	return one("identity_id", say("identity %s has more than %d credentials", s.Object.Holder(), maxCredentials), "")
}
