// SPDX-License-Identifier: MPL-2.0

package realtool

import (
	"os"
	"syscall"
)

// A root's sshd would demand a user and a folder of the machine, so it runs in a user namespace of its own in which
// root is nobody special.
const notRoot = 1000

// sshdID returns the user and group id that sshd sees itself as.
func sshdID() int {
	if os.Getuid() == 0 {
		return notRoot
	}
	return os.Getuid()
}

// unprivileged returns how to start a process that is not root, for programs that behave otherwise as root. A user
// namespace needs no other user on the machine. It is nil for who is not root anyway.
func unprivileged() *syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: notRoot, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: notRoot, HostID: 0, Size: 1}},
	}
}
