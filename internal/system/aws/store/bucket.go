// SPDX-License-Identifier: MPL-2.0

package store

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
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
)

// Bucket is the part of a bucket that the ledger is in, as objects with conditions. Keys are below its prefix, and
// never begin with a slash.
type Bucket struct {
	Client       *client.Client
	Name, Prefix string
}

// Stored is an object as a listing tells of it. modified is S3's time of its last write, in whole seconds.
type Stored struct {
	Key, ETag string
	modified  time.Time
}

// newRequest returns a request for an object. The path is encoded once, as S3 signs it.
func (b *Bucket) newRequest(method, key string, header map[string]string, body []byte) client.Request {
	path := (&url.URL{Path: b.Prefix + "/" + key}).EscapedPath()
	return client.Request{
		Service: "s3", Region: b.Client.Site.Region, Method: method, URL: b.Client.Site.S3(b.Name) + path,
		Header: header, Body: body,
	}
}

// Get reads an object, unless it still has an ETag: then the text is nil. client.ErrAbsent if there is none.
//
// Two answers are not believed. A 304 to a question without a condition would be a page of nothing, and an object
// without an ETag could never be written again: "" means that it must not be there.
func (b *Bucket) Get(ctx context.Context, key, unless string) (text []byte, etag string, err error) {
	header := map[string]string{}
	if unless != "" {
		header["If-None-Match"] = unless
	}
	a, err := b.Client.Send(ctx, b.newRequest(http.MethodGet, key, header, nil))
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", b.Where(key), err)
	}
	if a.Status == http.StatusNotModified && unless == "" {
		return nil, "", fmt.Errorf("%w: read %s: the server says unchanged, but it was never read before",
			access.ErrUnavailable, b.Where(key))
	}
	if a.Status == http.StatusNotModified {
		return nil, unless, nil
	}
	if etag = strong(a.Header.Get("Etag")); etag == "" { // what has none would be taken for what is not there
		return nil, "", fmt.Errorf("%w: read %s: %s", access.ErrUnavailable, b.Where(key), noETag)
	}
	return a.Body, etag, nil
}

// noETag says of an answer what it lacks, and what to do.
const noETag = "the answer has no ETag: a proxy or gateway removes it. Let it through, or set endpoints.s3 to the " +
	"storage itself"

// strong returns an ETag as S3 spells it, in quotes: `W/"5d"`, `5d` and `"5d"` are all `"5d"`. A gateway that
// compresses makes it weak, and another cloud leaves its quotes away. Compared by their spelling, every page was
// another one in each listing, and none could be written (TestAnETagIsTheSameHoweverItIsSpelled).
func strong(etag string) string {
	if etag = strings.Trim(strings.TrimPrefix(etag, "W/"), `"`); etag == "" {
		return ""
	}
	return `"` + etag + `"`
}

// Put writes an object in place of one of an ETag; "" if there must be none. client.ErrChanged if it is not so: S3
// answers 412, or 404 if somebody removed what was to be replaced (Amazon S3 User Guide, conditional writes).
func (b *Bucket) Put(ctx context.Context, key string, text []byte, over string) (etag string, err error) {
	header := map[string]string{"Content-Type": "application/json", "If-None-Match": "*"}
	if over != "" {
		delete(header, "If-None-Match")
		header["If-Match"] = over
	}
	a, err := b.Client.Send(ctx, b.newRequest(http.MethodPut, key, header, text))
	if over != "" && errors.Is(err, client.ErrAbsent) { // somebody removed it
		err = client.ErrChanged
	}
	if err != nil {
		return "", fmt.Errorf("write %s: %w", b.Where(key), err)
	}
	return strong(a.Header.Get("Etag")), nil
}

// Replace puts an object, and looks what is there if that seems to fail. A request is repeated if its answer was lost,
// and then the second one is refused because of the first: what is there is ours if it is the same to the byte, since
// no two writings are. ErrNotPermitted says that nothing was written, so nothing is looked for.
func (b *Bucket) Replace(ctx context.Context, key string, text []byte, over string) (etag string, err error) {
	etag, err = b.Put(ctx, key, text, over)
	if err == nil && etag == "" {
		err = fmt.Errorf("%w: write %s: %s", access.ErrUnavailable, b.Where(key), noETag)
	}
	if err != nil && !errors.Is(err, access.ErrNotPermitted) {
		if there, now, failed := b.Get(ctx, key, ""); failed == nil && string(there) == string(text) {
			return now, nil // it was ours
		}
	}
	return etag, err
}

// Place writes an object, whatever is there. It is for objects whose name says everything.
func (b *Bucket) Place(ctx context.Context, key string, text []byte) error {
	a, err := b.Client.Send(ctx, b.newRequest(http.MethodPut, key, nil, text))
	if err == nil && a.Header.Get("Etag") == "" {
		err = fmt.Errorf("%w: %s", access.ErrUnavailable, noETag)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", b.Where(key), err)
	}
	return nil
}

// Remove removes an object of an ETag; "" for any. One that is gone already is no error.
func (b *Bucket) Remove(ctx context.Context, key, etag string) error {
	header := map[string]string{}
	if etag != "" {
		header["If-Match"] = etag
	}
	if _, err := b.Client.Send(ctx, b.newRequest(http.MethodDelete, key, header, nil)); client.Gone(err) != nil {
		return fmt.Errorf("remove %s: %w", b.Where(key), err)
	}
	return nil
}

// List lists the objects below a folder of the ledger ("" for all), with their keys below its prefix. A listing that is
// cut off and does not say where it goes on is an error (see Client.Pages).
func (b *Bucket) List(ctx context.Context, folder string) (all []Stored, err error) {
	for token := ""; ; {
		query := url.Values{"list-type": {"2"}, "prefix": {b.Prefix + "/" + folder}}
		if token != "" {
			query.Set("continuation-token", token)
		}
		r := b.newRequest(http.MethodGet, "", nil, nil)
		// the signer takes + for itself, and S3 for a space: a space is %20 for both
		r.URL = b.Client.Site.S3(b.Name) + "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
		a, err := b.Client.Send(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", b.Where(folder), err)
		}
		var page struct {
			XMLName   xml.Name `xml:"ListBucketResult"` // another answer would be a ledger in which nobody is
			Truncated bool     `xml:"IsTruncated"`
			Next      string   `xml:"NextContinuationToken"`
			Contents  []struct {
				Key          string    `xml:"Key"`
				ETag         string    `xml:"ETag"`
				LastModified time.Time `xml:"LastModified"`
			} `xml:"Contents"`
		}
		if err := xml.Unmarshal(a.Body, &page); err != nil {
			return nil, fmt.Errorf("%w: list %s: %w", access.ErrUnavailable, b.Where(folder), err)
		}
		for _, c := range page.Contents {
			if key, ours := strings.CutPrefix(c.Key, b.Prefix+"/"); ours {
				all = append(all, Stored{key, strong(c.ETag), c.LastModified.UTC()})
			}
		}
		if !page.Truncated {
			return all, nil
		}
		before := token
		if token = page.Next; token == "" || token == before { // what is missing would be taken for gone
			return nil, fmt.Errorf("%w: list %s: the answer is incomplete and does not say where it continues",
				access.ErrUnavailable, b.Where(folder))
		}
	}
}

// Where names an object as people do: s3://bucket/prefix/key.
func (b *Bucket) Where(key string) string { return "s3://" + b.Name + "/" + b.Prefix + "/" + key }
