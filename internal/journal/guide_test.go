// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// checks are the commands of the guide that check a journal, in its words.
func checks(t *testing.T) (commands []string) {
	t.Helper()
	guide := string(contentOf(t, filepath.Join("..", "..", "templates", "guides", "journal.md.tmpl")))
	for _, rest := range strings.Split(guide, "```shell\n")[1:] {
		if command, _, _ := strings.Cut(rest, "```"); strings.Contains(command, "&& echo whole") {
			commands = append(commands, command)
		}
	}
	if len(commands) != 2 {
		t.Fatalf("the guide has %d commands that check a journal", len(commands))
	}
	return commands
}

// The guide says that nobody needs this provider to check a journal. Its commands have to say what Verify says.
func TestTheGuidesCommandsCheckAJournal(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts some forty programs")
	}
	t.Parallel()
	for _, program := range []string{"python3", "sh", "sha256sum"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	var written []Line
	for _, id := range []string{"one", `two "quoted" \\ and "hash":"x"`, "three <&> ü\u2028", "four"} {
		written = append(written, Line{ID: id, Error: id})
	}
	lines, head := chained(t, written)
	change := func(at int) []byte {
		return bytes.Replace(slices.Concat(lines...), lines[at][20:40], bytes.ToUpper(lines[at][20:40]), 1)
	}
	for what, journal := range map[string][]byte{
		"whole": slices.Concat(lines...), "first changed": change(0), "last changed": change(3),
		"dropped":       slices.Concat(lines[0], lines[2], lines[3]),
		"first dropped": slices.Concat(lines[1:]...), "swapped": slices.Concat(lines[0], lines[2], lines[1], lines[3]),
		"cut off": slices.Concat(lines[:3]...),
		"torn":    slices.Concat(lines...)[:len(slices.Concat(lines...))-30],
		"doubled": slices.Concat(lines[0], lines[0], lines[1], lines[2], lines[3]),
		"more":    append(slices.Concat(lines...), "hello\n"...), "nothing": nil,
	} {
		folder := t.TempDir()
		put(t, filepath.Join(folder, "journal.jsonl"), journal)
		put(t, filepath.Join(folder, "journal.jsonl.head"), []byte(head.String()))
		v := verify(t, journal, &head)
		if (v.Problem == "") != (what == "whole") {
			t.Errorf("%s: verify says %q", what, v.Problem)
		}
		for _, command := range checks(t) {
			cmd := exec.Command("sh", "-c", command)
			cmd.Dir = folder
			out, err := cmd.Output()
			if whole := err == nil && string(out) == "whole\n"; whole != (v.Problem == "") {
				t.Errorf("%s: verify says %q, and the guide's command %q, %v:\n%s", what, v.Problem, out, err, command)
			}
		}
	}
}

// schema is what the published schema says of an object.
type schema struct {
	Required   []string
	Properties map[string]*schema
	Enum       []string
	MaxLength  int
	Defs       map[string]*schema `json:"$defs"`
	Additional any                `json:"additionalProperties"`
}

func TestThePublishedSchemaIsThatOfALine(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../schemas/journal-line.v2.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	sameFields(t, "line", &s, reflect.TypeFor[Line]())
	sameFields(t, "actor", s.Properties["actor"], reflect.TypeFor[Actor]())
	sameFields(t, "review", s.Properties["review"], reflect.TypeFor[Review]())
	given := s.Defs["given"]
	sameFields(t, "given", given, reflect.TypeFor[Given]())
	sameFields(t, "trust", given.Properties["trust"], reflect.TypeFor[Trust]())
	sameFields(t, "agreement", given.Properties["agreement"], reflect.TypeFor[Agreement]())
	sameFields(t, "rotation", given.Properties["rotation"], reflect.TypeFor[Rotation]())
	if got, want := s.Properties["verb"].Enum,
		[]Verb{Create, Change, Renew, Rotate, Suspend, Resume, Revoke, Token, Rehearse, Cut, Tamper}; !slices.Equal(got,
		texts(want)) {
		t.Errorf("verbs: %v, want %v", got, want)
	}
	if got, want := s.Properties["phase"].Enum, []Phase{Intent, Done, Failed, Found}; !slices.Equal(got, texts(want)) {
		t.Errorf("phases: %v, want %v", got, want)
	}
	if s.Properties["error"].MaxLength != longestError || s.Properties["actor"].Properties["run"].MaxLength != longest {
		t.Error("it bounds other lengths than the journal keeps")
	}
}

func texts[T ~string](all []T) (out []string) {
	for _, v := range all {
		out = append(out, string(v))
	}
	return out
}

// sameFields claims that the schema has the fields of a type and no other, and requires those that are always written.
func sameFields(t *testing.T, what string, s *schema, of reflect.Type) {
	t.Helper()
	var required []string
	for i := range of.NumField() {
		name, options, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if s.Properties[name] == nil {
			t.Errorf("%s: the schema has no %s", what, name)
		}
		if options == "" {
			required = append(required, name)
		}
	}
	if len(s.Properties) != of.NumField() {
		t.Errorf("%s: the schema has %d fields, the type %d", what, len(s.Properties), of.NumField())
	}
	if !slices.Equal(s.Required, required) || s.Additional != false {
		t.Errorf("%s: required are %v, want %v", what, s.Required, required)
	}
}
