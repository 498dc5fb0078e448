package inngesttest

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// run is one of a function. Its steps change between calls alone.
type run struct {
	server   *Server
	function Function
	id       string
	event    Event
	steps    map[string]json.RawMessage
	order    []string
	attempt  int
}

// waiter is a run that waits for an event.
type waiter struct {
	event, expression string
	came              chan Event
}

// begin begins a run; under mu.
func (s *Server) begin(f Function, e Event) {
	select {
	case <-s.stop:
		return
	default:
	}
	r := &run{server: s, function: f, id: rand.Text(), event: e, steps: map[string]json.RawMessage{}}
	s.live[r.id] = r
	s.runs.Go(func() {
		r.work()
		s.mu.Lock()
		delete(s.live, r.id)
		s.mu.Unlock()
	})
}

type operation struct {
	ID    string            `json:"id"`
	Op    string            `json:"op"`
	Data  json.RawMessage   `json:"data"`
	Error json.RawMessage   `json:"error"`
	Opts  map[string]string `json:"opts"`
}

// work calls the app until the function has ended.
func (r *run) work() {
	for {
		status, header, body, err := r.call()
		retry := false
		switch {
		case err != nil:
			retry = true
		case status == http.StatusPartialContent:
			var ops []operation
			if json.Unmarshal(body, &ops) != nil || len(ops) != 1 {
				return
			}
			switch o := ops[0]; o.Op {
			case "StepRun":
				r.remember(o.ID, map[string]json.RawMessage{"data": o.Data})
			case "StepFailed":
				r.remember(o.ID, map[string]json.RawMessage{"error": o.Error})
			case "StepError":
				if retry = r.attempt < r.retries(); !retry {
					r.remember(o.ID, map[string]json.RawMessage{"error": o.Error})
				}
			case "WaitForEvent":
				if !r.wait(o) {
					return
				}
			default:
				return
			}
		case status == http.StatusOK, header.Get("X-Inngest-No-Retry") == "true":
			return
		default:
			retry = true
		}
		if !retry {
			continue
		}
		if r.attempt++; r.attempt > r.retries() || !r.pause(retryAfter(header)) {
			return
		}
	}
}

func (r *run) retries() int { return r.function.Steps["step"].Retries.Attempts }

// remember keeps the outcome of a step, after which attempts count anew.
func (r *run) remember(id string, outcome any) {
	data, _ := json.Marshal(outcome) // it came from JSON
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.steps[id], r.attempt = data, 0
	r.order = append(r.order, id)
}

// wait waits for an event, and reports whether the server still runs.
func (r *run) wait(o operation) bool {
	timeout, err := time.ParseDuration(o.Opts["timeout"])
	if err != nil {
		return false
	}
	w := &waiter{o.Opts["event"], o.Opts["if"], make(chan Event, 1)}
	r.server.mu.Lock()
	r.server.waiting = append(r.server.waiting, w)
	r.server.mu.Unlock()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	var outcome any
	select {
	case e := <-w.came:
		outcome = e
	case <-timer.C:
	case <-r.server.stop:
		return false
	}
	r.remember(o.ID, outcome)
	return true
}

// pause waits before another attempt, and reports whether the server still runs.
func (r *run) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.server.stop:
		return false
	}
}

// retryAfter is how long the app wants to be left alone: a time as in RFC 3339, or
// seconds. By itself the server waits less than a real one.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return time.Until(at)
	}
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(seconds) * time.Second
	}
	return 100 * time.Millisecond
}

// call calls the app once.
func (r *run) call() (status int, header http.Header, answer []byte, err error) {
	steps := r.steps
	size := 0
	for _, data := range steps {
		size += len(data)
	}
	large := size > r.server.options.MaxState
	events := []Event{r.event}
	if large {
		steps, events = map[string]json.RawMessage{}, []Event{}
	}
	body, err := json.Marshal(map[string]any{
		"event": r.event, "events": events, "steps": steps, "version": 1,
		"ctx": map[string]any{
			"run_id": r.id, "attempt": r.attempt, "use_api": large, "disable_immediate_execution": false,
			"stack": map[string]any{"stack": r.order, "current": len(r.order)},
		},
	})
	if err != nil {
		return 0, nil, nil, err
	}
	request, err := http.NewRequest(http.MethodPost, r.function.Steps["step"].Runtime.URL, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if key := r.server.options.SigningKey; key != "" {
		request.Header.Set("X-Inngest-Signature", Sign(key, body, time.Now()))
	}
	res, err := r.server.client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, res.Header, answer, err
}

var prefix = regexp.MustCompile(`^signkey-\w+-`)

// Sign returns the signature that the server puts on a body at a time, for tests that
// send requests of their own.
func Sign(signingKey string, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	m := hmac.New(sha256.New, []byte(prefix.ReplaceAllString(signingKey, "")))
	_, _ = m.Write(append(bytes.Clone(body), t...))
	return "t=" + t + "&s=" + hex.EncodeToString(m.Sum(nil))
}

// bearerOf is a signing key as the app sends it.
func bearerOf(signingKey string) string {
	raw, err := hex.DecodeString(prefix.ReplaceAllString(signingKey, ""))
	if err != nil {
		raw = []byte(prefix.ReplaceAllString(signingKey, ""))
	}
	hash := sha256.Sum256(raw)
	return prefix.FindString(signingKey) + hex.EncodeToString(hash[:])
}

var comparison = regexp.MustCompile(`async\.data\.(\w+) == ("(?:[^"\\]|\\.)*")`)

// matches evaluates an expression: each comparison becomes true or false, and what is
// left is solved from the inside out.
func matches(expression string, data json.RawMessage) bool {
	var fields map[string]any
	if json.Unmarshal(data, &fields) != nil {
		return false
	}
	text := comparison.ReplaceAllStringFunc(expression, func(part string) string {
		m := comparison.FindStringSubmatch(part)
		var want string
		return strconv.FormatBool(json.Unmarshal([]byte(m[2]), &want) == nil && fields[m[1]] == want)
	})
	for before := ""; text != before; {
		before = text
		text = strings.NewReplacer("true && true", "true", "true && false", "false", "false && true", "false", "false && false", "false", "(true)", "true", "(false)", "false").Replace(text)
		if !strings.Contains(text, "&&") || strings.Contains(text, "(") {
			text = strings.NewReplacer("true || true", "true", "true || false", "true", "false || true", "true", "false || false", "false").Replace(text)
		}
	}
	return text == "true"
}
