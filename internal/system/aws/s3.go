// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// bucket is the part of a bucket that the ledger is in. Keys are below its prefix.
type bucket struct {
	*client
	name, prefix string
}

// stored is an object as a listing tells of it.
type stored struct {
	key, etag string
	modified  time.Time
}

func (b *bucket) newRequest(method, key string, header map[string]string, body []byte) request {
	path := (&url.URL{Path: b.prefix + "/" + key}).EscapedPath()
	return request{
		service: "s3", region: b.options.Region, method: method, url: b.options.s3Endpoint(b.name) + path, header: header, body: body,
	}
}

// get reads an object, unless it is one of an ETag still: then the text is nil. errAbsent where there is none.
func (b *bucket) get(ctx context.Context, key, unless string) (text []byte, etag string, err error) {
	header := map[string]string{}
	if unless != "" {
		header["If-None-Match"] = unless
	}
	a, err := b.send(ctx, b.newRequest(http.MethodGet, key, header, nil))
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", b.where(key), err)
	}
	if a.status == http.StatusNotModified && unless == "" {
		return nil, "", fmt.Errorf("%w: read %s: the server says unchanged, but it was never read before", access.ErrUnavailable, b.where(key))
	}
	if a.status == http.StatusNotModified {
		return nil, unless, nil
	}
	if etag = strong(a.header.Get("Etag")); etag == "" { // what has none would be taken for what is not there
		return nil, "", fmt.Errorf("%w: read %s: %s", access.ErrUnavailable, b.where(key), noETag)
	}
	return a.body, etag, nil
}

// noETag says of an answer what it lacks, and what to do.
const noETag = "the answer has no ETag: a proxy or gateway removes it. Let it through, or set endpoints.s3 to the storage itself"

// strong returns an ETag as S3 spells it. Who stands in between may make it weak, and another cloud leave its quotes away.
func strong(etag string) string {
	if etag = strings.Trim(strings.TrimPrefix(etag, "W/"), `"`); etag == "" {
		return ""
	}
	return `"` + etag + `"`
}

// put writes an object in place of one of an ETag; "" where there must be none. errChanged where it is not so.
func (b *bucket) put(ctx context.Context, key string, text []byte, over string) (etag string, err error) {
	header := map[string]string{"Content-Type": "application/json", "If-None-Match": "*"}
	if over != "" {
		delete(header, "If-None-Match")
		header["If-Match"] = over
	}
	a, err := b.send(ctx, b.newRequest(http.MethodPut, key, header, text))
	if over != "" && errors.Is(err, errAbsent) { // somebody removed it
		err = errChanged
	}
	if err != nil {
		return "", fmt.Errorf("write %s: %w", b.where(key), err)
	}
	return strong(a.header.Get("Etag")), nil
}

// replace puts an object. An answer that was lost, or its ETag, is no harm: what is there is compared.
func (b *bucket) replace(ctx context.Context, key string, text []byte, over string) (etag string, err error) {
	etag, err = b.put(ctx, key, text, over)
	if err == nil && etag == "" {
		err = fmt.Errorf("%w: write %s: %s", access.ErrUnavailable, b.where(key), noETag)
	}
	if err != nil && !errors.Is(err, access.ErrNotPermitted) {
		if there, now, failed := b.get(ctx, key, ""); failed == nil && string(there) == string(text) {
			return now, nil // it was ours
		}
	}
	return etag, err
}

// place writes an object, whatever is there.
func (b *bucket) place(ctx context.Context, key string, text []byte) error {
	if _, err := b.send(ctx, b.newRequest(http.MethodPut, key, nil, text)); err != nil {
		return fmt.Errorf("write %s: %w", b.where(key), err)
	}
	return nil
}

// remove removes an object of an ETag; "" for any.
func (b *bucket) remove(ctx context.Context, key, etag string) error {
	header := map[string]string{}
	if etag != "" {
		header["If-Match"] = etag
	}
	if _, err := b.send(ctx, b.newRequest(http.MethodDelete, key, header, nil)); gone(err) != nil {
		return fmt.Errorf("remove %s: %w", b.where(key), err)
	}
	return nil
}

// list lists the objects below a folder of the ledger.
func (b *bucket) list(ctx context.Context, folder string) (all []stored, err error) {
	for token := ""; ; {
		query := url.Values{"list-type": {"2"}, "prefix": {b.prefix + "/" + folder}}
		if token != "" {
			query.Set("continuation-token", token)
		}
		r := b.newRequest(http.MethodGet, "", nil, nil)
		r.url = b.options.s3Endpoint(b.name) + "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
		a, err := b.send(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", b.where(folder), err)
		}
		var page struct {
			Truncated bool   `xml:"IsTruncated"`
			Next      string `xml:"NextContinuationToken"`
			Contents  []struct {
				Key          string    `xml:"Key"`
				ETag         string    `xml:"ETag"`
				LastModified time.Time `xml:"LastModified"`
			} `xml:"Contents"`
		}
		if err := xml.Unmarshal(a.body, &page); err != nil {
			return nil, fmt.Errorf("%w: list %s: %w", access.ErrUnavailable, b.where(folder), err)
		}
		for _, c := range page.Contents {
			if key, ours := strings.CutPrefix(c.Key, b.prefix+"/"); ours {
				all = append(all, stored{key, strong(c.ETag), c.LastModified.UTC()})
			}
		}
		if !page.Truncated {
			return all, nil
		}
		before := token
		if token = page.Next; token == "" || token == before { // what is missing would be taken for gone
			return nil, fmt.Errorf("%w: list %s: the answer is incomplete and does not say where it continues", access.ErrUnavailable, b.where(folder))
		}
	}
}

// where names an object as people do.
func (b *bucket) where(key string) string { return "s3://" + b.name + "/" + b.prefix + "/" + key }
