// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// startUps returns how long a provider takes from its start to the line that says where it listens, quickest first.
func startUps(ctx context.Context, binary string, times int) ([]time.Duration, error) {
	certificate, err := clientCertificate()
	if err != nil {
		return nil, err
	}
	var all []time.Duration
	for range times {
		took, err := startUp(ctx, binary, certificate)
		if err != nil {
			return nil, err
		}
		all = append(all, took)
	}
	slices.Sort(all)
	return all, nil
}

// startUp starts a provider as Terraform does, and kills it when it is ready.
func startUp(ctx context.Context, binary, certificate string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, binary)
	// The words by which Terraform makes itself known to a plugin, and the certificate that it expects an answer to.
	cmd.Env = append(environment(),
		"TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
		"PLUGIN_PROTOCOL_VERSIONS=6", "PLUGIN_CLIENT_CERT="+certificate)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	took := stopwatch()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	ready := took()
	if killed := cmd.Process.Kill(); err == nil {
		err = killed
	}
	_ = cmd.Wait() // it was killed
	if err != nil {
		return 0, err
	}
	if !strings.HasPrefix(line, "1|6|") {
		return 0, fmt.Errorf("%s answered %q", binary, line)
	}
	return ready, nil
}

// clientCertificate returns a certificate as Terraform hands one to a plugin (PLUGIN_CLIENT_CERT), with which go-plugin
// turns on TLS in both directions: start-up is measured with that.
func clientCertificate() (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	now := access.WallClock()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), err
}
