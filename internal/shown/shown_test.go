// SPDX-License-Identifier: MPL-2.0

package shown

import (
	"os/exec"
	"testing"
)

// A shell is the judge: what it makes of a word is the text, whatever somebody has put into it.
func TestAWordIsOneWordToAShell(t *testing.T) {
	for _, text := range []string{
		"https://bao.example.com:8200/a=b", "", "two words", "it's", "$(id)", "`id`", "a;b", "a&b", "*", "~", "\"", `\`,
		"a\nb", "-n", "'", "#x", "ü",
	} {
		said, err := exec.Command("sh", "-c", "for word in "+Word(text)+"; do printf '<%s>' \"$word\"; done").Output()
		if err != nil || string(said) != "<"+text+">" {
			t.Errorf("%q is written %s, which is %q to a shell: %v", text, Word(text), said, err)
		}
	}
}
