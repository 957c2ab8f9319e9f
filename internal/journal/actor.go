// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"os"
	"os/user"
	"strings"
	"unicode"
	"unicode/utf8"
)

// platform is how a CI system says for whom it runs. A name is a variable; in an address, variables stand in braces.
type platform struct {
	marker string   // the variable that is set on this platform only
	names  []string // the first that is set is the name
	runs   []string // the first whose variables are all set is the run
}

var platforms = []platform{
	{
		marker: "GITHUB_ACTIONS", names: []string{"GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"},
		runs: []string{
			"{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}/attempts/{GITHUB_RUN_ATTEMPT}",
			"{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}", "{GITHUB_RUN_ID}",
		},
	},
	{
		marker: "GITLAB_CI",
		names:  []string{"GITLAB_USER_LOGIN", "GITLAB_USER_EMAIL"},
		runs:   []string{"{CI_JOB_URL}", "{CI_PIPELINE_URL}", "{CI_JOB_ID}"},
	},
	{
		marker: "CIRCLECI",
		names:  []string{"CIRCLE_USERNAME"},
		runs:   []string{"{CIRCLE_BUILD_URL}", "{CIRCLE_WORKFLOW_ID}"},
	},
	{
		marker: "BUILDKITE",
		names:  []string{"BUILDKITE_BUILD_CREATOR_EMAIL", "BUILDKITE_BUILD_CREATOR"},
		runs:   []string{"{BUILDKITE_BUILD_URL}"},
	},
	{
		marker: "TF_BUILD", names: []string{"BUILD_REQUESTEDFOREMAIL", "BUILD_REQUESTEDFOR"}, // Azure Pipelines
		runs: []string{"{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
			"{BUILD_BUILDID}"},
	},
	{marker: "TFC_RUN_ID", names: []string{"TFC_WORKSPACE_SLUG"}, runs: []string{"{TFC_RUN_ID}"}}, // it names no person
	{
		marker: "ATLANTIS_TERRAFORM_VERSION",
		names:  []string{"USER_NAME", "PULL_AUTHOR"},
		runs:   []string{"{PULL_URL}", "{PULL_NUM}"},
	},
	{
		marker: "JENKINS_URL",
		names:  []string{"BUILD_USER_EMAIL", "BUILD_USER_ID", "CHANGE_AUTHOR"},
		runs:   []string{"{BUILD_URL}", "{BUILD_TAG}"},
	},
	{marker: "CI"},
}

// CurrentActor returns who makes changes, as the environment says: for whom a CI system runs, else who is logged in. It
// is a claim, not a proof: whoever runs Terraform can set these variables. The proof is in the CI system's own log.
func CurrentActor(lookup func(variable string) (string, bool)) Actor {
	a := Actor{Kind: "user", Name: clean(login(lookup))}
	if host, err := os.Hostname(); err == nil {
		a.Host = clean(host)
	}
	get := func(variable string) string {
		value, _ := lookup(variable)
		return clean(value)
	}
	address := func(variable string) string {
		value, _ := lookup(variable)
		return clean(bare(value))
	}
	for _, p := range platforms {
		if value := get(p.marker); value == "" || strings.EqualFold(value, "false") {
			continue
		}
		a.Kind = "ci"
		for i := len(p.names) - 1; i >= 0; i-- {
			if name := get(p.names[i]); name != "" {
				a.Name = name
			}
		}
		for _, template := range p.runs {
			if a.Run = fill(template, address); a.Run != "" {
				break
			}
		}
		break
	}
	return a
}

// login returns the name of the operating system's user.
func login(lookup func(string) (string, bool)) string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	for _, variable := range []string{"USER", "LOGNAME", "USERNAME"} {
		if name, ok := lookup(variable); ok && name != "" {
			return name
		}
	}
	return "unknown"
}

// fill puts variables into their places, and returns "" where one is missing.
func fill(template string, get func(string) string) string {
	var b strings.Builder
	for template != "" {
		literal, rest, found := strings.Cut(template, "{")
		b.WriteString(literal)
		if !found {
			break
		}
		variable, after, _ := strings.Cut(rest, "}")
		value := get(variable)
		if value == "" {
			return ""
		}
		b.WriteString(value)
		template = after
	}
	return clean(b.String())
}

// bare returns an address without user info, query and fragment, any of which may hold a secret. It asks no
// parser: a password with a slash or a percent sign in it makes an address that none takes. What cannot be told
// apart is taken for user info.
func bare(address string) string {
	scheme, rest, found := strings.Cut(address, "//")
	if !found {
		scheme, rest = "", address
	}
	visible := rest
	query := strings.IndexAny(rest, "?#")
	if query >= 0 &&
		strings.Contains(rest[:query], "/") &&
		(strings.Contains(rest[:query], "@") || !namesUser(rest)) {
		visible = rest[:query] // an @ after this belongs to the query
		if !strings.Contains(visible, "@") &&
			strings.Contains(rest[query:], "@") &&
			!namesHost(rest) {
			return "" // or to a login, whose password all this is
		}
	}
	visible = visible[strings.LastIndexByte(visible, '@')+1:]
	if end := strings.IndexAny(visible, "?#;"); end >= 0 { // behind a semicolon stands a session
		visible = visible[:end]
	}
	if visible == "" || !found {
		return visible
	}
	return scheme + "//" + visible
}

// namesUser reports whether an address begins with a login and not with a host: what follows a colon there is no port.
func namesUser(rest string) bool {
	authority, _, _ := strings.Cut(rest, "/")
	_, port, found := strings.Cut(authority[strings.LastIndexByte(authority, ']')+1:], ":")
	return found && strings.Trim(port, "0123456789") != ""
}

// namesHost reports whether an address begins with what nobody takes for a login: a name with a dot in
// it, or an IPv6 address.
func namesHost(rest string) bool {
	authority, _, _ := strings.Cut(rest, "/")
	host, _, _ := strings.Cut(authority, ":")
	return strings.HasPrefix(host, "[") || strings.Contains(host, ".")
}

// longest is how many characters of a value are kept that comes from outside.
const longest = 200

// clean makes one short line of text: a value that somebody chose must not look like another line, or fill the disk.
func clean(text string) string { return shorten(text, longest) }

// shorten returns a text from outside as one line of at most so many characters. Bidirectional controls are left out:
// they could make a line of the journal read as another one (CVE-2021-42574).
func shorten(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r) || unicode.IsSpace(r):
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
