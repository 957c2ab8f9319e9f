// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
)

// errCutMeanwhile: somebody cut by hand after a change was drafted, and before it was published.
var errCutMeanwhile = errors.New("somebody made a cut by hand at the same time")

const (
	// cutByHandFile is what cut.sh leaves where it has changed the publication.
	cutByHandFile = ".cut-by-hand"
	// byProvider is the file that tells our lock on the publication from one of cut.sh.
	byProvider = "provider"
	// cutPatience is how long cut.sh may take; after that it has died.
	cutPatience = 5 * time.Second
)

// byHand reports whether cut.sh has changed the publication since it was made.
func (at *directory) byHand() bool {
	_, err := os.Lstat(at.paths.public(cutByHandFile))
	return err == nil
}

// addsLists reports whether a revocation list in PEM is the one of a digest, with lists behind it that cut.sh adds.
func addsLists(text []byte, digest string) bool {
	const last = "-----END X509 CRL-----\n"
	at := bytes.Index(text, []byte(last))
	return at >= 0 && digestOf(text[:at+len(last)]) == digest && ca.AreCuts(text[at+len(last):])
}

// addsSections reports whether a KRL is the one of a digest, with sections behind it.
func addsSections(text []byte, digest string) bool {
	_, err := ca.RevokedSerials(text)
	return err == nil &&
		slices.ContainsFunc(ca.KRLEnds(text), func(end int) bool { return digestOf(text[:end]) == digest })
}
