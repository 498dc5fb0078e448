package stripebilling

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
)

const (
	maxBody    = 4 << 20 // bytes of an answer, decompressed
	firstDelay = 500 * time.Millisecond
	maxDelay   = 5 * time.Second
	maxAfter   = time.Hour // longer wishes of Retry-After are cut
)

// backend is a [stripe.Backend] that the library's own isn't: its waits end with
// the context, answers have a limit, and it neither logs paths and bodies nor
// runs uname(1) to tell Stripe about the machine.
type backend struct {
	base    string
	timeout time.Duration // of one attempt
	retries int
	log     *zap.Logger
	client  *http.Client
}

var _ stripe.Backend = (*backend)(nil)

var errUnsupported = errors.New("stripebilling: not a call that is made here")

// Call sends one request and decodes the answer into v.
func (b *backend) Call(method, path, key string, params stripe.ParamsContainer, v stripe.LastResponseSetter) error {
	values := &form.Values{}
	form.AppendTo(values, params)
	return b.CallRaw(method, path, key, values, params.GetParams(), v)
}

// CallRaw is Call with encoded parameters.
func (b *backend) CallRaw(method, path, key string, values *form.Values, params *stripe.Params, v stripe.LastResponseSetter) error {
	query := values.Encode()
	r := request{method: method, path: path, key: key}
	if method == http.MethodGet && query != "" {
		r.path += "?" + query
	} else {
		r.body = query
	}
	if method == http.MethodPost {
		r.idempotency = rand.Text()
		if params.IdempotencyKey != nil {
			r.idempotency = *params.IdempotencyKey
		}
	}
	for attempt := 0; ; attempt++ {
		a := b.once(params.Context, r)
		if a.err == nil {
			if err := json.Unmarshal(a.body, v); err == nil {
				v.SetLastResponse(&stripe.APIResponse{Header: a.header, StatusCode: a.status, IdempotencyKey: r.idempotency})
				return nil
			}
			a.err, a.again = unavailable(errNotStripe, 0), false
		}
		delay := a.delay(attempt)
		fields := []zap.Field{zap.String("method", method), zap.String("resource", resource(path)), zap.Int("status", a.status), zap.Int("attempt", attempt+1), zap.Error(a.err)}
		if !a.again || attempt >= b.retries || delay > maxDelay || tooLate(params.Context, delay) {
			_, down := errors.AsType[*billing.UnavailableError](a.err)
			switch {
			case params.Context.Err() != nil: // nobody waits for it
			case down:
				b.log.Warn("Stripe can't be asked", fields...)
			case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
				b.log.Warn("Stripe refuses the key", fields...)
			}
			return a.err
		}
		b.log.Debug("Stripe is asked again", fields...)
		if err := sleep(params.Context, delay); err != nil {
			return unavailable(err, a.after)
		}
	}
}

type request struct{ method, path, key, body, idempotency string }

// answer is the outcome of one attempt.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
	again  bool          // another attempt may help
	after  time.Duration // what Retry-After says
}

func (b *backend) once(ctx context.Context, r request) answer {
	limited, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, r.method, b.base+r.path, strings.NewReader(r.body))
	if err != nil {
		return answer{err: refused("malformed_request")}
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("Stripe-Version", stripe.APIVersion)
	req.Header.Set("User-Agent", "heycmo stripe-go/"+stripe.ClientVersion)
	if r.method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Idempotency-Key", r.idempotency)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return lost(ctx, limited, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return lost(ctx, limited, err)
	}
	if len(body) > maxBody {
		return answer{status: res.StatusCode, err: unavailable(errTooLarge, 0)}
	}
	a := answer{status: res.StatusCode, header: res.Header, body: body, after: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	a.judge()
	return a
}

// lost explains an attempt without an answer.
func lost(ctx, limited context.Context, err error) answer {
	switch {
	case ctx.Err() != nil:
		return answer{err: unavailable(ctx.Err(), 0)}
	case limited.Err() != nil:
		return answer{err: unavailable(errSlow, 0), again: true}
	}
	return answer{err: unavailable(harmless(err), 0), again: true}
}

// delay is how long to wait before the next attempt: twice as long each time,
// spread so that many hosts don't come back at once, and at least what Stripe
// asked for.
func (a answer) delay(attempt int) time.Duration {
	d := min(firstDelay<<min(attempt, 10), maxDelay)
	d -= time.Duration(mathrand.Int64N(int64(d)/4 + 1)) //nolint:gosec // no secret
	return max(d, a.after)
}

func tooLate(ctx context.Context, delay time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= delay
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds or a date.
func retryAfter(s string, now time.Time) time.Duration {
	var d time.Duration
	if seconds, err := strconv.Atoi(s); err == nil {
		d = time.Duration(min(seconds, int(maxAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(s); err == nil {
		d = at.Sub(now)
	}
	return max(0, min(d, maxAfter))
}

// words are the parts of paths that are no IDs.
var words = map[string]bool{
	"v1": true, "checkout": true, "sessions": true, "customers": true, "subscriptions": true, "subscription_items": true,
	"prices": true, "billing_portal": true, "billing": true, "meter_events": true, "events": true, "webhook_endpoints": true,
}

// resource is a path for the log.
func resource(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, part := range parts {
		if !words[part] {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}

// CallStreaming, CallMultipart and SetMaxNetworkRetries belong to the library's
// interface and aren't needed.
func (b *backend) CallStreaming(string, string, string, stripe.ParamsContainer, stripe.StreamingLastResponseSetter) error {
	return errUnsupported
}

// CallMultipart is not supported.
func (b *backend) CallMultipart(string, string, string, string, *bytes.Buffer, *stripe.Params, stripe.LastResponseSetter) error {
	return errUnsupported
}

// SetMaxNetworkRetries does nothing.
func (b *backend) SetMaxNetworkRetries(int64) {}
