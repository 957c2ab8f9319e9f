// SPDX-License-Identifier: MPL-2.0

package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Each attempt is judged by two questions: what became of it (its fate), and whether another one is worth while. A
// request that may have been carried out is only repeated if doing it twice does no harm, and whoever gave up on it is
// told to look (Error.Ambiguous). What OpenBao did not write decides nothing about objects or rights: a gateway's 404
// is no object that is gone, and its 403 no lack of rights.

// fate is what became of an attempt.
type fate int

const (
	notSent    fate = iota // it never left
	notBegun               // the server says that it did not begin
	refused                // the server answered with a no
	unanswered             // it may have been carried out
	done
)

// repeats is how often an outcome of this kind is worth another attempt: never, a few times (fewRepeats), or as long as
// patience lasts.
type repeats int

const (
	never repeats = iota
	few
	patiently
)

// outcome is one attempt, judged.
type outcome struct {
	fate    fate
	repeats repeats
	wait    time.Duration // that the server asked for
	cause   error         // a sentinel of access, or nil
	// status is that of the answer; 0 without one.
	status int
	// problem is what we say of it, and messages what OpenBao said, without secrets.
	problem  string
	messages []string
	byPolicy bool // a 403 of the policies: the token itself is good
	ours     bool // OpenBao wrote the answer, and not somebody in between
	wide     bool // it is of the whole server, and not of what was asked for
}

// judge says what the last attempt came to. What it does not know is taken for an attempt that may have been carried
// out on a server that is away, which is repeated if it may be.
func (k *call) judge(resp *http.Response, err error) outcome {
	if err != nil {
		return k.judgeLost(err)
	}
	o := outcome{status: resp.StatusCode, cause: access.ErrUnavailable, fate: unanswered, repeats: patiently}
	if resp.StatusCode/100 == 2 {
		return k.judgeSuccess(o)
	}
	o.messages, o.ours = k.said()
	if !o.ours {
		o.problem = k.inFront(o.status)
	}
	switch resp.StatusCode / 100 {
	case 3:
		return k.judgeRedirect(o, resp)
	case 4:
		return k.judgeRefused(o, resp)
	case 5:
		return k.judgeFailed(o)
	}
	o.repeats = never
	return o
}

// judgeRefused judges an answer that says that the request is wrong, as long as OpenBao itself says so: a firewall's
// page says nothing about rights or paths.
func (k *call) judgeRefused(o outcome, resp *http.Response) outcome {
	switch o.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		if !o.ours {
			return k.foreign(o)
		}
		o.fate = refused
		o.repeats = never
		o.cause = access.ErrNotPermitted
		// OpenBao gathers what policies refuse in a multierror, and writes a token that it does not take plainly
		o.byPolicy = strings.Contains(string(k.answer), "1 error occurred")
	case http.StatusNotFound:
		return k.judgeNotFound(o)
	case http.StatusMethodNotAllowed:
		if !o.ours {
			return k.foreign(o)
		}
		o.fate = refused
		o.repeats = never
		o.cause = access.ErrUnsupported
	case http.StatusTooManyRequests:
		o.fate, o.wait = notBegun, retryAfter(resp.Header.Get("Retry-After"), k.client.clock())
		o.wide = o.wait == 0
		if o.wait > 0 {
			o.problem = "it asks to wait " + access.Hours(o.wait.Round(time.Second))
		}
	default:
		wrong := k.wrongScheme(o)
		if !o.ours && !wrong {
			return k.foreign(o)
		}
		o.fate, o.repeats = refused, never
		if wrong {
			o.problem = speaksTLS
			return o
		}
		o.cause = nil
	}
	return o
}

// judgeFailed judges an answer that says that the server could not, and so whether it is asked again.
func (k *call) judgeFailed(o outcome) outcome {
	switch o.status {
	case http.StatusInternalServerError:
		o.repeats = few
		// answered before it is forwarded; other texts may follow a lost forward
		if o.says("active cluster node not found") {
			o.fate, o.repeats = notBegun, patiently
			o.wide = true
			o.problem = "this node is a standby and knows no leader"
		}
	case http.StatusServiceUnavailable:
		o.wide = true
		if o.says("sealed") {
			o.fate, o.repeats, o.problem = refused, few, "it must be unsealed, and, if it is new, first initialized "+
				"(bao operator init)"
		}
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		o.wide = true
	default:
		o.repeats = never
		if o.problem == "" && k.page() {
			o.problem = aPage
		}
	}
	return o
}

// inFront says who wrote an answer of a failure that OpenBao did not write; "" if that cannot be told.
func (k *call) inFront(status int) string {
	const front = "a balancer or proxy in front of OpenBao answered itself"
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return front + ": it reaches no OpenBao behind it"
	case http.StatusTooManyRequests:
		return front + ": it limits how many requests it takes"
	case http.StatusInternalServerError:
		return front
	}
	return ""
}

// judgeLost judges an attempt without an answer.
func (k *call) judgeLost(err error) outcome {
	o := outcome{fate: notSent, repeats: patiently, cause: access.ErrUnavailable}
	if k.connected.Load() {
		o.fate = unanswered
	}
	if errors.Is(err, errAway) {
		o.repeats, o.problem = never, k.outage.Error()
		return o
	}
	o.problem, o.wide = k.describe(err), !errors.Is(err, errTooBig) && !errors.Is(err, errNoTurn)
	var name *net.DNSError
	switch {
	case errors.As(err, &name) && name.IsNotFound:
		o.repeats = few
	case permanent(err), errors.Is(err, errTooBig):
		o.repeats = never
	}
	return o
}

// judgeSuccess believes a success only with an answer that OpenBao could have written. A 204 has nothing to show, so a
// write is believed with one, and a read, which always has content, is not.
func (k *call) judgeSuccess(o outcome) outcome {
	switch {
	case k.writes && len(k.answer) == 0 && o.status != http.StatusOK, k.signed():
		o.fate = done
	case json.Valid(k.answer):
		o.repeats = few
		o.problem = "the answer is not OpenBao's: it has no request_id, as that of a gateway in between"
	case len(k.answer) == 0:
		o.problem = "the answer is empty"
	case k.page():
		o.problem = aPage
	default:
		o.problem = "the answer is not JSON"
	}
	return o
}

// signed reports whether an answer is JSON that names its request, as all of OpenBao's do but those to a few paths. A
// gateway in maintenance may answer 200 and JSON as well: nothing was written then, and what was read is not gone.
func (k *call) signed() bool {
	if strings.HasPrefix(k.path, "sys/workflows/execute/") || k.path == "sys/seal-status" || k.path == "sys/leader" {
		return json.Valid(k.answer)
	}
	var answer struct {
		ID string `json:"request_id"`
	}
	return json.Unmarshal(k.answer, &answer) == nil && answer.ID != ""
}

// foreign returns the outcome where a balancer answered by itself, so that nothing is known of what was asked for.
func (k *call) foreign(o outcome) outcome {
	o.repeats, o.problem = few, "the answer is not OpenBao's"
	if k.page() {
		o.problem = aPage
	}
	return o
}

// judgeNotFound tells what is gone from what was never served. A balancer's own 404 is neither.
func (k *call) judgeNotFound(o outcome) outcome {
	if !o.ours {
		return k.foreign(o)
	}
	o.fate, o.repeats = refused, never
	switch {
	case o.says("no handler for route"):
		o.cause = access.ErrUnsupported
		o.problem = fmt.Sprintf("nothing is mounted at %s, or at a longer path that serves it", mountOf(k.path))
	case o.says("unsupported path"), o.says("namespace not found"):
		o.cause = access.ErrUnsupported
	case len(o.messages) == 0 || o.says("failed to find accessor entry"):
		o.cause = access.ErrNotFound
	default:
		o.cause = nil
	}
	return o
}

// mountOf returns the mount that a path is in when mounts have names of one segment.
func mountOf(path string) string {
	parts := strings.Split(path, "/")
	if parts[0] == "auth" && len(parts) > 1 {
		return "auth/" + parts[1] + "/"
	}
	return parts[0] + "/"
}

// judgeRedirect follows none. A standby that cannot reach its leader answers 307 to the leader's address, maybe after
// the leader has done it; behind a balancer that address can be our own.
func (k *call) judgeRedirect(o outcome, resp *http.Response) outcome {
	ours := k.client.base
	target, err := resp.Location()
	if err != nil {
		o.fate = refused
		o.repeats = never
		o.problem = "a redirect to nowhere"
		return o
	}
	same := target.Scheme == ours.Scheme && target.Host == ours.Host
	if same && target.Path != ours.Path+"/v1/"+k.path {
		o.fate = refused
		o.repeats = never
		o.problem = "a redirect to another path, which the provider does not follow"
		return o
	}
	o.problem = fmt.Sprintf("a redirect from %s://%s to %s://%s, which the provider does not follow", ours.Scheme,
		ours.Host, target.Scheme, target.Host)
	if o.wide = resp.StatusCode == http.StatusTemporaryRedirect; !o.wide {
		o.fate, o.repeats = refused, never
	}
	return o
}

// retryAfter returns the wait that a server asks for, in seconds or as a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(date.Sub(now), 0)
	}
	return 0
}

const (
	maxMessages = 5
	maxMessage  = 500 // bytes of one message
)

// said returns what the answer says went wrong, without secrets, and whether OpenBao wrote it.
func (k *call) said() (messages []string, ours bool) {
	var answer struct {
		Errors *[]string `json:"errors"`
		Data   struct {
			Error string `json:"error"`
		} `json:"data"`
	}
	if json.Unmarshal(k.answer, &answer) != nil {
		return nil, false
	}
	ours = answer.Errors != nil || answer.Data.Error != ""
	if answer.Errors != nil {
		messages = *answer.Errors
	}
	if answer.Data.Error != "" {
		messages = append(messages, answer.Data.Error)
	}
	messages = messages[:min(len(messages), maxMessages)]
	secrets := secretsIn(k.body)
	for i, message := range messages {
		message = k.client.shown(message, append(secrets, k.token))
		message = strings.TrimPrefix(strings.Join(strings.Fields(message), " "), "1 error occurred: * ")
		messages[i] = strings.ToValidUTF8(message[:min(len(message), maxMessage)], "")
	}
	return messages, ours
}

// secretsIn returns the values of a request that no text may show, should the server repeat them: OpenBao and proxies
// in front of it quote parts of what they do not understand.
func secretsIn(body []byte) []string {
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil {
		return nil
	}
	var secrets []string
	for _, name := range []string{"secret_id", "secret_id_accessor", "accessor", "token", "jwt", "password", "key",
		"private_key"} {
		if value, ok := fields[name].(string); ok {
			secrets = append(secrets, value)
		}
	}
	return secrets
}

// says tells whether a message has this text in it.
func (o outcome) says(text string) bool {
	for _, message := range o.messages {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}
