// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"syscall"
)

// unprivileged runs a root's program in a user namespace of its own, in which root is nobody special; other users are
// that already.
func unprivileged() *syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}},
	}
}
