// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
)

// rego is what a gateway decides with.
//
//go:embed policy.rego
var rego string

// manifest is OPA's .manifest; its fields, too, stand in the order of their names. Each bundle owns all below
// its one root, data.partner or data.partner_hold, and nothing else.
type manifest struct {
	RegoVersion int      `json:"rego_version"`
	Revision    string   `json:"revision"`
	Roots       []string `json:"roots"`
}

// signedFile is an entry of the payload of .signatures.json.
type signedFile struct {
	Name      string `json:"name"`
	Hash      string `json:"hash"`
	Algorithm string `json:"algorithm"`
}

type member struct {
	name string
	text []byte
}

// bundleFile returns the bundle, signed where there is a signer (openpolicyagent.org/docs/management-bundles, "Bundle
// File Format" and "Signing"). Such a signature has no end of its own: what ends a bundle are the ends in its data,
// valid_until above all.
func bundleFile(root string, s *Signer, content ...member) ([]byte, error) {
	about, err := canonical(manifest{RegoVersion: 1, Revision: revision(content), Roots: []string{root}})
	if err != nil {
		return nil, fmt.Errorf("write the bundle's manifest: %w", err)
	}
	files := append([]member{{".manifest", about}}, content...)
	if s != nil {
		signatures, err := signatures(files, s)
		if err != nil {
			return nil, fmt.Errorf("sign the bundle: %w", err)
		}
		files = append(files, member{".signatures.json", signatures})
	}
	bundle, err := pack(files)
	if err != nil {
		return nil, fmt.Errorf("pack the bundle: %w", err)
	}
	return bundle, nil
}

// revision names what a bundle holds, by its content: what did not change is the same revision to OPA.
func revision(content []member) string {
	sum := sha256.New()
	for _, m := range content {
		sum.Write(m.text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// signatures returns .signatures.json. OPA hashes JSON files by their canonical form, which ours are written in, and
// others by their bytes: so here all hashes are of bytes.
func signatures(files []member, s *Signer) ([]byte, error) {
	var payload struct {
		Files []signedFile `json:"files"`
	}
	for _, f := range files {
		sum := sha256.Sum256(f.text)
		payload.Files = append(payload.Files, signedFile{f.name, hex.EncodeToString(sum[:]), "SHA-256"})
	}
	text, err := canonical(payload)
	if err != nil {
		return nil, err
	}
	token, err := s.sign(text)
	if err != nil {
		return nil, err
	}
	return canonical(map[string][]string{"signatures": {token}})
}

// pack writes headers without owner or time, so that the same files give the same bytes.
func pack(files []member) ([]byte, error) {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(zip)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text)), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.text); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err = zip.Close()
	return out.Bytes(), err
}
