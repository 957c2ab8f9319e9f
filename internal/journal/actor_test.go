// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTheActorIsWhomTheCIRunsFor(t *testing.T) {
	t.Parallel()
	host, _ := os.Hostname()
	me := login(func(string) (string, bool) { return "", false })
	for what, c := range map[string]struct {
		env  map[string]string
		want Actor
	}{
		"nobody's":        {nil, Actor{Name: me, Kind: "user"}},
		"CI that is none": {map[string]string{"CI": "false"}, Actor{Name: me, Kind: "user"}},
		"some CI":         {map[string]string{"CI": "1"}, Actor{Name: me, Kind: "ci"}},
		"GitHub Actions": {map[string]string{
			"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "jane", "GITHUB_TRIGGERING_ACTOR": "john",
			"GITHUB_SERVER_URL": "https://github.com",
			"GITHUB_REPOSITORY": "example/access", "GITHUB_RUN_ID": "42", "GITHUB_RUN_ATTEMPT": "2",
		}, Actor{Name: "john", Kind: "ci", Run: "https://github.com/example/access/actions/runs/42/attempts/2"}},
		"GitHub Actions, without an attempt": {map[string]string{
			"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "jane", "GITHUB_SERVER_URL": "https://github.com",
			"GITHUB_REPOSITORY": "example/access", "GITHUB_RUN_ID": "42",
		}, Actor{Name: "jane", Kind: "ci", Run: "https://github.com/example/access/actions/runs/42"}},
		"GitLab": {map[string]string{
			"CI": "true", "GITLAB_CI": "true", "GITLAB_USER_LOGIN": "jane",
			"CI_JOB_URL": "https://gitlab.example.com/access/-/jobs/7",
		}, Actor{Name: "jane", Kind: "ci", Run: "https://gitlab.example.com/access/-/jobs/7"}},
		"Jenkins": {map[string]string{
			"CI": "true", "JENKINS_URL": "https://ci.example.com/", "BUILD_USER_ID": "jane",
			"BUILD_URL": "https://user:word@ci.example.com/job/access/9/",
		}, Actor{Name: "jane", Kind: "ci", Run: "https://ci.example.com/job/access/9/"}},
		"CircleCI": {map[string]string{
			"CI":               "true",
			"CIRCLECI":         "true",
			"CIRCLE_USERNAME":  "jane",
			"CIRCLE_BUILD_URL": "https://circleci.com/gh/a/b/1",
		},
			Actor{Name: "jane", Kind: "ci", Run: "https://circleci.com/gh/a/b/1"}},
		"Azure Pipelines": {map[string]string{
			"TF_BUILD": "True", "BUILD_REQUESTEDFOREMAIL": "jane@example.com", "BUILD_REQUESTEDFOR": "Jane",
			"SYSTEM_COLLECTIONURI": "https://dev.azure.com/example/",
			"SYSTEM_TEAMPROJECT":   "access", "BUILD_BUILDID": "12",
		}, Actor{
			Name: "jane@example.com",
			Kind: "ci",
			Run:  "https://dev.azure.com/example/access/_build/results?buildId=12",
		}},
		"Buildkite": {map[string]string{
			"CI":                      "true",
			"BUILDKITE":               "true",
			"BUILDKITE_BUILD_CREATOR": "Jane Doe",
			"BUILDKITE_BUILD_URL":     "https://buildkite.com/a/b/builds/3",
		},
			Actor{Name: "Jane Doe", Kind: "ci", Run: "https://buildkite.com/a/b/builds/3"}},
		"Terraform Cloud": {map[string]string{"TFC_RUN_ID": "run-abc", "TFC_WORKSPACE_SLUG": "example/partners"},
			Actor{Name: "example/partners", Kind: "ci", Run: "run-abc"}},
		"Atlantis": {map[string]string{
			"ATLANTIS_TERRAFORM_VERSION": "1.11.4",
			"USER_NAME":                  "jane",
			"PULL_AUTHOR":                "john",
			"PULL_URL":                   "https://github.com/a/b/pull/5",
		},
			Actor{Name: "jane", Kind: "ci", Run: "https://github.com/a/b/pull/5"}},
		"a forger": {map[string]string{
			"GITLAB_CI":         "1",
			"GITLAB_USER_LOGIN": "jane\n{\"seq\":9}\u202e\x00\x1b[31m",
			"CI_JOB_URL":        strings.Repeat("ü", 900),
		},
			Actor{Name: `jane {"seq":9} [31m`, Kind: "ci", Run: strings.Repeat("ü", 199) + "…"}},
	} {
		c.want.Host = host
		got := CurrentActor(func(variable string) (string, bool) { v, ok := c.env[variable]; return v, ok })
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", what, got, c.want)
		}
		if utf8.RuneCountInString(got.Run) > longest {
			t.Errorf("%s: %d characters", what, utf8.RuneCountInString(got.Run))
		}
	}
}

// An address of which a parser takes nothing is still an address: what is before the @ and after the ?
// is a login and a token.
func TestAddressesOfCILoseUserInfoAndQuery(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://ci.test/job/9/":                             "https://ci.test/job/9/",
		"https://jane:hunter2@ci.test/job/9/":                "https://ci.test/job/9/",
		"https://ci.test/job/9/?token=hunter2":               "https://ci.test/job/9/",
		"https://ci.test/job/9/#hunter2":                     "https://ci.test/job/9/",
		"https://jane:hunter2@ci.test/job/9?token=hunter2":   "https://ci.test/job/9",
		"https://ci.test/job/9?by=hunter2@example.com":       "https://ci.test/job/9",
		"https://jane:hunter%zz2@ci.test/job/9":              "https://ci.test/job/9", // no parser takes these
		"https://jane:hunter/2@ci.test/job/9":                "https://ci.test/job/9",
		"https://jane:hunter/2@ci.test/job/9?a=hunter2@b":    "https://ci.test/job/9",
		"https://jane:hunter?2@ci.test/job/9":                "https://ci.test/job/9",
		"https://jane:hunter#2@ci.test/job/9":                "https://ci.test/job/9",
		"https://jane:hunter@2@ci.test/job/9":                "https://ci.test/job/9",
		"https://hunter2@ci.test:70000000/job/9%":            "https://ci.test:70000000/job/9%",
		"https://ci.test:port/job/9?token=hunter2":           "https://ci.test:port/job/9",
		"https://jane:hunter2 @ci.test/job/9?token=hunter2%": "https://ci.test/job/9",
		"//jane:hunter2@ci.test/job/9":                       "//ci.test/job/9",
		"jane:hunter2@ci.test/job/9?token=hunter2":           "ci.test/job/9",
		"https://[::1%25hunter]:9/job?hunter2":               "https://[::1%25hunter]:9/job",
		"https://jane:hunter2/2?2@ci.test/job/9":             "https://ci.test/job/9",
		"https://jane:hunter2/2#2@ci.test/job/9":             "https://ci.test/job/9",
		"https://ci.test:8443/job/9?by=hunter2@example.com":  "https://ci.test:8443/job/9",
		"https://ci.test/job/9;jsessionid=hunter2":           "https://ci.test/job/9",
		"https://jane:12/34?x@ci.test":                       "",
		"https://hunter/2?x@ci.test/job/9":                   "",
		"https://localhost:8080/job/9?by=hunter2":            "https://localhost:8080/job/9",
		"https://jane:hunter2@":                              "",
		// which is longer than what is kept
		"https://" + strings.Repeat("hunter2", 99) + "@ci.test/job/9": "https://ci.test/job/9",
		"jenkins-access-9": "jenkins-access-9",
	} {
		a := CurrentActor(func(variable string) (string, bool) {
			v, ok := map[string]string{"JENKINS_URL": "https://ci.test/", "BUILD_URL": address}[variable]
			return v, ok
		})
		if a.Run != want {
			t.Errorf("%s: %q, want %q", address, a.Run, want)
		}
	}
	for _, address := range []string{"https://jane:hunter2@dev.azure.test/example/",
		"https://jane:hunt%er2@dev.azure.test/example/"} {
		a := CurrentActor(func(variable string) (string, bool) {
			v, ok := map[string]string{
				"TF_BUILD":             "True",
				"SYSTEM_COLLECTIONURI": address,
				"SYSTEM_TEAMPROJECT":   "access",
				"BUILD_BUILDID":        "12",
			}[variable]
			return v, ok
		})
		if want := "https://dev.azure.test/example/access/_build/results?buildId=12"; a.Run != want {
			t.Errorf("%s: %q, want %q", address, a.Run, want) // this query is ours, and says which run it was
		}
	}
}
