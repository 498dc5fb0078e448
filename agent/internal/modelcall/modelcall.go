// Package modelcall is what the drivers of models share: connections, limits,
// attempts, and errors that tell nothing of a conversation.
package modelcall

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
)

const (
	// MaxAnswer is how long an answer may be, in bytes.
	MaxAnswer = 8 << 20
	// maxStream is the same with what server-sent events put around each word.
	maxStream = 64 << 20
	// maxError is how much of an error is read.
	maxError = 64 << 10
	// maxWait is how long a provider may ask to wait and still be tried again here.
	maxWait = time.Minute

	defaultTimeout = 2 * time.Minute
	defaultRetries = 2
	firstWait      = 500 * time.Millisecond
)

// Config is what the options of the drivers have in common.
type Config struct {
	Name      string // of the driver, for its errors and log
	Key       string
	BaseURL   string // not empty
	Transport http.RoundTripper
	Timeout   time.Duration
	Retries   int
	Log       *zap.Logger
	// Classify names the kind of an error by its JSON; "": its status does.
	Classify func(status int, body []byte) agent.ModelErrorKind
}

// Caller makes calls.
type Caller struct {
	Config
	Client *http.Client
}

// New checks a Config and fills in its defaults.
func New(c Config) (*Caller, error) {
	if c.Key == "" || strings.ContainsFunc(c.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fmt.Errorf("%s: the key must not be empty, nor hold spaces or letters beyond ASCII", c.Name)
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%s: BaseURL must be an http or https URL without user, query and fragment", c.Name)
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("%s: Timeout is negative", c.Name)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Retries == 0 {
		c.Retries = defaultRetries
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.Transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxResponseHeaderBytes = 64 << 10
		c.Transport = own
	}
	return &Caller{c, &http.Client{
		Transport: c.Transport,
		// The APIs never redirect; a proxy that does gets neither key nor text.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Do calls attempt until it succeeds, fails for good, or there is no time left.
// attempt says whether it may be repeated.
func (c *Caller) Do(ctx context.Context, attempt func(context.Context) (again bool, err error)) error {
	for n := 0; ; n++ {
		if ctx.Err() != nil {
			return c.ended(ctx)
		}
		again, err := c.once(ctx, attempt)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return c.ended(ctx)
		}
		failed := c.failure(err)
		c.Log.Warn("the model's provider failed", zap.String("driver", c.Name), zap.Int("attempt", n+1),
			zap.String("kind", string(failed.Kind)), zap.Int("status", failed.Status), zap.Error(failed.Err))
		if !again || !failed.Temporary() || errors.Is(failed, ErrAnswer) || n >= c.Retries || !wait(ctx, n, failed.After) {
			if ctx.Err() != nil {
				return c.ended(ctx)
			}
			return failed
		}
	}
}

func (c *Caller) once(ctx context.Context, attempt func(context.Context) (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	return attempt(ctx)
}

func (c *Caller) ended(ctx context.Context) error { return fmt.Errorf("%s: %w", c.Name, ctx.Err()) }

// wait waits before attempt n+2, unless that would take too long.
func wait(ctx context.Context, n int, least time.Duration) bool {
	d := firstWait << min(n, 4)
	d -= rand.N(d / 4) //nolint:gosec // only spreads the load
	if least > 0 {
		d = least
	}
	if deadline, ok := ctx.Deadline(); d > maxWait || ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// The faults of answers. Their texts are fixed, since an SDK's may quote what it
// couldn't read.
var (
	// ErrAnswer is an answer that is too large; another would be as well.
	ErrAnswer     = errors.New("the answer is too large")
	errUnreadable = errors.New("the answer isn't one of this API")
	errTime       = errors.New("there was no answer in time")
	errMoved      = errors.New("the address redirects, which isn't followed")
)

// Unreadable is the error for an answer that makes no sense.
func Unreadable() error { return &agent.ModelError{Kind: agent.ModelUnavailable, Err: errUnreadable} }

// TooLarge is the error for an answer beyond [MaxAnswer].
func TooLarge() error { return &agent.ModelError{Kind: agent.ModelUnavailable, Err: ErrAnswer} }

// failure makes a ModelError of what an SDK returned. Of unknown errors it keeps
// nothing but what the network says.
func (c *Caller) failure(err error) *agent.ModelError {
	if failed, ok := errors.AsType[*agent.ModelError](err); ok {
		return failed
	}
	cause := errUnreadable
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		cause = errTime
	case errors.As(err, &op):
		cause = op
	case errors.As(err, &cert):
		cause = cert
	}
	return &agent.ModelError{Kind: agent.ModelUnavailable, Err: cause}
}

// Send is the SDKs' middleware. It bounds answers, turns statuses into
// [agent.ModelError]s, and doesn't tell the provider about the machine.
func (c *Caller) Send(req *http.Request, next func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	for name := range req.Header {
		if strings.HasPrefix(name, "X-Stainless-") {
			req.Header.Del(name)
		}
	}
	res, err := next(req)
	if err != nil {
		return res, err
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		limit := int64(MaxAnswer)
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
			limit = maxStream
		}
		res.Body = &limited{res.Body, limit}
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxError)) // a part tells less, and the status enough
	failed := &agent.ModelError{Kind: c.Kind(res.StatusCode, body), Status: res.StatusCode, After: after(res.Header)}
	if res.StatusCode < 400 {
		failed.Err = errMoved
	}
	return nil, failed
}

// Kind says what an error of the provider means.
func (c *Caller) Kind(status int, body []byte) agent.ModelErrorKind {
	if kind := c.Classify(status, body); kind != "" {
		return kind
	}
	switch {
	case status == http.StatusTooManyRequests:
		return agent.ModelBusy
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status >= 500:
		return agent.ModelUnavailable
	case status == http.StatusRequestEntityTooLarge:
		return agent.ModelTooLong
	}
	return agent.ModelRefused
}

// after reads how long to wait (RFC 9110, section 10.2.3), and the finer
// retry-after-ms that OpenAI sends.
func after(h http.Header) time.Duration {
	for _, header := range []struct {
		name string
		unit time.Duration
	}{{"Retry-After-Ms", time.Millisecond}, {"Retry-After", time.Second}} {
		value := h.Get(header.name)
		if n, err := strconv.ParseFloat(value, 64); err == nil && n > 0 {
			return time.Duration(min(n*float64(header.unit), float64(24*time.Hour)))
		}
		if t, err := http.ParseTime(value); err == nil {
			return max(time.Until(t), 0)
		}
	}
	return 0
}

// limited fails where a body goes on for too long.
type limited struct {
	io.ReadCloser
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		// One more byte, or its end?
		var one [1]byte
		n, err := l.ReadCloser.Read(one[:])
		if n > 0 {
			return 0, TooLarge()
		}
		return 0, err
	}
	n, err := l.ReadCloser.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}
