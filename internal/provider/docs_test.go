// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// codeBlock is a block of code as it is published.
type codeBlock struct {
	page, language, text string
}

var fenced = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```")

// publishedBlocks are those of the README and of all pages of the docs.
func publishedBlocks(t *testing.T) (all []codeBlock) {
	t.Helper()
	pages := []string{"README.md", "CONTRIBUTING.md"}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(file string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(file, ".md") {
			file, err = filepath.Rel(root, file)
			pages = append(pages, filepath.ToSlash(file))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range fenced.FindAllStringSubmatch(string(text), -1) {
			all = append(all, codeBlock{page, found[1], found[2]})
		}
	}
	return all
}

// runBy says which test runs or applies a block that is no file of examples/, by its page and how it begins.
var runBy = map[string]map[string]string{
	"README.md": {
		`provider "partner" {`:         "TestTheReadmeIsRun",
		"make demo":                    "TestTheReadmeIsRun",
		"make test-fast":               "TestTheReadmeIsRun",
		"Error: scope/wildcard-action": "TestTheReadmeIsRun",
		"make build":                   "TestGettingStartedIsRun",
		"# dev.tfrc":                   "TestGettingStartedIsRun",
		"export TF_CLI_CONFIG_FILE":    "TestGettingStartedIsRun",
	},
	"docs/guides/getting-started.md": {
		"openssl req":                       "TestGettingStartedIsRun",
		"terraform {":                       "TestGettingStartedIsRun",
		"terraform plan":                    "TestGettingStartedIsRun",
		"Error: scope/wildcard-action":      "TestGettingStartedIsRun",
		"guardrails = {":                    "TestGettingStartedIsRun",
		"terraform apply":                   "TestGettingStartedIsRun",
		"Apply complete!":                   "TestGettingStartedIsRun",
		"terraform output -raw sealed_key":  "TestGettingStartedIsRun",
		"terraform output -raw certificate": "TestGettingStartedIsRun",
		"etl.pem: OK":                       "TestGettingStartedIsRun",
		`printf '{"credential"`:             "TestGettingStartedIsRun",
		`"value": true`:                     "TestGettingStartedIsRun",
		"terraform destroy":                 "TestGettingStartedIsRun",
		"Destroy complete!":                 "TestGettingStartedIsRun",
	},
	"docs/guides/embedded.md": {
		"provider \"partner\" {\n  environment = \"prod\"\n  embedded    = { directory": "TestFragmentsOfTheGuidesAreTaken",
		"provider \"partner\" {\n  environment = \"prod\"\n  embedded    = { sshd_time": "TestFragmentsOfTheGuidesAreTaken",
		"embedded = { use_logs":           "TestFragmentsOfTheGuidesAreTaken",
		"embedded = { publication_life":   "TestFragmentsOfTheGuidesAreTaken",
		`{"time": "2027-01-01T03:00:00Z"`: "TestFragmentsOfTheGuidesAreTaken",
		"sh .partner/prod/publish/cut.sh": "TestGettingStartedIsRun",
	},
	"docs/guides/guardrails.md": {
		`provider "partner" {`:                   "TestFragmentsOfTheGuidesAreTaken",
		"Error: expiry/outlives-agreement":       "TestFragmentsOfTheGuidesAreTaken",
		"terraform destroy -refresh=false":       "TestGettingStartedIsRun",
		`resource "partner_identity" "migration`: "TestFragmentsOfTheGuidesAreTaken",
	},
	"docs/guides/inventory.md": {
		"import {":                       "TestTheBlocksAboutOpenBaoAreApplied",
		`output "import_blocks" {`:       "TestFragmentsOfTheGuidesAreTaken",
		`path "auth/token/accessors/" {`: "TestLiveSessionsAreCountedWhereTheLoginMay",
	},
	"docs/guides/journal-line-v1.md": {"{": "TestFragmentsOfTheGuidesAreTaken"},
	"docs/guides/journal-line-v2.md": {"{": "TestThePublishedSchemaIsThatOfALine"},
	"docs/guides/journal.md": {
		`provider "partner" {`: "TestFragmentsOfTheGuidesAreTaken",
		`{"schema":2`:          "TestFragmentsOfTheGuidesAreTaken",
		"jq -r 'select(.phase": "TestGettingStartedIsRun",
		"jq -r 'select((.id":   "TestGettingStartedIsRun",
		"python3 -c":           "TestTheGuidesCommandsCheckAJournal",
		"p=; n=0;":             "TestTheGuidesCommandsCheckAJournal",
		"mkdir evidence":       "TestGettingStartedIsRun",
	},
	"docs/guides/lifecycle.md": {
		`resource "partner_grant" "daily" {`: "TestFragmentsOfTheGuidesAreTaken",
		"rotation = { every":                 "TestFragmentsOfTheGuidesAreTaken",
		"revoke_issued_before":               "TestFragmentsOfTheGuidesAreTaken",
		"terraform import":                   "TestGettingStartedIsRun",
		"terraform destroy":                  "TestGettingStartedIsRun",
	},
	"docs/guides/openbao.md": {
		`provider "partner" {`:                "TestTheBlocksAboutOpenBaoAreApplied",
		`resource "partner_grant" "values" {`: "TestTheBlocksAboutOpenBaoAreApplied",
	},
	"CONTRIBUTING.md": {
		"make test-fast":            "TestFragmentsOfTheGuidesAreTaken",
		"make bench":                "TestFragmentsOfTheGuidesAreTaken",
		"go test ./internal/system": "TestFragmentsOfTheGuidesAreTaken",
		"PARTNER_VAULT_PROVIDER=":   "TestFragmentsOfTheGuidesAreTaken",
	},
	"docs/guides/policies.md": {
		"terraform plan -out=plan": "TestThePoliciesJudgeAPlanOfAPipeline",
		"{":                        "TestThePoliciesJudgeAPlanOfAPipeline",
	},
	"docs/guides/choosing-a-system.md": {`provider "partner" {`: "TestTheTasksAreRunInOrder"},
	"docs/guides/hardening.md":         {`provider "partner" {`: "TestTheTasksAreRunInOrder"},
	"docs/guides/upgrades.md":          {"terraform version": "TestTheTasksAreRunInOrder"},
	"docs/guides/task-onboard.md": {
		"openssl req":                       "TestTheTasksAreRunInOrder",
		"terraform apply":                   "TestTheTasksAreRunInOrder",
		"Apply complete!":                   "TestTheTasksAreRunInOrder",
		"terraform output -raw certificate": "TestTheTasksAreRunInOrder",
		"etl.pem: OK":                       "TestTheTasksAreRunInOrder",
	},
	"docs/guides/task-subcontractor.md": {
		"subcontractors = {":            "TestTheTasksAreRunInOrder",
		"Error: delegation/not-allowed": "TestTheTasksAreRunInOrder",
		"Apply complete!":               "TestTheTasksAreRunInOrder",
	},
	"docs/guides/task-renew.md": {
		"review = {":             "TestTheTasksAreRunInOrder",
		"Error: expiry/rolling:": "TestTheTasksAreRunInOrder",
		"Apply complete!":        "TestTheTasksAreRunInOrder",
	},
	"docs/guides/task-adopt.md":  {"Apply complete!": "TestTwoHundredAreAdoptedInOneApply"},
	"docs/guides/performance.md": {"GOGC=400": "TestTheTasksAreRunInOrder"},
	"docs/guides/list.md":        {"import {": "TestTheExampleOfAQueryIsAnswered"},
	"docs/guides/task-floor.md": {
		"guardrails = { max_lifetime":         "TestAFloorThatNoConfigurationLowers",
		"Error: The provider's configuration": "TestAFloorThatNoConfigurationLowers",
	},
	"docs/guides/task-review.md": {
		"ssh-keygen -Y sign":       "TestAWorksheetIsSignedAsAWhole",
		"reviews/jane.csv, row 2,": "TestDecisionsNameEveryMistakeAtOnce",
	},
	"docs/guides/task-suspend.md": {
		"suspended = true":    "TestTheTasksAreRunInOrder",
		"Apply complete!":     "TestTheTasksAreRunInOrder",
		"certificate revoked": "TestTheTasksAreRunInOrder",
	},
	"docs/guides/task-stolen-key.md": {
		"openssl req":            "TestTheTasksAreRunInOrder",
		"certificate = {":        "TestTheTasksAreRunInOrder",
		"terraform apply":        "TestTheTasksAreRunInOrder",
		"Warning: The partner's": "TestTheTasksAreRunInOrder",
	},
	"docs/guides/task-lost-state.md": {
		"rm -f terraform.tfstate": "TestTheTasksAreRunInOrder",
		"Warning: This adopts":    "TestTheTasksAreRunInOrder",
	},
	"docs/guides/task-incident.md": {
		"sh .partner/prod/publish/cut.sh": "TestTheTasksAreRunInOrder",
		"acme is cut":                     "TestTheTasksAreRunInOrder",
		"Warning: incident/reopened":      "TestTheTasksAreRunInOrder",
		"hold_released = ":                "TestTheTasksAreRunInOrder",
	},
	"docs/guides/task-offboard.md": {
		"rm globex.tf":      "TestTheTasksAreRunInOrder",
		"Apply complete!":   "TestTheTasksAreRunInOrder",
		"terraform destroy": "TestTheTasksAreRunInOrder",
		"Destroy complete!": "TestTheTasksAreRunInOrder",
	},
	"docs/guides/rotation.md": {
		"rotation = {":         "TestFragmentsOfTheGuidesAreTaken",
		"revoke_issued_before": "TestFragmentsOfTheGuidesAreTaken",
	},
}

// exampleBy says which test runs or applies the files of a folder of examples/. The innermost folder counts.
var exampleBy = map[string]string{
	"refused":             "TestEveryRuleRefusesItsExample",
	"accepted":            "TestLegitimateAccessIsAccepted",
	"adoption":            "TestTwoHundredAreAdoptedInOneApply",
	"data-sources":        "TestTheReferencesExamplesAreApplied",
	"ephemeral-resources": "TestTheReferencesExamplesAreApplied",
	"functions":           "TestTheReferencesExamplesAreApplied",
	"resources":           "TestTheReferencesExamplesAreApplied",
	"provider":            "TestTheReferencesExamplesAreApplied",
	"list-resources":      "TestTheExampleOfAQueryIsAnswered",
	"nightly":             "TestTheNightlyJobSaysWhatIsNeglected",
	"gateways/nginx":      "TestTheNginxExampleAdmitsWhatIsGrantedAndLogsIt",
	"gateways/sshd":       "TestTheSSHDExampleAdmitsWhatIsGrantedAndTransfersFiles",
	"gateways/opa":        "TestTheOPAExampleLogsDecisionsAndNoKey",
	"gateways/haproxy":    "TestTheHAProxyExampleAdmitsUntilTheEndOrTheCut",
	"gateways/envoy":      "TestTheEnvoyExampleAdmitsUntilTheCut",
	"aws":                 "TestACompanyWithThreePartnersOnAWS",
	"openbao":             "TestACompanyWithThreePartnersOnOpenBao",
	"openbao-balancer":    "TestABalancerThatEndsTLSLetsInWhatTheGuideSays",
	"partner-module":      "TestAllPartnersOfACompanyLiveInOneSystem",
	"signed":              "TestAWorksheetIsSignedAsAWhole",
	"tasks":               "TestTheTasksAreRunInOrder",
	"tested-module":       "TestTheExampleOfATestedModuleIsRun",
	"policy":              "TestPoliciesGiveTheGuardrailsVerdict",
}

// Published examples were broken, since nobody ran them. Each fenced block of each page is run, applied or compared
// with what is by a test that runBy names, or only validated where it needs a server that is not here; what is new on
// a page is missed here.
func TestEveryPublishedBlockIsRun(t *testing.T) {
	examples, tests := exampleFiles(t), testNames(t)
	used := map[string]bool{}
	for _, b := range publishedBlocks(t) {
		var by string
		switch file, isFile := examples[strings.TrimSpace(b.text)]; {
		case isFile:
			by = runnerOf(file)
		case strings.HasPrefix(b.page, "docs/guides/guardrails-"): // waivers, and what is said
			by = "TestEveryRuleRefusesItsExample"
			if strings.HasPrefix(b.text, "provider") {
				by = "TestTheLevelsOnTheRulesPagesAreTheDefaults"
			}
		case strings.HasPrefix(b.page, "docs/functions/") && b.language == "text": // a signature, of the generator
			by = "TestTheReferencesExamplesAreApplied"
		default:
			begins := claimOf(b)
			by = runBy[b.page][begins]
			used[b.page+begins] = true
		}
		if by == "" {
			t.Errorf("%s: no test runs the block that begins\n%s", b.page, firstLines(b.text))
		} else if !tests[by] {
			t.Errorf("%s: there is no test %s, which should run the block that begins\n%s", b.page, by,
				firstLines(b.text))
		}
	}
	for page, claims := range runBy {
		for begins := range claims {
			if !used[page+begins] {
				t.Errorf("%s has no block that begins %q", page, begins)
			}
		}
	}
}

// runnerOf is the test that runs a file of examples/.
func runnerOf(file string) string {
	for folder := file; folder != "."; folder = filepath.Dir(folder) {
		if by := exampleBy[folder]; by != "" {
			return by
		}
	}
	return ""
}

// claimOf is how runBy calls a block: the longest beginning that it has.
func claimOf(b codeBlock) string {
	found := ""
	for begins := range runBy[b.page] {
		if strings.HasPrefix(b.text, begins) && len(begins) > len(found) {
			found = begins
		}
	}
	return found
}

func firstLines(text string) string {
	lines := strings.SplitAfterN(text, "\n", 4)
	return strings.Join(lines[:min(3, len(lines))], "")
}

// blocksOf are the blocks of a page that a test runs.
func blocksOf(t *testing.T, name string) func(begins string) string {
	t.Helper()
	all := publishedBlocks(t)
	return func(begins string) string {
		t.Helper()
		at := slices.IndexFunc(all, func(b codeBlock) bool {
			return b.page == name && strings.HasPrefix(b.text, begins)
		})
		if at < 0 {
			t.Fatalf("%s has no block that begins %q", name, begins)
		}
		if by, want := runBy[name][claimOf(all[at])], strings.Split(t.Name(), "/")[0]; by != want {
			t.Fatalf("%s: the block %q is listed as run by %s", name, begins, cmp.Or(by, "nobody"))
		}
		return all[at].text
	}
}

// exampleFiles are the names of the files of examples/, below it, by their texts.
func exampleFiles(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..", "examples")
	files := map[string]string{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		files[strings.TrimSpace(string(text))] = filepath.ToSlash(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range slices.Sorted(maps.Keys(exampleBy)) {
		if _, err := os.Stat(filepath.Join(root, folder)); err != nil {
			t.Error(err)
		}
	}
	for _, name := range files {
		if runnerOf(name) == "" {
			t.Errorf("no test runs examples/%s", name)
		}
	}
	return files
}

var aTest = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// testNames are all tests of the provider's packages.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir("..", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		for _, found := range aTest.FindAllStringSubmatch(string(text), -1) {
			names[found[1]] = true
		}
		return err
	})
	if err != nil || len(names) < 100 {
		t.Fatal(fmt.Errorf("%d tests: %w", len(names), err))
	}
	return names
}
