// SPDX-License-Identifier: MPL-2.0

//go:build unix && !linux

package provider_test

import "syscall"

func unprivileged() *syscall.SysProcAttr { return nil }
