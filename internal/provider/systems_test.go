// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A third system must touch its folder, one line and one block. So nothing else in this package imports a system, or
// prints a command that only one of them understands: such words come from the system itself.
func TestOnlyItsOwnFilesKnowASystem(t *testing.T) {
	own := []string{"provider_aws.go", "provider_embedded.go", "provider_openbao.go", "openbao_connect.go"}
	command := regexp.MustCompile(`\b(bao|vault) (delete|read|write|list|login|kv|token|lease)\b|\baws (iam|s3|sts) `)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range files {
		if name := f.Name(); !strings.HasSuffix(name, ".go") ||
			strings.HasSuffix(name, "_test.go") ||
			slices.Contains(own, name) {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		ast.Inspect(tree, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
				if strings.Contains(text.Value, "internal/system/") || command.MatchString(text.Value) {
					t.Errorf("%s knows a system: %s", f.Name(), text.Value)
				}
			}
			return true
		})
	}
	if seen < 30 {
		t.Errorf("only %d files were read", seen)
	}
}
