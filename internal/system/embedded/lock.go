// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/gofrs/flock"

	"github.com/partner-access/terraform-provider-partner/internal/durable"
)

// lock lets one process at a time change the directory. The kernel frees it when its holder dies, however it dies.
type lock struct {
	paths   paths
	command string
	file    *flock.Flock
}

// holder is who has the lock, for those who wait for it.
type holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// newLock returns the lock on a directory, not taken. command is what others are told who has it.
func newLock(p paths, command string) *lock {
	return &lock{paths: p, command: command, file: flock.New(p.lockFile(), flock.SetPermissions(privateFile))}
}

// try takes the lock where it is free, and leaves word who has it.
func (l *lock) try(now time.Time) (taken bool, err error) {
	taken, err = l.file.TryLock()
	if err != nil || !taken {
		return false, fail(err, nothingChanged)
	}
	host, _ := os.Hostname()
	text, err := json.Marshal(holder{
		PID:     os.Getpid(),
		Host:    host,
		Command: l.command,
		Since:   now.Truncate(time.Second),
	})
	if err == nil {
		// A courtesy: a full disk that does not take it decides nothing.
		_ = os.WriteFile(l.paths.holderFile(), text, privateFile)
	}
	return true, nil
}

// release frees the lock. Word of who had it goes first, so that none is of a holder who comes next.
func (l *lock) release() error {
	// word of a holder who has gone misleads nobody: it is read only while the lock is taken
	_ = os.Remove(l.paths.holderFile())
	return l.file.Unlock()
}

// busy returns the error of one who waited in vain.
func (l *lock) busy(waited time.Duration) error {
	return fail(fmt.Errorf("after %s the ledger in %s is still locked by %s", waited, l.paths.ledger(), l.heldBy()),
		nothingChanged)
}

// heldBy says who has the lock, as far as that one left word.
func (l *lock) heldBy() string {
	var h holder
	text, err := durable.ReadFile(l.paths.holderFile())
	if err != nil || json.Unmarshal(text, &h) != nil {
		return "an unknown process"
	}
	return h.Command + " (process " + strconv.Itoa(h.PID) + " on " + h.Host + ") since " + h.Since.Format(time.RFC3339)
}
