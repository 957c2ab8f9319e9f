// SPDX-License-Identifier: MPL-2.0

package access

import (
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A glossary is only of use while each of its words is where it says: a renamed type would leave a reader searching.
func TestEachWordOfTheGlossaryHasItsPlace(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?s)^([a-z ]+): .+ \(([a-z/]+) ([A-Za-z.]+)\)$`)
	words := map[string]bool{}
	declared := map[string]map[string]bool{}
	var p comment.Parser
	for _, block := range p.Parse(file.Doc.Text()).Content {
		list, ok := block.(*comment.List)
		if !ok {
			continue
		}
		for _, item := range list.Items {
			text := plainText(item)
			m := line.FindStringSubmatch(text)
			if m == nil {
				t.Errorf("not WORD: MEANING (PACKAGE PLACE): %q", text)
				continue
			}
			word, dir, place := m[1], m[2], m[3]
			if words[word] {
				t.Errorf("%s has two meanings", word)
			}
			words[word] = true
			if declared[dir] == nil {
				declared[dir] = declarations(t, dir)
			}
			if !declared[dir][place] {
				t.Errorf("%s: %s has no %s", word, dir, place)
			}
		}
	}
	if len(words) < 30 {
		t.Errorf("it has %d words", len(words))
	}
}

func plainText(item *comment.ListItem) string {
	var text strings.Builder
	for _, block := range item.Content {
		if paragraph, ok := block.(*comment.Paragraph); ok {
			for _, part := range paragraph.Text {
				if plain, ok := part.(comment.Plain); ok {
					text.WriteString(string(plain))
				}
			}
		}
	}
	return strings.ReplaceAll(text.String(), "\n", " ")
}

// declarations are the types and functions of a package, methods as TYPE.METHOD.
func declarations(t *testing.T, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, root := range []string{"..", "../system"} {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					found[receiver(d)+d.Name.Name] = true
				case *ast.GenDecl:
					for _, s := range d.Specs {
						if s, ok := s.(*ast.TypeSpec); ok {
							found[s.Name.Name] = true
						}
					}
				}
			}
		}
	}
	return found
}

func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	switch g := of.(type) {
	case *ast.IndexExpr:
		of = g.X
	case *ast.IndexListExpr:
		of = g.X
	}
	return of.(*ast.Ident).Name + "."
}
