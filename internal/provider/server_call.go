// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"sync/atomic"
	"time"
)

// call is the context of one call of Terraform's, which lets go of what it carries when the call is over.
//
// The framework (1.19, registerContext in internal/proto6server/serve.go) keeps a cancel function for every call until
// the provider ends, to cancel it when Terraform is interrupted, and with it the context that the call came with. With
// the loggers that the protocol's server hangs on each, that is ten kilobytes for each of four calls per resource: most
// of what a large plan held in memory, and searched in each collection of garbage. See TestACallThatIsOverHoldsNothing.
type call struct {
	// of is the context that the call came with, until the call is over.
	of atomic.Pointer[context.Context]
}

// during makes a call with a context that ends with it: afterwards, it is one that was cancelled.
func during[Request, Response any](ctx context.Context, req Request,
	do func(context.Context, Request) (Response, error)) (Response, error) {
	c := &call{}
	c.of.Store(&ctx)
	defer c.of.Store(&over)
	return do(c, req)
}

// brief returns a call whose context ends with it, for what is handed on as a function.
func brief[Request, Response any](do func(context.Context, Request) (Response, error)) func(context.Context,
	Request) (Response, error) {
	return func(ctx context.Context, req Request) (Response, error) { return during(ctx, req, do) }
}

// over is the context of a call that is over.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (c *call) Deadline() (time.Time, bool) { return (*c.of.Load()).Deadline() }
func (c *call) Done() <-chan struct{}       { return (*c.of.Load()).Done() }
func (c *call) Err() error                  { return (*c.of.Load()).Err() }
func (c *call) Value(key any) any           { return (*c.of.Load()).Value(key) }
