// SPDX-License-Identifier: MPL-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"runtime"
	"slices"
	"strings"
)

// repository is where the source is.
const repository = "https://github.com/partner-access/terraform-provider-partner"

// origin is where a release comes from.
type origin struct{ commit, builder string }

// provenance returns a statement of in-toto, with SLSA's predicate: from which commit, by which builder, and how each
// archive was made. It is signed with the checksums. Beside it, the workflow has its own statement signed by Sigstore.
func provenance(version string, targets []string, from origin, files map[string][]byte) ([]byte, error) {
	var subjects []any
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(file, ".zip") {
			sum := sha256.Sum256(files[file])
			subjects = append(subjects, map[string]any{"name": file,
				"digest": map[string]string{"sha256": hex.EncodeToString(sum[:])}})
		}
	}
	text, err := json.MarshalIndent(map[string]any{
		"_type":         "https://in-toto.io/Statement/v1",
		"subject":       subjects,
		"predicateType": "https://slsa.dev/provenance/v1",
		"predicate": map[string]any{
			"buildDefinition": map[string]any{
				"buildType":          repository + "/tree/main/tools/release",
				"externalParameters": map[string]any{"version": version, "targets": targets},
				"internalParameters": map[string]any{"go": runtime.Version(),
					"command": append([]string{"go"}, command(version)...)},
				"resolvedDependencies": []any{map[string]any{
					"uri": "git+" + repository, "digest": map[string]string{"gitCommit": from.commit},
				}},
			},
			"runDetails": map[string]any{"builder": map[string]any{"id": from.builder}},
		},
	}, "", "  ")
	return append(text, '\n'), err
}
