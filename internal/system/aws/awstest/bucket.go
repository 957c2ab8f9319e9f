// SPDX-License-Identifier: MPL-2.0

// Package awstest is S3 in a test's own process, as much of it as the ledger asks for. It is for what has to be tried
// so often that a server would take minutes.
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

// Bucket has objects by their bucket and key, with ETags and conditions.
type Bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
	// May says whether a login may do something; nil: everybody may do everything.
	May func(login, method, path string) bool
}

// NewBucket returns one with objects, or with none.
func NewBucket(objects map[string][]byte) *Bucket {
	b := &Bucket{objects: map[string][]byte{}}
	maps.Copy(b.objects, objects)
	return b
}

func etagOf(text []byte) string {
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// RoundTrip answers as S3 does.
func (b *Bucket) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/")
	prefix := r.URL.Query().Get("prefix")
	_, login, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	login, _, _ = strings.Cut(login, "/")
	answer := func(status int, code string, body []byte, etag string) (*http.Response, error) {
		if code != "" {
			body = []byte("<Error><Code>" + code + "</Code></Error>")
		}
		return &http.Response{
			StatusCode: status,
			Header: http.Header{
				"Etag":             {etag},
				"Date":             {access.WallClock().UTC().Format(http.TimeFormat)},
				"X-Amz-Request-Id": {"4442587FB7D0A2F9"},
			},
			Body:    io.NopCloser(bytes.NewReader(body)),
			Request: r,
		}, nil
	}
	there, is := b.objects[path]
	ifMatch := r.Header.Get("If-Match")
	ifNone := r.Header.Get("If-None-Match")
	switch {
	case b.May != nil && !b.May(login, r.Method, path+prefix):
		return answer(http.StatusForbidden, "AccessDenied", nil, "")
	case r.URL.Query().Has("list-type"):
		return answer(http.StatusOK, "", b.listed(path, prefix), "")
	case r.Method == http.MethodGet && !is:
		return answer(http.StatusNotFound, "NoSuchKey", nil, "")
	case r.Method == http.MethodGet && ifNone == etagOf(there):
		return answer(http.StatusNotModified, "", nil, ifNone)
	case r.Method == http.MethodGet:
		return answer(http.StatusOK, "", there, etagOf(there))
	case ifNone == "*" && is, ifMatch != "" && is && ifMatch != etagOf(there):
		return answer(http.StatusPreconditionFailed, "PreconditionFailed", nil, "")
	case ifMatch != "" && !is:
		return answer(http.StatusNotFound, "NoSuchKey", nil, "")
	case r.Method == http.MethodDelete:
		delete(b.objects, path)
		return answer(http.StatusNoContent, "", nil, "")
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	b.objects[path] = text
	return answer(http.StatusOK, "", nil, etagOf(text))
}

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
	text, _ := xml.Marshal(page)
	return text
}

// All returns what there is.
func (b *Bucket) All() map[string][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.objects)
}

// Write puts an object; nil removes it.
func (b *Bucket) Write(path string, text []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if text == nil {
		delete(b.objects, path)
		return
	}
	b.objects[path] = text
}
