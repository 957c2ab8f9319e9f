// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// errLenient says that a cloud of one's own does not judge policies as AWS does.
var errLenient = errors.New("it does not evaluate users' policies as AWS does")

// judge tries whether a cloud judges policies as AWS does, once for each ledger and endpoint. S3 clouds take the
// policies of users and judge what they know of them; one that keeps a date and does not read it would let all access
// go on.
type judge struct {
	at      *account
	store   *pages
	reader  *reader
	aligner *aligner
	cutter  *cutter

	// judging is held while it is tried, and guards judges: the ledger says that the cloud judges as AWS does.
	judging sync.Mutex
	judges  bool
}

// judged sees to it that a cloud of one's own judges the policies of users as AWS does: otherwise no end, cut or hold
// would act. It is asked before each new credential, and never for what takes access away. AWS itself is not tried.
//
// Another process may try at the same time, with the same user. So what looks like a lenient cloud is tried once more,
// and what looks disturbed for as long as patience lasts.
func (j *judge) judged(ctx context.Context) error {
	cloud := j.at.Site.Endpoints.IAM
	if cloud == "" || j.at.options.judged {
		return nil
	}
	j.judging.Lock()
	defer j.judging.Unlock()
	lenient := false
	for begun := access.WallClock(); !j.judges; {
		about, etag, err := j.store.About(ctx)
		if err != nil {
			return client.Gone(err) // without what the ledger says of itself there is nothing to read, nor to note
		}
		if j.judges = about.Judges == cloud; j.judges {
			break
		}
		err = j.tryJudgment(ctx)
		switch {
		case err == nil:
			return j.noteJudgment(ctx, about, etag)
		case errors.Is(err, errLenient) && !lenient:
			lenient = true // perhaps another process tries at the same time, and wrote an end of its own
		case errors.Is(err, errLenient):
			return fmt.Errorf("%s cannot hold partner access: %w: %w. Use AWS, or a cloud that evaluates Deny and "+
				"dates in users' policies", cloud, err, access.ErrUnsupported)
		case !disturbed(err) || access.WallClock().Sub(begun) > j.at.Site.Patience+keyTakes:
			return fmt.Errorf("try how %s evaluates policies: %w", cloud, err)
		}
		if err := access.Pause(ctx, 100*time.Millisecond+
			rand.N(time.Second)); err != nil { //nolint:gosec // spreads those who wait
			return err
		}
	}
	return nil
}

// disturbed reports whether another process may try at the same time, and have removed what this one made.
func disturbed(err error) bool {
	return slices.ContainsFunc([]error{client.ErrAbsent, client.ErrExists, access.ErrLogin, access.ErrRemains},
		func(e error) bool { return errors.Is(err, e) })
}

// keyTakes is within how long a cloud knows a key that was made.
const keyTakes = 2 * time.Second

// noteJudgment notes in the ledger that a cloud was tried. Whoever noted something at the same time noted the same.
func (j *judge) noteJudgment(ctx context.Context, about store.SystemFile, etag string) error {
	about.Judges = j.at.Site.Endpoints.IAM
	text, err := json.Marshal(about)
	if err == nil {
		_, err = j.store.Replace(context.WithoutCancel(ctx), store.SystemKey, text, etag)
	}
	if errors.Is(err, client.ErrChanged) {
		return nil
	}
	return err
}

// tryJudgment makes a user who may read one object of the ledger that has no secret, and takes that from it in each of
// the ways in which access ends here: by partner-end, and by the end of its grant. In between it must read again, or a
// cloud that refuses everything would pass. The user goes again; one that a process left that died goes first.
func (j *judge) tryJudgment(ctx context.Context) (err error) {
	p := principal{Kind: store.User, Name: "partner.probe." + j.store.SystemID(), Path: store.Root}
	if err := j.dropProbe(ctx, p); err != nil {
		return err
	}
	now, err := j.store.Now(ctx)
	if err != nil {
		return err
	}
	later := now.Add(10 * time.Minute)
	past := now.Add(-time.Minute)
	w := wanted{principal: p, end: later, tags: map[string]string{uidTag: "probe", systemTag: j.store.SystemID()}}
	if _, err := j.aligner.create(ctx, w); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.dropProbe(context.WithoutCancel(ctx), p)) }()
	key, err := j.at.createKey(ctx, p)
	if err != nil {
		return err
	}
	reader := &store.Bucket{
		Client: j.at.As(credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")),
		Name:   j.store.Name,
		Prefix: j.store.Prefix,
	}
	for _, t := range []struct {
		end, grant time.Time
		reads      bool
		says       string
	}{
		{later, later, true, "it refused a user whose access had not ended"},
		{past, later, false, "it let in a user who was denied everything after its end"},
		{later, later, true, "it refused a user whose end was extended"},
		{later, past, false, "it let in a user whose grant had ended"},
	} {
		if err := j.writeJudged(ctx, p, t.end, t.grant); err != nil {
			return err
		}
		reads, err := reads(ctx, reader, t.reads)
		switch {
		case err != nil:
			return err
		case !reads && t.reads && j.at.options.Boundary != "":
			// a boundary that denies the ledger denies it to this user as well: a cloud that judges that is believed
			return nil
		case reads != t.reads:
			return fmt.Errorf("%s: %w", t.says, errLenient)
		}
	}
	return nil
}

// dropProbe removes the user of a try. It is not cut first: it opens nothing, and the cloud may take no cut.
func (j *judge) dropProbe(ctx context.Context, p principal) error {
	n, err := j.reader.look(ctx, p)
	if err != nil || !n.there {
		return err
	}
	if err := j.cutter.strip(ctx, p, n); err != nil {
		return err
	}
	j.at.NoteRemoved(p.Name)
	if err := client.Gone(j.at.Ask(ctx, "DeleteUser", naming(p), nil)); err != nil {
		return fmt.Errorf("%w: %w", access.ErrRemains, err)
	}
	return nil
}

// writeJudged gives the user of a try an end, and a grant with an end. A cloud that takes no such policy is lenient.
func (j *judge) writeJudged(ctx context.Context, p principal, end, grant time.Time) error {
	on := access.Pattern("arn:" + policy.PartitionOf(j.at.Site.Region).Name + ":s3:::" + j.store.Name + "/" +
		j.store.Prefix + "/" + store.SystemKey)
	granted, err := policy.CompileGrants([]policy.Grant{{
		Name:     "probe",
		Resource: on,
		Actions:  []string{"read"},
		EndsAt:   grant,
	}}, grant, policy.Words{})
	if err != nil {
		return err
	}
	for name, d := range map[string]policy.Document{endPolicy: policy.End(end, nil), grantsPolicy: granted} {
		err := j.at.putInline(ctx, p, name, d.JSON())
		var said *client.Error
		if errors.As(err, &said) && (said.Unknown() || said.Code == "MalformedPolicyDocument") {
			return fmt.Errorf("it does not accept a policy such as %s: %w: %w", name, err, errLenient)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reads reports whether somebody reads the object of a try. It asks until the answer is the wanted one, for as long as
// patience lasts: a cloud takes a moment to hear of a policy.
func reads(ctx context.Context, b *store.Bucket, want bool) (bool, error) {
	for begun := access.WallClock(); ; {
		_, _, err := b.Get(ctx, store.SystemKey, "")
		refused := errors.Is(err, access.ErrNotPermitted)
		unknown := errors.Is(err, access.ErrLogin) // the key is new
		if err != nil && !refused && !unknown {
			return false, err
		}
		waited := access.WallClock().Sub(begun)
		switch {
		case unknown && waited > keyTakes:
			return false, err
		case !unknown && ((err == nil) == want || waited > b.Client.Site.Patience):
			return err == nil, nil
		}
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return false, err
		}
	}
}
