// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/system/aws"
)

// impatient carries requests of S3 to an empty ledger, and notes for how long each may take.
type impatient struct{ patience []time.Duration }

func (a *impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	deadline, _ := r.Context().Deadline()
	a.patience = append(a.patience, time.Until(deadline))
	header := http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}, "X-Amz-Request-Id": {"4442587FB7D0A2F9"}}
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     header,
		Body:       io.NopCloser(strings.NewReader("<ListBucketResult/>")),
		Request:    r,
	}, nil
}

// A ledger of a thousand identities is read in more than a thousand requests, which may take longer than its first
// answer: the limit of that one stopped the reading of a healthy ledger far away, and with it a destroy.
func TestOnlyTheFirstAnswerOfALedgerIsLimited(t *testing.T) {
	t.Parallel()
	carrier := &impatient{}
	system, err := aws.Open(aws.Options{
		Region: "eu-central-1", Ledger: "s3://ledger/prod", Endpoints: aws.Endpoints{IAM: "https://iam.example.test"},
		Credentials: sdk.AnonymousCredentials{}, Transport: carrier,
	})
	if err != nil {
		t.Fatal(err)
	}
	var said diag.Diagnostics
	if !enterAWS(context.Background(), system, &said) || len(carrier.patience) != 2 {
		t.Fatalf("%d requests: %v", len(carrier.patience), said)
	}
	if first, second := carrier.patience[0], carrier.patience[1]; first > ledgerLook || second < 2*ledgerLook {
		t.Errorf("the first answer may take %s, the next one %s", first, second)
	}
}
