// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"os"
	"strings"
	"testing"
)

// OPA 0.70 took the first publication and none after it, so that no cut ever arrived: it read a policy that takes
// another one's place by the grammar of before 1.0.
func TestACutArrivesAtTheOldestAndTheNewestOPA(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/guides/embedded.md")
	for _, row := range []string{"| nginx | 1.18, ", "| HAProxy | 2.6 |", "| OpenSSH | 8.4, 9.2 |",
		"| Open Policy Agent | 0.70, 1.4, "} {
		if err != nil || !strings.Contains(string(guide), row) {
			t.Errorf("the guide does not name the oldest gateways: no %q, %v", row, err)
		}
	}
	j := newJudged(t)
	trust := `{ issuer = "https://login.acme.test", subject = "svc-orders", audiences = ["orders.example.com"] }`
	config := func(suspended string) []string {
		return []string{
			j.identity("orders-etl", args{"suspended": suspended}), j.credential("orders-etl", "federated", trust, nil),
			j.grant("orders-etl", "daily", "orders/acme/daily/*", `["read"]`, nil),
		}
	}
	asks := request{
		"credential": object{"claims": object{
			"iss": "https://login.acme.test",
			"sub": "svc-orders",
			"aud": "orders.example.com",
		}},
		"action": "read", "path": "orders/acme/daily/1.csv", "ip": "203.0.113.7",
	}
	j.apply(config("false")...)
	gateways := map[string]*gateway{}
	for _, version := range []string{"opa-0.70", "opa-1.4", "opa"} {
		gateways[version] = newGatewayOf(t, j, version)
	}
	each := func(when string, want bool) {
		for version, g := range gateways {
			eventually(t, version+" "+when, func() bool { return g.allows(asks) == want })
		}
	}
	each("lets in what is granted", true)
	j.apply(config("true")...)
	each("refuses what is suspended", false)
	j.apply(config("false")...)
	each("takes the third publication", true)
	j.destroy()
	each("refuses what is destroyed", false)
}
