// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// The steps that were printed for a second partner let the first one in again. Here four are cut one after
// another, by the printed text alone, and nginx, sshd and OPA keep them all out; a fifth is let in
// throughout. Then a pipeline runs.
func TestFourPartnersCutOneAfterAnotherStayOutOfRealGateways(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	type partner struct {
		*workload
		*operator
		name string
	}
	var all []partner
	var blocks []string
	for n := range 5 {
		name := fmt.Sprintf("p%d", n)
		p := partner{newWorkload(t, name, newKey(t), nil), newOperator(t, j, name), name}
		all = append(all, p)
		blocks = append(blocks, p.workload.blocks(j, args{"partner": strconv.Quote(name)},
			args{"allowed_cidrs": "null"}),
			j.credential(name, "ssh_certificate", `{ public_key = "`+p.public+`" }`, args{"allowed_cidrs": "null"}),
			j.credential(name, "federated",
				`{ issuer = "https://login.`+name+`.test", subject = "svc", audiences = ["orders.example.com"] }`, nil),
			j.grant(name, "daily", "orders/"+name+"/*", `["read"]`, nil),
			j.grant(name, "shell", "ssh/"+name, `["login"]`, nil),
			fmt.Sprintf("data \"partner_offboarding\" %q { partner = %q }\noutput %q { value = "+
				"data.partner_offboarding.%s.steps }\n", name, name, name, name))
	}
	j.apply(blocks...)
	j.apply(blocks...) // now there is somebody to cut
	listed := realtool.StartNginx(t, realtool.NginxConf{ClientCA: j.published("ca.pem"), CRL: j.published("crl.pem")})
	sshd := realtool.StartSSHD(t, realtool.SSHDConf{
		TrustedUserCAKeys: j.published("ssh/ca.pub"), RevokedKeys: j.published("ssh/revoked_keys"),
		AuthorizedPrincipalsFile: j.published("ssh/principals") + "/%u", Logins: []string{"p0", "p1", "p2", "p3", "p4"},
	})
	opa := newGateway(t, j)
	cut := map[string]bool{}
	certificates := map[string]string{}
	steps := map[string][]string{}
	for _, p := range all {
		certificates[p.name] = j.save(p.name+"-cert.pub",
			j.attribute("partner_credential."+p.name+"-ssh_certificate", "issued")+"\n")
		var of []string
		if err := json.Unmarshal([]byte(j.must("output", "-json", p.name)), &of); err != nil || len(of) == 0 {
			t.Fatalf("the steps of %s: %q, %v", p.name, of, err)
		}
		steps[p.name] = of
	}
	judge := func(when string) {
		t.Helper()
		listed.Reload(t)
		for _, p := range all {
			want := !cut[p.name]
			if status, _ := listed.Get(t, p.presents(j)); (status == 200) != want {
				t.Errorf("%s: nginx answers %s with %d", when, p.name, status)
			}
			if _, err := sshd.Run(t, p.name, p.operator.key, certificates[p.name], "true"); (err == nil) != want {
				t.Errorf("%s: sshd lets %s in: %v", when, p.name, err == nil)
			}
			ask := request{
				"credential": object{"claims": object{
					"iss": "https://login." + p.name + ".test",
					"sub": "svc",
					"aud": "orders.example.com",
				}},
				"action": "read",
				"path":   "orders/" + p.name + "/1",
			}
			eventually(t, fmt.Sprintf("%s: OPA lets %s in: %v", when, p.name, want),
				func() bool { return opa.allows(ask) == want })
		}
	}
	judge("before")
	for _, n := range []int{2, 0, 3, 1} {
		name := all[n].name
		for _, step := range steps[name] {
			cmd := exec.Command("sh", "-c", step)
			cmd.Env, cmd.Dir = []string{"PATH=" + os.Getenv("PATH")}, t.TempDir()
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", step, err, out)
			}
		}
		cut[name] = true
		judge("after " + name)
	}
	j.apply(append(blocks, j.grant("p4", "more", "orders/more/*", `["read"]`, nil))...)
	judge("after the pipeline")
}
