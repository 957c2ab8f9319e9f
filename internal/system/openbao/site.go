// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// site is what was found out about the server, once in a process.
type site struct {
	version release
	// cluster: others may answer, from a state that is a little old.
	cluster bool
	// auth and engines are what is mounted where: "partner-approle/" without auth/ before it.
	auth, engines map[string]mounted
	// children are the namespaces below ours: "team-a/". unlisted: this login may not see them.
	children []string
	unlisted bool
	// authorities are the serials of those in each other engine that signs certificates, by its path;
	// nil if nobody asked yet.
	authorities map[string][]string
	looked      time.Time // when it was asked for engines and what is in them, and for children
}

type mounted struct {
	Type        string            `json:"type"`
	Accessor    string            `json:"accessor"`
	Description string            `json:"description"`
	Options     map[string]string `json:"options"`
	External    string            `json:"running_sha256"` // of the plugin's program; "" for what OpenBao brings along
}

// mountDescription is what is written beside the mounts that this package makes.
const mountDescription = "Partner access"

// release is a version of OpenBao.
type release [3]int

// What OpenBao has to have. Before 2.6 no listing returns policies with their text, and the workflows are
// missing; paths of policies expire since 2.3, and CEL roles came in between. Only a part of what this package
// needs was there before.
var (
	oldest = release{2, 6, 0}
	// promptSecrets is the first version known to check the end of a secret id at login. Before, the tidy
	// removes it, each minute.
	promptSecrets = release{2, 7, 2}
)

func parseRelease(text string) (r release, err error) {
	core, _, _ := strings.Cut(strings.TrimPrefix(text, "v"), "-")
	core, _, _ = strings.Cut(core, "+")
	parts := strings.Split(core, ".")
	if len(parts) != len(r) {
		return r, fmt.Errorf("%q is not a version", text)
	}
	for i, p := range parts {
		if r[i], err = strconv.Atoi(p); err != nil {
			return r, fmt.Errorf("%q is not a version", text)
		}
	}
	return r, nil
}

func (r release) before(o release) bool {
	for i := range r {
		if r[i] != o[i] {
			return r[i] < o[i]
		}
	}
	return false
}

func (r release) String() string { return fmt.Sprintf("%d.%d.%d", r[0], r[1], r[2]) }
