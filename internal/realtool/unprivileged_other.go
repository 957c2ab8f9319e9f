// SPDX-License-Identifier: MPL-2.0

//go:build unix && !linux

package realtool

import (
	"os"
	"syscall"
)

func sshdID() int { return os.Getuid() }

func unprivileged() *syscall.SysProcAttr { return nil }
