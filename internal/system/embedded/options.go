// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Options are what a System may be told. The zero value is good.
type Options struct {
	// Clock tells the time. Default: the clock of this machine.
	Clock access.Clock
	// Passphrase encrypts the keys at rest. Without one they lie there in the clear, readable by their owner only.
	Passphrase string
	// LockWait is how long a change waits for another process. Default: 30 s.
	LockWait time.Duration
	// PublicationLife is how long a publication is good for: the nextUpdate of the revocation list and the valid_until
	// of the policy data. Default: 180 days. It is a dead man's switch, and so a choice: when it has passed, gateways
	// refuse everybody, since nothing tells them apart from gateways that are fed an old copy. Every change and, in
	// the second half of its life, every plan publishes anew. A shorter life bounds how long a stale copy grants what
	// was revoked; a longer one lets Terraform rest for longer. What has an end ends on time either way.
	PublicationLife time.Duration
	// UseLogs are patterns of the files in which gateways log whom they let in: see use.go. None: nobody knows.
	UseLogs []string
	// SSHDZone is the zone that gateways' sshd runs in, where one is older than OpenSSH 9.1. Default: all read UTC.
	SSHDZone *time.Location
	// Environment is the environment that the directory is for.
	Environment string
	// Remembered is the newest generation that the journal tells of; nil: there is none.
	Remembered func(system string) int64
	// Accept is the number of an older generation that was put back on purpose; zero: none was.
	Accept int64
	// Command is what this process calls itself to another that waits for its lock. Default:
	// terraform-provider-partner.
	Command string
}
