// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// writersVariable says to a process of this test where it writes, and as which of them.
const writersVariable = "PARTNER_TEST_AWS_WRITER"

const eachWrites = 8

func TestSixteenWritersInTwoProcessesLoseNothingAndDoubleNothing(t *testing.T) {
	if at := os.Getenv(writersVariable); at != "" {
		url, who, _ := strings.Cut(at, " ")
		writeAsOneOfMany(t, &realtool.Cloud{IAM: url, STS: url, S3: url, Access: "111122223333", Secret: "x"}, who)
		return
	}
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s := l.newShop(t, l.open(), time.Hour)
	s.put(s.identity())
	s.put(s.account("arn:aws:iam::444455556666:role/etl", "", s.end))
	var both sync.WaitGroup
	for _, who := range []string{"a", "b"} {
		both.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
			cmd.Env = append(os.Environ(), writersVariable+"="+l.cloud.IAM+" "+who)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("process %s: %v\n%s", who, err, out)
			}
		})
	}
	both.Wait()
	all, err := l.open().List(t.Context())
	if want := 2 + 2*eachWrites; err != nil || len(all) != want {
		t.Errorf("%d objects are there, want %d: %v", len(all), want, err)
	}
	for _, r := range all {
		if said := s.drift(r.Object); said != "" || r.Renewals != 0 {
			t.Errorf("%s: %s, renewed %d times", r.Object.Ref(), said, r.Renewals)
		}
	}
}

// writeAsOneOfMany puts one grant with each of its writers, all at once, on the identity that all share.
func writeAsOneOfMany(t *testing.T, cloud *realtool.Cloud, who string) {
	l := &lab{t: t, cloud: cloud}
	s := l.newShop(t, l.open(), time.Hour)
	var all sync.WaitGroup
	for n := range eachWrites {
		all.Go(func() {
			g := s.grant(fmt.Sprintf("writer-%s-%d", who, n), s.end)
			r, err := s.Put(t.Context(), access.Change{Object: g, Stack: "partners", EndsAt: s.end})
			if err != nil {
				t.Errorf("put %s: %v", g.Ref(), err)
				return
			}
			if got, err := s.Get(t.Context(), g.Ref()); err != nil ||
				got.UID != r.UID ||
				errors.Is(err, access.ErrNotFound) {
				t.Errorf("%s does not read its own write: %+v, %v", g.Ref(), got, err)
			}
		})
	}
	all.Wait()
}
