//go:build unix && !linux

package provider_test

import "syscall"

func unprivileged() *syscall.SysProcAttr { return nil }
