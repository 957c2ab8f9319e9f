// SPDX-License-Identifier: MPL-2.0

//go:build unix

package journal

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// marksOf returns what the kernel says of a file, and changes with every write.
func marksOf(f *os.File) (string, error) {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return "", err
	}
	return fmt.Sprint(s.Dev, " ", s.Ino, " ", s.Size, " ", s.Mtim.Nano(), " ", s.Ctim.Nano()), nil
}
