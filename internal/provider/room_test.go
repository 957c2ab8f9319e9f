// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"
)

func TestHowManyCallsTerraformMakesAtOnceIsToldByItsCommandLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		command, environment string
		want                 int
	}{
		{"terraform plan", "", 10},
		{"/usr/bin/tofu plan -parallelism=1", "", 1},
		{"terraform apply --parallelism=30 -auto-approve", "", 30},
		{"terraform apply -parallelism 2", "", 2},
		{"terraform plan -parallelism=1 -parallelism=4", "", 4},
		{"terraform plan -parallelism=", "", 10},
		{"terraform plan", "TF_CLI_ARGS=-parallelism=3 -no-color", 3},
		{"terraform plan", `TF_CLI_ARGS_plan="-parallelism=2"`, 2},
		{"terraform plan -parallelism=5", "TF_CLI_ARGS=-parallelism=1", 5},
		{"terraform plan", "TF_CLI_ARGS_apply=-parallelism=1", 1},
		{"/bin/provider.test -test.parallelism=1", "", 0},
		{"dlv debug", "", 0},
	} {
		if got := roomOf(strings.Fields(c.command), []string{"PATH=/bin", c.environment}); got != c.want {
			t.Errorf("%s with %s makes %d, want %d", c.command, c.environment, got, c.want)
		}
	}
}

// Two that wait where two have room would leave none for what they wait for.
func TestWhoWaitsLeavesRoomForWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	for room, want := range map[int]int{0: patient, 1: 0, 2: 1, 3: 2, 10: patient} {
		tr := newTraffic()
		tr.room = room
		n := 0
		for ; !tr.crowded(); n++ {
			tr.pause()
		}
		if n != want {
			t.Errorf("with room for %d, %d wait, want %d", room, n, want)
		}
	}
	tr := newTraffic()
	if tr.room = 10; !tr.free() {
		t.Error("ten calls at once are one too few")
	}
}
