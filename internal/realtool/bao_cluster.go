// SPDX-License-Identifier: MPL-2.0

package realtool

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BaoCluster is three OpenBao servers that keep one store by raft. Any one may be killed, and the others go on.
type BaoCluster struct {
	Nodes     []*Bao // with one CA, and one root token
	CA        string
	CAFile    string
	RootToken string

	killed map[*Bao]bool
}

// StartBaoCluster starts a cluster until the end of the test. When it returns, all nodes vote and answer.
func StartBaoCluster(t testing.TB, options ...BaoOption) *BaoCluster {
	t.Helper()
	ca := newLoopbackCA(t, t.TempDir())
	first := newBao(t, ca)
	c := &BaoCluster{Nodes: []*Bao{first}, CA: ca.pem, CAFile: ca.file, killed: map[*Bao]bool{}}
	first.start(t, newBaoConfig(raft(t, first), options))
	key := first.initialize(t)
	first.unseal(t, key)
	first.await(t, "active", func() bool { return first.health() == http.StatusOK })
	c.RootToken = first.RootToken
	first.Call(t, c.RootToken, "POST", "sys/storage/raft/autopilot/configuration",
		map[string]any{"server_stabilization_time": "500ms"})

	for range 2 {
		b := newBao(t, ca)
		b.RootToken = c.RootToken
		b.start(t, newBaoConfig(raft(t, b), options))
		b.Call(t, "", "POST", "sys/storage/raft/join",
			map[string]any{"leader_api_addr": first.Address, "leader_ca_cert": c.CA})
		b.unseal(t, key)
		c.Nodes = append(c.Nodes, b)
	}
	for _, b := range c.Nodes[1:] {
		b.await(t, "a standby", func() bool { return b.health() == http.StatusTooManyRequests })
	}
	first.await(t, "three voters", func() bool { return c.voters() == len(c.Nodes) })
	return c
}

// raft returns the storage of a node. The intervals are short so that tests are.
func raft(t testing.TB, b *Bao) func(addr string) string {
	return func(addr string) string {
		dir := filepath.Join(b.dir, "raft-"+strings.ReplaceAll(addr, ":", "-"))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`storage "raft" {
  path                         = %q
  node_id                      = %q
  performance_multiplier       = 1
  autopilot_reconcile_interval = "300ms"
  autopilot_update_interval    = "100ms"
}`, dir, addr)
	}
}

// voters returns how many nodes have a vote: a new one gets it when it has been there for a while.
func (c *BaoCluster) voters() (n int) {
	_, answer, err := c.Nodes[0].ask(c.RootToken, "GET", "sys/storage/raft/configuration", nil)
	if err != nil {
		return 0
	}
	data, _ := answer["data"].(map[string]any)
	config, _ := data["config"].(map[string]any)
	servers, _ := config["servers"].([]any)
	for _, s := range servers {
		if server, _ := s.(map[string]any); server["voter"] == true {
			n++
		}
	}
	return n
}

// Leader returns the node that is active, waited for while the others elect one.
func (c *BaoCluster) Leader(t testing.TB) *Bao {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(interval) {
		for _, b := range c.Nodes {
			if !c.killed[b] && b.health() == http.StatusOK {
				return b
			}
		}
	}
	t.Fatal("the cluster has no leader")
	return nil
}

// Standbys returns the nodes that live and are not the leader.
func (c *BaoCluster) Standbys(t testing.TB) (out []*Bao) {
	t.Helper()
	leader := c.Leader(t)
	for _, b := range c.Nodes {
		if b != leader && !c.killed[b] {
			out = append(out, b)
		}
	}
	return out
}

// Kill ends a node as a power cut does.
func (c *BaoCluster) Kill(b *Bao) {
	c.killed[b] = true
	b.server.stop()
}
