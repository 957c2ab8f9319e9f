// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// site is what was found out about the server, once in a process. What is mounted is asked again when a grant is judged
// at an apply, or a mount was made (server.lookAround, server.lookAgain). server.probing guards all of it but version
// and cluster, which stay.
type site struct {
	version release
	// cluster: others may answer, from a state that is a little old.
	cluster bool
	// auth and engines are what is mounted where, by its path with a slash at the end, and without auth/ before it.
	auth, engines map[string]mounted
	// children are the namespaces directly below ours: "team-a/".
	children []string
	// unlisted: this login may not see them.
	unlisted bool
	// authorities are the serials of those in each other engine that signs certificates, by its path; nil if nobody
	// asked since engines were looked at.
	authorities map[string][]string
	// looked is when it was asked for engines and children, by this machine's clock.
	looked time.Time
}

// mounted is an engine or an auth method as OpenBao lists it (sys/mounts, sys/auth).
type mounted struct {
	Type        string            `json:"type"`
	Accessor    string            `json:"accessor"`
	Description string            `json:"description"`
	Options     map[string]string `json:"options"`
	// External is the digest of the plugin's program; "" for what OpenBao brings along.
	External string `json:"running_sha256"`
}

// mountDescription is what is written beside the mounts that this package makes, and by which another configuration
// knows them.
const mountDescription = "Partner access"

// release is a version of OpenBao: major, minor, patch. What follows a hyphen or a plus is left out.
type release [3]int

var (
	// oldest is the first that has all that this package needs. Paths of policies expire since 2.3 and CEL roles came
	// in between, but before 2.6 no listing returns policies with their text, and the workflows are missing.
	oldest = release{2, 6, 0}
	// promptSecrets is the first version known to check the end of a secret id at login. Before, the tidy removes it,
	// each minute.
	promptSecrets = release{2, 7, 2}
)

// parseRelease reads a version such as "2.7.2" or "v2.7.2-beta1+ent".
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

// before reports whether a version is older than another.
func (r release) before(o release) bool {
	for i := range r {
		if r[i] != o[i] {
			return r[i] < o[i]
		}
	}
	return false
}

func (r release) String() string { return fmt.Sprintf("%d.%d.%d", r[0], r[1], r[2]) }
