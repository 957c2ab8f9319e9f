// SPDX-License-Identifier: MPL-2.0

// Command shape prints how the house stands in numbers: files and functions, decisions, comments, circles of files. It
// reads the code that is shipped, without tests. The numbers are aims to talk about, and no gate.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// complex is the complexity from which on a function is counted as hard to read.
const complex = 10

// function is one that has a body.
type function struct {
	name              string
	lines, complexity int
}

// house is what was measured of all packages.
type house struct {
	fset      *token.FileSet
	files     []int // lines of each file
	comments  int   // lines of comments
	functions []function
}

func main() {
	packages := map[string][]string{}
	err := filepath.WalkDir("internal", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], path)
		}
		return err
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "shape:", err)
		os.Exit(1)
	}
	h := house{fset: token.NewFileSet()}
	fmt.Printf("%-34s %6s %8s %8s\n", "package", "files", "circle", "methods")
	for _, folder := range slices.Sorted(maps.Keys(packages)) {
		parsed := h.read(packages[folder])
		methods, of := most(parsed)
		fmt.Printf("%-34s %6d %8d %8d of %s\n", folder, len(parsed), circle(h.fset, parsed), methods, of)
	}
	h.report()
}

// read parses the files of a package, and counts what is in them.
func (h *house) read(paths []string) (parsed []*ast.File) {
	for _, path := range paths {
		f, err := parser.ParseFile(h.fset, path, nil, parser.ParseComments)
		if err != nil {
			fmt.Fprintln(os.Stderr, "shape:", err)
			os.Exit(1)
		}
		parsed = append(parsed, f)
		h.files = append(h.files, h.lines(f.FileStart, f.FileEnd))
		for _, c := range f.Comments {
			h.comments += h.lines(c.Pos(), c.End())
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				h.functions = append(h.functions, function{
					name: h.fset.Position(fn.Pos()).String() + " " + fn.Name.Name, lines: h.lines(fn.Pos(), fn.End()),
					complexity: decisions(fn) + 1,
				})
			}
		}
	}
	return parsed
}

func (h *house) lines(from, to token.Pos) int {
	return h.fset.Position(to).Line - h.fset.Position(from).Line + 1
}

// decisions counts where a function goes one way or another: cyclomatic complexity less one.
func decisions(fn *ast.FuncDecl) (n int) {
	ast.Inspect(fn.Body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			if node.List != nil {
				n++
			}
		case *ast.CommClause:
			if node.Comm != nil {
				n++
			}
		case *ast.BinaryExpr:
			if node.Op == token.LAND || node.Op == token.LOR {
				n++
			}
		}
		return true
	})
	return n
}

// most returns the type of a package that has most methods.
func most(files []*ast.File) (n int, name string) {
	methods := map[string]int{}
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
				of := strings.TrimLeft(types.ExprString(fn.Recv.List[0].Type), "*")
				if methods[of]++; methods[of] > n {
					n, name = methods[of], of
				}
			}
		}
	}
	return n, name
}

// circle returns how many files of a package are in the largest circle: each of them uses, directly or not, what
// every other one defines.
func circle(fset *token.FileSet, files []*ast.File) int {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Error: func(error) {}, Importer: nobody{}, FakeImportC: true}
	pkg, _ := conf.Check("p", fset, files, info) // what other packages define is not known, and does not matter here
	uses := map[string]map[string]bool{}
	for ident, object := range info.Uses {
		if object.Pkg() != pkg || !object.Pos().IsValid() {
			continue
		}
		from := fset.Position(ident.Pos()).Filename
		to := fset.Position(object.Pos()).Filename
		if uses[from] == nil {
			uses[from] = map[string]bool{}
		}
		uses[from][to] = true
	}
	reach := map[string]map[string]bool{}
	for from := range uses {
		reach[from] = map[string]bool{}
		visit(uses, from, reach[from])
	}
	largest := 1
	for from := range reach {
		n := 1
		for to := range reach[from] {
			if to != from && reach[to][from] {
				n++
			}
		}
		largest = max(largest, n)
	}
	return largest
}

func visit(uses map[string]map[string]bool, from string, seen map[string]bool) {
	for to := range uses[from] {
		if !seen[to] {
			seen[to] = true
			visit(uses, to, seen)
		}
	}
}

// nobody imports nothing.
type nobody struct{}

func (nobody) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, filepath.Base(path))
	p.MarkComplete()
	return p, nil
}

// report prints the numbers of the whole house.
func (h *house) report() {
	var lengths, total, decided, hard int
	all := make([]int, 0, len(h.functions))
	for _, f := range h.functions {
		lengths, decided = lengths+f.lines, decided+f.complexity
		all = append(all, f.lines)
		if f.complexity > complex {
			hard++
		}
	}
	for _, n := range h.files {
		total += n
	}
	fmt.Println()
	fmt.Printf("%d files       lines: %s\n", len(h.files), spread(h.files))
	fmt.Printf("%d functions  lines: %s\n", len(h.functions), spread(all))
	fmt.Printf("decisions per 100 lines of functions: %.1f\n", 100*float64(decided)/float64(lengths))
	fmt.Printf("functions over complexity %d: %d, %.1f %%\n", complex, hard,
		100*float64(hard)/float64(len(h.functions)))
	fmt.Printf("comments: %.1f %% of %d lines\n", 100*float64(h.comments)/float64(total), total)
	fmt.Println("hardest:")
	slices.SortFunc(h.functions, func(a, b function) int { return b.complexity - a.complexity })
	for _, f := range h.functions[:min(10, len(h.functions))] {
		fmt.Printf("  %3d  %3d lines  %s\n", f.complexity, f.lines, f.name)
	}
}

// spread returns the median, the ninetieth of a hundred, and the most.
func spread(numbers []int) string {
	slices.Sort(numbers)
	return fmt.Sprintf("median %d, p90 %d, max %d", numbers[len(numbers)/2], numbers[len(numbers)*9/10],
		numbers[len(numbers)-1])
}
