// SPDX-License-Identifier: MPL-2.0

// Package awstest is S3 in a test's own process, as much of it as the ledger asks for: reading, writing and removing an
// object under a condition, and one listing. It is for what has to be tried so often that a server would take minutes.
//
// What it leaves out, the tests on versitygw have: listings of several pages, versions of objects, the signature.
package awstest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// Bucket is an http.RoundTripper that has objects, by their bucket and key ("partner-ledger/prod/system.json"). It may
// be used concurrently: each request is carried out whole, before the next.
type Bucket struct {
	// mu guards objects, and is held for all of a request: a condition is checked and met in one step, as on S3.
	mu      sync.Mutex
	objects map[string][]byte
	// May says whether a login, by its access key, may do something at a path; for a listing, that is the bucket and
	// the prefix. Nil: everybody may do everything. The signature is not checked.
	May func(login, method, path string) bool
}

// NewBucket returns one with a copy of objects; nil for none.
func NewBucket(objects map[string][]byte) *Bucket {
	b := &Bucket{objects: map[string][]byte{}}
	maps.Copy(b.objects, objects)
	return b
}

// etagOf returns the ETag of a text. As S3's may be, it is of the bytes alone: who writes the same twice gets the same,
// which is why each page says that it is written anew.
func etagOf(text []byte) string {
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// RoundTrip answers as S3 does. It never fails but where the body cannot be read.
func (b *Bucket) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/")
	prefix := r.URL.Query().Get("prefix")
	if b.May != nil && !b.May(loginOf(r), r.Method, path+prefix) {
		return refusal(r, http.StatusForbidden, "AccessDenied"), nil
	}
	if r.URL.Query().Has("list-type") {
		return answer(r, http.StatusOK, b.listed(path, prefix), ""), nil
	}
	if r.Method == http.MethodGet {
		return b.read(r, path), nil
	}
	if refused := b.unmet(r, path); refused != nil {
		return refused, nil
	}
	if r.Method == http.MethodDelete {
		delete(b.objects, path)
		return answer(r, http.StatusNoContent, nil, ""), nil
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	b.objects[path] = text
	return answer(r, http.StatusOK, nil, etagOf(text)), nil
}

// read answers with an object, or that it is the one which the caller has already.
func (b *Bucket) read(r *http.Request, path string) *http.Response {
	text, found := b.objects[path]
	if !found {
		return refusal(r, http.StatusNotFound, "NoSuchKey")
	}
	etag := etagOf(text)
	if r.Header.Get("If-None-Match") == etag {
		return answer(r, http.StatusNotModified, nil, etag)
	}
	return answer(r, http.StatusOK, text, etag)
}

// unmet answers to a request that writes or removes, if its condition is not met; nil if it is. If-Match on what is not
// there is a 404 and no 412 (Amazon S3 User Guide, conditional writes).
func (b *Bucket) unmet(r *http.Request, path string) *http.Response {
	text, found := b.objects[path]
	over := r.Header.Get("If-Match")
	switch {
	case found && r.Header.Get("If-None-Match") == "*":
		return refusal(r, http.StatusPreconditionFailed, "PreconditionFailed")
	case over == "":
		return nil
	case !found:
		return refusal(r, http.StatusNotFound, "NoSuchKey")
	case over != etagOf(text):
		return refusal(r, http.StatusPreconditionFailed, "PreconditionFailed")
	}
	return nil
}

// loginOf returns the access key that a request says it is signed with.
func loginOf(r *http.Request) string {
	_, login, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	login, _, _ = strings.Cut(login, "/")
	return login
}

// answer returns an answer as S3 gives it. Its Date is this machine's time, which becomes the time of the system.
func answer(r *http.Request, status int, body []byte, etag string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Header: http.Header{
			"Etag":             {etag},
			"Date":             {access.WallClock().UTC().Format(http.TimeFormat)},
			"X-Amz-Request-Id": {"4442587FB7D0A2F9"},
		},
		Body:    io.NopCloser(bytes.NewReader(body)),
		Request: r,
	}
}

// refusal returns an answer that is an error, with its code as S3 writes it.
func refusal(r *http.Request, status int, code string) *http.Response {
	return answer(r, status, []byte("<Error><Code>"+code+"</Code></Error>"), "")
}

// listed returns the listing of a bucket below a prefix, in one page, sorted by key. Each object was modified now: no
// test of this bucket compares these moments.
func (b *Bucket) listed(bucket, prefix string) []byte {
	type object struct {
		Key, ETag    string
		LastModified time.Time
	}
	var page struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Contents []object
	}
	for path, text := range b.objects {
		if key, in := strings.CutPrefix(path, strings.TrimSuffix(bucket, "/")+"/"); in &&
			strings.HasPrefix(key, prefix) {
			page.Contents = append(page.Contents, object{key, etagOf(text), access.WallClock().UTC()})
		}
	}
	order.Sort(page.Contents, func(a, b object) int { return strings.Compare(a.Key, b.Key) })
	text, _ := xml.Marshal(page) // of texts and moments, all of which can be written
	return text
}

// All returns what there is, as a copy of the map. The texts are the bucket's own, which never changes one.
func (b *Bucket) All() map[string][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.objects)
}

// Write puts an object without any condition, as somebody does who edits the bucket by hand; nil removes it.
func (b *Bucket) Write(path string, text []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if text == nil {
		delete(b.objects, path)
		return
	}
	b.objects[path] = text
}
