// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// A workflow bundles many reads into one request (OpenBao's sys/workflows, since 2.6). OpenBao runs it with the
// caller's own token, so it gives nothing that the caller has not, and its steps are in the audit log one by one. It is
// optional: what it does not answer is asked singly.

const (
	// workflow is its name. One of another text under this name is somebody else's, and left alone.
	workflow     = "partner-bundle"
	workflowPath = "sys/workflows/manage/" + workflow
	// slots is how many reads a bundle has. Measured on 2.7.2: 200 take 73 ms, and a bundle of five 33 ms.
	slots = 200
	// worthwhile is from how many identities on a bundle is quicker than single reads.
	worthwhile = 8
)

// workflowText returns the workflow: so many requests, each with operation, path and accessor from the input's lists.
// Those beyond the end of the lists are not made. A request that fails has no answer, and the others go on.
var workflowText = func() string {
	var text strings.Builder
	text.WriteString("input {\n")
	for _, name := range []string{"operations", "paths", "accessors"} {
		fmt.Fprintf(&text, "  field \"slice\" %q { required = true }\n", name)
	}
	text.WriteString("}\nflow \"bundle\" {\n")
	for n := range slots {
		given := fmt.Sprintf("lt %d (len .input.paths)", n)
		pick := func(list, otherwise string) string {
			return fmt.Sprintf(`{ eval_source = "template" eval_type = "string" template = "{{ if %s }}{{ index .input.%s %d }}{{ else }}%s{{ end }}" }`, given, list, n, otherwise)
		}
		fmt.Fprintf(&text, "  request \"r%d\" {\n    allow_failure = true\n    when = { eval_source = \"template\" "+
			"eval_type = \"bool\" template = \"{{ %s }}\" }\n    operation = %s\n    path = %s\n    data = { "+
			"secret_id_accessor = %s }\n  }\n", n, given, pick("operations", "read"), pick("paths", "none"),
			pick("accessors", ""))
	}
	text.WriteString("}\noutput {\n  data = { eval_source = \"cel\" eval_type = \"map\" expression = " +
		"\"has(responses.bundle) ? responses.bundle : {}\" }\n}\n")
	return text.String()
}

// bundler bundles reads by a workflow.
type bundler struct {
	*server
	store *policies

	// bundling guards what follows. It is held while the workflow is looked at or installed.
	bundling sync.Mutex
	there    workflowState
	// offered: its installation was tried.
	offered bool
}

// workflowState is what is known of the workflow in this process.
type workflowState int

const (
	notAsked workflowState = iota
	absent
	// unusable: it may not be read or installed, or another text has its name.
	unusable
	usable
)

// bundles reports whether requests can be bundled. It asks once in a process, when there is enough to bundle: the
// workflow has more than a hundred kilobytes. A server that is away is an error, and is asked again.
func (b *bundler) bundles(ctx context.Context) (bool, error) {
	b.bundling.Lock()
	defer b.bundling.Unlock()
	err := b.lookAtWorkflow(ctx)
	return b.there == usable, err
}

// lookAtWorkflow finds out what there is, unless that is known. The lock is held.
func (b *bundler) lookAtWorkflow(ctx context.Context) error {
	if b.there != notAsked {
		return nil
	}
	var found struct {
		Workflow string `json:"workflow"`
	}
	err := b.client.Get(ctx, workflowPath, &found)
	switch {
	case errors.Is(err, access.ErrUnavailable):
		return err
	case errors.Is(err, access.ErrNotFound):
		b.there = absent
	case err == nil && found.Workflow == workflowText():
		b.there = usable
	default:
		b.there = unusable
	}
	return nil
}

// offering is how long a change may take longer, once in a process, to install the workflow.
const offering = 5 * time.Second

// offerBundles installs the workflow, once there is enough to bundle and if the configuration lets it make what it
// misses. It is tried once, after a change, since a plan only looks. It returns no error: without the workflow there
// are single requests (see TestWhereNoWorkflowCanBeInstalledChangesGoOn).
func (b *bundler) offerBundles(ctx context.Context) {
	if !b.options.Bootstrap || !b.bundling.TryLock() { // else somebody else is at it
		return
	}
	defer b.bundling.Unlock()
	if b.offered || b.store.Size() < worthwhile {
		return
	}
	b.offered = true
	ctx, cancel := context.WithTimeout(ctx, offering)
	defer cancel()
	if b.lookAtWorkflow(ctx) != nil || b.there != absent {
		return
	}
	b.there = unusable
	install := map[string]any{
		"workflow":    workflowText(),
		"description": "Bundles the reads of terraform-provider-partner.",
		"cas":         -1,
	}
	switch err := b.client.Put(ctx, workflowPath, install, nil); {
	case err == nil:
		b.there = usable
	case client.Said(err, "check-and-set"): // somebody else was first
		b.there = notAsked
	}
}

// ask is one read of a bundle. accessor is that of a secret id to look up; "" for all others.
type ask struct {
	operation, path, accessor string
}

// response is what a bundle answers to an ask: nil if it failed. Its data is empty if nothing is there.
type response *struct {
	Data json.RawMessage `json:"data"`
}

// execute asks in bundles, side by side, and returns the answers in the order of the asks. Its error is that of a
// bundle as a whole; of several, one that says that the server is away.
func (b *bundler) execute(ctx context.Context, asks []ask) ([]response, error) {
	all := make([]response, len(asks))
	errs := make([]error, (len(asks)+slots-1)/slots)
	var wg sync.WaitGroup
	n := 0
	for chunk := range slices.Chunk(asks, slots) {
		answers := all[n*slots : n*slots+len(chunk)]
		failed := &errs[n]
		wg.Go(func() { *failed = b.executeOne(ctx, chunk, answers) })
		n++
	}
	wg.Wait()
	for _, err := range errs { // one that is away beats one that may not be asked
		if errors.Is(err, access.ErrUnavailable) {
			return nil, err
		}
	}
	return all, cmp.Or(errs...)
}

// executeOne executes the workflow once. Its answers are named by the number of their ask: r0, r1 and so on. An ask
// without one stays nil.
func (b *bundler) executeOne(ctx context.Context, chunk []ask, answers []response) error {
	in := map[string][]string{}
	for _, a := range chunk {
		in["operations"] = append(in["operations"], a.operation)
		in["paths"] = append(in["paths"], a.path)
		in["accessors"] = append(in["accessors"], a.accessor)
	}
	var out map[string]json.RawMessage
	if err := b.client.Put(ctx, "sys/workflows/execute/"+workflow, in, &out); err != nil {
		return err
	}
	for n := range chunk {
		text, answered := out[fmt.Sprintf("r%d", n)]
		if !answered {
			continue
		}
		answers[n] = new(struct {
			Data json.RawMessage `json:"data"`
		})
		if err := json.Unmarshal(text, answers[n]); err != nil {
			return fmt.Errorf("%w: cannot read the workflow's answer", access.ErrUnavailable)
		}
	}
	return nil
}
