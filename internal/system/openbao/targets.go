// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"slices"
	"strings"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Which things a path reaches. Two partners may meet on a thing though their patterns share no path: the values of a
// secret and their names, encrypting and decrypting with one key, issuing and signing by one role. So each path of an
// engine that has a name in it says what it names, and scope/foreign-partner compares the things.
// TestTwoPartnersMeetOnAThingAndNotOnlyOnAPath tries the verdicts on a real server, and
// TestEachRouteOfAnEngineNamesWhatItReaches holds this table against the one in engines.go.

// naming says that the paths of a pattern, below the mount of an engine, reach things of a kind, and where in them the
// name is.
type naming struct {
	kind string
	path access.Pattern
	// at is the number of the segment that the name begins with, from 0. The name is one segment, or, if it is long,
	// all that follow.
	at   int
	long bool
	// lists: whoever lists there is told the names of what lies below. folds: a name is the same in capitals.
	lists, folds bool
}

// of returns the namings of a kind, one for each path. NAME stands for the name, NAMES, at the end, for a name of
// several segments: "sign/NAME/+" names the second segment, "data/NAMES" all after the first.
func of(kind string, paths ...string) (all []naming) {
	for _, text := range paths {
		n := naming{kind: kind, path: access.Pattern(strings.NewReplacer("NAMES", "*", "NAME", "+").Replace(text))}
		for i, s := range strings.Split(text, "/") {
			if s == "NAME" || s == "NAMES" {
				n.at, n.long = i, s == "NAMES"
			}
		}
		all = append(all, n)
	}
	return all
}

// listing returns namings of paths on which names are listed as well.
func listing(kind string, paths ...string) []naming {
	all := of(kind, paths...)
	for i := range all {
		all[i].lists = true
	}
	return all
}

// folding makes namings those of an engine that takes names in any case.
func folding(all []naming) []naming {
	for i := range all {
		all[i].folds = true
	}
	return all
}

// roleNamings returns the table of an engine whose roles give out credentials.
func roleNamings(more ...string) []naming {
	return of("role", append([]string{"creds/NAME", "role/NAME", "roles/NAME"}, more...)...)
}

// namings are those of the engines in which several paths reach one thing, by the name that mounted.kind gives.
var namings = sync.OnceValue(func() map[string][]naming {
	kv := listing("secret", "NAMES")
	library := of("library", "library/NAME", "library/NAME/check-out", "library/NAME/check-in", "library/NAME/status",
		"library/manage/NAME/check-in")
	ldap := folding(slices.Concat(roleNamings(),
		of("static role", "static-cred/NAME", "static-role/NAME", "rotate-role/NAME"), library))
	return map[string][]naming{
		"kv": kv, "generic": kv,
		"kv2": append(of("secret", "data/NAMES", "subkeys/NAMES", "delete/NAMES", "undelete/NAMES", "destroy/NAMES"),
			listing("secret", "metadata/NAMES", "detailed-metadata/NAMES")...),
		"transit": of("key", "encrypt/NAME", "decrypt/NAME", "rewrap/NAME", "sign/NAME", "sign/NAME/+", "verify/NAME",
			"verify/NAME/+", "hmac/NAME", "hmac/NAME/+",
			"datakey/+/NAME", "keys/NAME", "keys/NAME/*", "export/+/NAME", "export/+/NAME/+", "byok-export/NAME/+",
			"byok-export/NAME/+/+",
			"byok-export/+/NAME", "byok-export/+/NAME/+", "backup/NAME", "restore/NAME"),
		"totp": of("key", "code/NAME", "keys/NAME"),
		// which share their names
		"database": roleNamings("static-creds/NAME", "static-roles/NAME", "rotate-role/NAME"),
		"pki": slices.Concat(
			of("role", "roles/NAME", "issue/NAME", "sign/NAME", "sign-verbatim/NAME", "issuer/+/issue/NAME",
				"issuer/+/sign/NAME", "issuer/+/sign-verbatim/NAME"),
			of("CEL role", "cel/roles/NAME", "cel/issue/NAME", "cel/sign/NAME"),
			of("certificate", "cert/NAME", "cert/NAME/raw", "cert/NAME/raw/pem"),
		),
		"ssh":   of("role", "roles/NAME", "sign/NAME", "issue/NAME", "creds/NAME"),
		"aws":   append(roleNamings("sts/NAME"), of("static role", "static-creds/NAME", "static-roles/NAME")...),
		"azure": append(roleNamings(), of("static role", "static-creds/NAME", "static-roles/NAME")...),
		"gcp":   gcpNamings(),
		"gcpkms": of("key", "encrypt/NAME", "decrypt/NAME", "reencrypt/NAME", "sign/NAME", "verify/NAME",
			"pubkey/NAME", "keys/NAME", "keys/NAME/*"),
		"alicloud":     roleNamings(),
		"mongodbatlas": roleNamings(),
		"terraform":    roleNamings(),
		"consul":       roleNamings(),
		"nomad":        roleNamings(),
		"rabbitmq":     roleNamings(),
		"kubernetes":   folding(roleNamings()),
		"ldap":         ldap,
		"openldap":     ldap,
		"ad":           folding(append(roleNamings(), library...)),
	}
})

// gcpNamings returns those of the engine for Google Cloud, whose roles are of three kinds.
func gcpNamings() []naming {
	return slices.Concat(
		of("roleset", "token/NAME", "key/NAME", "roleset/NAME", "roleset/NAME/token", "roleset/NAME/key"),
		of("static account", "static-account/NAME", "static-account/NAME/token", "static-account/NAME/key"),
		of("impersonated account", "impersonated-account/NAME", "impersonated-account/NAME/token"),
	)
}

// targets returns the things that actions on a pattern reach. No actions are those of a ceiling, which lists nothing.
func (g *ground) targets(p access.Pattern, actions []string) (all []access.Target) {
	at, _ := g.at(p.Segments())
	for _, m := range at {
		rest := below(p, m)
		for _, n := range namings()[m.kind] {
			if rest != "" && n.path.Overlaps(rest) {
				all = append(all, n.target(m, n.path.Meet(rest)))
			}
			if n.lists && slices.Contains(actions, "list") {
				all = append(all, n.told(m, p, rest)...)
			}
		}
	}
	return all
}

// target returns what a part of a naming's paths reaches. Its Way turns a part of the thing's path back into the path
// of the grant that reaches that part: of "secret/x", by "secret/data/x".
func (n naming) target(m place, part access.Pattern) access.Target {
	segments, prefix := part.Segments(), m.String()
	end := n.at + 1
	if n.long {
		end = len(segments)
	}
	head := prefix + joinBefore(segments[:n.at])
	tail := segments[end:]
	named := strings.Join(segments[n.at:end], "/")
	if n.folds {
		named = strings.ToLower(named)
	}
	return access.Target{
		Kind: n.kind, Path: access.Pattern(prefix + named),
		Way: func(of access.Pattern) access.Pattern {
			name := strings.Join(of.Segments()[len(m.path):], "/")
			return access.Pattern(head + strings.Join(append([]string{name}, tail...), "/"))
		},
	}
}

// joinBefore returns segments as the beginning of a path; "" for none.
func joinBefore(segments []string) string {
	if len(segments) == 0 {
		return ""
	}
	return strings.Join(segments, "/") + "/"
}

// told returns the things whose names a listing of the pattern tells: what lies in a folder, one segment below. A
// pattern that ends in * reaches those by itself.
func (n naming) told(m place, p, rest access.Pattern) []access.Target {
	head := n.path.Segments()[:n.at]
	folder := access.Pattern(joinBefore(head) + "*")
	segments := rest.Segments()
	if rest == "" {
		segments = nil
	}
	switch {
	case len(segments) > 0 && segments[len(segments)-1] == "*":
		return nil // it reaches what lies below by itself
	case len(segments) < len(head), len(segments) > len(head) && !folder.Overlaps(rest):
		return nil
	case len(segments) == len(head) &&
		len(head) > 0 &&
		!access.Pattern(strings.Join(head, "/")).Overlaps(rest):
		return nil
	}
	below := append(slices.Clone(m.path), segments[len(head):]...)
	return []access.Target{{
		Kind: n.kind, Path: access.Pattern(strings.Join(append(below, "+"), "/")),
		Way: func(access.Pattern) access.Pattern { return p },
	}}
}
