// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A room is how many calls Terraform makes at once, to all providers together: -parallelism, or 10
// (https://developer.hashicorp.com/terraform/cli/commands/apply). A call that waits for another one takes one place: if
// all places wait, nothing comes that any of them waits for.
//
// Terraform does not tell a provider its room. On Linux, the command line of the parent process does.

// usualRoom is the room if nobody says otherwise.
const usualRoom = 10

// roomHere returns how many calls at once the Terraform makes that started this process; 0 if that cannot be told:
// there is no /proc, or a debugger started it.
func roomHere() int {
	parent, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(os.Getppid()), "cmdline"))
	if err != nil {
		return 0
	}
	return roomOf(strings.Split(strings.TrimSuffix(string(parent), "\x00"), "\x00"), os.Environ())
}

// roomOf returns the room that a command line of Terraform's leaves; 0 if it is another program's. An argument counts
// before the variables that Terraform adds to it, TF_CLI_ARGS and one for each command, such as TF_CLI_ARGS_apply. The
// command is not looked at, so of these the smallest counts.
func roomOf(command, environment []string) int {
	if program := filepath.Base(command[0]); !strings.Contains(program, "terraform") &&
		!strings.Contains(program, "tofu") {
		return 0
	}
	if n, said := parallelism(command); said {
		return n
	}
	room := usualRoom
	for _, variable := range environment {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "TF_CLI_ARGS") {
			if n, said := parallelism(strings.Fields(strings.NewReplacer(`"`, "", `'`, "").Replace(value))); said {
				room = min(room, n)
			}
		}
	}
	return room
}

// parallelism returns what the last of some arguments says that sets it.
func parallelism(args []string) (n int, said bool) {
	for i, arg := range args {
		value, ok := strings.CutPrefix("-"+strings.TrimLeft(arg, "-"), "-parallelism")
		if !ok {
			continue
		}
		if value, ok = strings.CutPrefix(value, "="); !ok && i+1 < len(args) {
			value = args[i+1]
		}
		if told, err := strconv.Atoi(value); err == nil && told > 0 {
			n, said = told, true
		}
	}
	return n, said
}
