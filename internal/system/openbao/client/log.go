// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"time"
)

// Attempt is one request that was sent, and what came of it. It has no token, no secret, and nothing of
// what was written or read.
type Attempt struct {
	Method, Path string
	Namespace    string
	Number       int // of this call, from 1
	Status       int // 0 without an answer
	Took         time.Duration
	Problem      string
}

// log tells of the last attempt.
func (k *call) log(ctx context.Context) {
	if k.client.options.Log == nil || k.sent.IsZero() {
		return
	}
	hidden := append(secretsIn(k.body), k.token)
	k.client.options.Log(ctx, Attempt{
		Method:    k.method,
		Path:      k.client.shown(k.path, hidden),
		Namespace: k.client.options.Namespace,
		Number:    k.attempts + 1,
		Status:    k.outcome.status,
		Took:      k.client.clock().Sub(k.sent),
		Problem:   k.client.shown(k.outcome.problem, hidden),
	})
}
