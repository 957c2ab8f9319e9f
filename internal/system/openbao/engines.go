// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"slices"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What a grant on an engine gives. A table says for each type of engine which routes are data and which give out
// access; whatever it does not name administers the engine, and is refused. So a route that a later version adds is
// refused until somebody has looked at it. TestEveryGrantReachesWhatItsVerdictSays tries on a real server what the
// tokens of such grants can do. targets.go has the table of what each path reaches, by name.
//
// The routes are those of the engines in OpenBao's internal/builtin/logical, and of known plugins.

// route is what an engine does on the paths of a pattern, below its mount.
type route struct {
	path access.Pattern
	// only are the actions that it is so for; none: for all.
	only []string
	// named: it is so for one name only, and not for a wildcard, which stands for every name, also later ones.
	named bool
}

// engine is what is data of a type of engine, and what gives out access. What is neither administers it.
type engine struct {
	data, privileged []route
	// gives says what the privileged routes give out, as a clause of a sentence.
	gives string
}

// routes returns those that do the same for all actions. Not inlined: that would add 14 kB to the binary.
//
//go:noinline
func routes(paths ...access.Pattern) (all []route) {
	for _, p := range paths {
		all = append(all, route{path: p})
	}
	return all
}

// reading returns routes that are data for whoever reads or lists.
func reading(paths ...access.Pattern) []route {
	all := routes(paths...)
	for i := range all {
		all[i].only = []string{"read", "list"}
	}
	return all
}

// byName returns routes that end in a name, which has to be a literal.
func byName(paths ...access.Pattern) []route {
	all := routes(paths...)
	for i := range all {
		all[i].named = true
	}
	return all
}

const (
	otherSystem       = "it issues credentials of another system"
	signsCertificates = "it issues certificates, which last as long as the engine allows, whatever the grant's end"
	sshAccess         = "it signs SSH keys or issues SSH passwords, which nothing revokes"
	cloudAccess       = "it issues cloud credentials, which may outlast the session that got them"
	keyMaterial       = "it issues keys, which nothing revokes"
)

// elsewhere returns an engine whose creds/ROLE are credentials of another system, and so are the further paths.
func elsewhere(gives string, more ...access.Pattern) engine {
	return engine{gives: gives, privileged: append(routes("creds/+"), routes(more...)...)}
}

// engines are the types that are known, by the name that mounted.kind gives: a KV store of version 2 is "kv2". Old
// names stay, since mounts keep them. It is made once, when a grant is first judged.
var engines = sync.OnceValue(func() map[string]engine {
	kv := engine{data: routes("*")}
	return map[string]engine{
		"kv":      kv,
		"generic": kv, // its name of old
		"kv2": {data: routes("data/*", "metadata/*", "metadata", "subkeys/*", "detailed-metadata/*",
			"detailed-metadata", "delete/*",
			"undelete/*", "destroy/*")},
		"transit": transit(),
		"totp":    {data: routes("code/+")},
		"database": {
			data:       byName("creds/+", "static-creds/+"),
			privileged: routes("creds/+", "static-creds/+"),
			gives:      otherSystem,
		},
		"pki": {
			data: reading("ca", "ca/pem", "ca_chain", "cert/+", "cert/+/raw", "cert/+/raw/pem", "crl", "crl/pem",
				"crl/delta", "crl/delta/pem",
				"issuer/+/json", "issuer/+/der", "issuer/+/pem", "issuer/+/crl", "issuer/+/crl/*", "issuers", "ocsp/*"),
			privileged: byName("issue/+", "sign/+", "cel/issue/+", "cel/sign/+", "issuer/+/issue/+", "issuer/+/sign/+"),
			gives:      signsCertificates,
		},
		"ssh": {
			data:       reading("public_key", "issuer/+/public_key"),
			privileged: routes("sign/+", "issue/+", "creds/+"), gives: sshAccess,
		},
		"aws":          elsewhere(cloudAccess, "sts/+", "static-creds/+"),
		"azure":        elsewhere(cloudAccess, "static-creds/+"),
		"gcp":          gcp(),
		"gcpkms":       {data: routes("encrypt/+", "decrypt/+", "reencrypt/+", "sign/+", "verify/+", "pubkey/+")},
		"alicloud":     elsewhere(cloudAccess),
		"mongodbatlas": elsewhere(cloudAccess),
		"terraform":    elsewhere(otherSystem),
		"consul":       elsewhere(otherSystem),
		"nomad":        elsewhere(otherSystem),
		"rabbitmq":     elsewhere(otherSystem),
		"kubernetes":   elsewhere(otherSystem),
		"ldap": elsewhere(otherSystem, "static-cred/+", "library/+/check-out", "library/+/check-in",
			"library/+/status"),
		"openldap": elsewhere(otherSystem, "static-cred/+", "library/+/check-out", "library/+/check-in",
			"library/+/status"),
		"ad": elsewhere(otherSystem, "library/+/check-out", "library/+/check-in", "library/+/status"),
	}
})

// shipped are the engines that OpenBao brings along. All others are plugins, and known by their names alone: whoever
// registers a plugin decides what it does.
var shipped = map[string]bool{
	"kv": true, "generic": true, "transit": true, "totp": true, "database": true, "pki": true, "ssh": true,
	"rabbitmq": true, "kubernetes": true,
}

// meets reports whether some paths of a pattern are ones that the engine has.
func (e engine) meets(below access.Pattern) bool {
	return slices.ContainsFunc(slices.Concat(e.data, e.privileged),
		func(r route) bool { return r.path.Overlaps(below) })
}

// transit returns the engine that encrypts. Who may create below encrypt/ and names a key that is not there makes one,
// so "create" is data for a key's name alone, and not for a wildcard.
func transit() engine {
	use := []string{"read", "list", "update", "patch", "delete"}
	return engine{
		data: slices.Concat(
			[]route{{path: "encrypt/+", only: use}}, byName("encrypt/+"), reading("keys/+", "wrapping_key"),
			routes("decrypt/+", "rewrap/+", "sign/+", "sign/+/+", "verify/+", "verify/+/+", "hmac/+", "hmac/+/+",
				"datakey/plaintext/+",
				"datakey/wrapped/+", "datakey/+/+", "random", "random/+", "random/+/+", "hash", "hash/+"),
		),
		privileged: routes("export/+/+", "export/+/+/+", "byok-export/+/+", "byok-export/+/+/+"), gives: keyMaterial,
	}
}

// gcp returns the engine whose tokens and keys are below roles of three kinds.
func gcp() engine {
	return engine{gives: cloudAccess, privileged: routes(
		"token/+", "key/+", "roleset/+/token", "roleset/+/key", "static-account/+/token", "static-account/+/key",
		"impersonated-account/+/token",
	)}
}

// nature is what an action on a path below a mount is, from the harmless to the gravest.
type nature int

const (
	data nature = iota
	privileged
	administration
)

// judge says what actions below the mount of an engine are, the gravest of them; and the route that it goes by, or, if
// that administers, a path that no route has: "roles/x" on a database proves that a grant on "*" administers it. No
// actions are judged as one that no route excludes.
func (e engine) judge(below access.Pattern, actions []string) (worst nature, by route, beyond string) {
	if len(actions) == 0 {
		actions = []string{""}
	}
	for _, action := range actions {
		of, r, path := e.judgeAction(below, action)
		if of >= worst {
			worst, by, beyond = of, r, path
		}
	}
	return worst, by, beyond
}

// judgeAction judges one action. A pattern is data if data's routes cover all of it, and privileged if those and the
// privileged ones do: a pattern that reaches beyond both administers, by the path that is left over.
func (e engine) judgeAction(below access.Pattern, action string) (nature, route, string) {
	var open []access.Pattern
	beyond := ""
	for of, rows := range [][]route{e.data, e.privileged} {
		for _, r := range rows {
			if r.holds(below, action) {
				open = append(open, r.path)
			}
		}
		path, outside := access.Outside(open, below)
		if !outside {
			return nature(of), first(rows, below, action), ""
		}
		beyond = path
	}
	return administration, route{}, beyond
}

// holds reports whether a route is for an action, and for a pattern as it is written.
func (r route) holds(below access.Pattern, action string) bool {
	if _, wild := below.Fixed(); wild && r.named {
		return false
	}
	return len(r.only) == 0 || slices.Contains(r.only, action)
}

// first returns the first route that a pattern meets, to say where in it the place of the data begins.
func first(rows []route, below access.Pattern, action string) route {
	for _, r := range rows {
		if r.holds(below, action) && r.path.Overlaps(below) {
			return r
		}
	}
	return route{}
}
