package billingtest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// obj is a JSON object.
type obj = map[string]any

// apiError is an error in Stripe's form (https://docs.stripe.com/api/errors).
type apiError struct {
	status                     int
	kind, code, message, param string
}

func (e *apiError) body() obj {
	kind := e.kind
	if kind == "" {
		kind = "invalid_request_error"
	}
	inner := obj{"type": kind, "message": e.message}
	if e.code != "" {
		inner["code"] = e.code
	}
	if e.param != "" {
		inner["param"] = e.param
	}
	return obj{"error": inner}
}

func invalid(param, message string) *apiError {
	return &apiError{status: 400, message: message, param: param}
}

// missing is 404 for what the path names, 400 for what a parameter names.
func missing(status int, param, what, id string) *apiError {
	return &apiError{status: status, code: "resource_missing", message: "No such " + what + ": '" + id + "'", param: param}
}

// remembered is an answer that is given again.
type remembered struct {
	params [32]byte
	status int
	body   []byte
	at     int64
}

// params are the parameters of a call. What nobody asked for is unknown.
type params struct {
	values url.Values
	used   map[string]bool
	err    *apiError // the first
}

func (p *params) fail(err *apiError) {
	if p.err == nil {
		p.err = err
	}
}

// get is a text; empty if it isn't there.
func (p *params) get(name string) string {
	p.used[name] = true
	if len(p.values[name]) > 1 {
		p.fail(invalid(name, "Given twice"))
	}
	return p.values.Get(name)
}

func (p *params) need(name string) string {
	s := p.get(name)
	if s == "" {
		p.fail(&apiError{status: 400, code: "parameter_missing", message: "Missing required param: " + name + ".", param: name})
	}
	return s
}

func (p *params) number(name string) int64 {
	s := p.get(name)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		p.fail(&apiError{status: 400, code: "parameter_invalid_integer", message: "Invalid integer: " + s, param: name})
	}
	return n
}

func (p *params) boolean(name string) bool {
	s := p.get(name)
	if s != "" && s != "true" && s != "false" {
		p.fail(invalid(name, "Invalid boolean: "+s))
	}
	return s == "true"
}

// checkURL refuses what is there and no web address.
func (p *params) checkURL(name string) {
	s := p.get(name)
	if s == "" {
		return
	}
	if u, err := url.Parse(s); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		p.fail(&apiError{status: 400, code: "url_invalid", message: "Not a valid URL", param: name})
	}
}

// list is name[0], name[1], … or name[] more than once.
func (p *params) list(name string) []string {
	p.used[name+"[]"] = true
	out := slices.Clone(p.values[name+"[]"])
	for i := 0; ; i++ {
		key := name + "[" + strconv.Itoa(i) + "]"
		if !p.values.Has(key) {
			return out
		}
		out = append(out, p.get(key))
	}
}

// object is name[a], name[b], …
func (p *params) object(name string) map[string]string {
	out := map[string]string{}
	for key := range p.values {
		inner, ok := strings.CutPrefix(key, name+"[")
		if inner, end := strings.CutSuffix(inner, "]"); ok && end && !strings.Contains(inner, "[") {
			out[inner] = p.get(key)
		}
	}
	return out
}

func (p *params) finish() *apiError {
	for key := range p.values {
		if !p.used[key] {
			p.fail(&apiError{status: 400, code: "parameter_unknown", message: "Received unknown parameter: " + key, param: key})
		}
	}
	return p.err
}

// answer does one call. All calls are done one after the other.
func (f *Fake) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		send(w, 413, invalid("", "Too large").body())
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	values := r.URL.Query()
	if r.Method != http.MethodGet {
		if values, err = url.ParseQuery(string(body)); err != nil {
			send(w, 400, invalid("", "Invalid form").body())
			return
		}
	}
	if e := f.admit(r); e != nil {
		if e.status == 503 {
			w.Header().Set("Retry-After", "1")
		}
		send(w, e.status, e.body())
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if r.Method != http.MethodPost {
		key = ""
	}
	fingerprint := sha256.Sum256([]byte(r.Method + " " + r.URL.Path + "\n" + values.Encode()))
	if before, ok := f.answers[key]; ok && key != "" && f.now().Unix()-before.at < int64(idempotencyLife.Seconds()) {
		if before.params != fingerprint {
			e := apiError{status: 400, kind: "idempotency_error", message: "Keys for idempotent requests can only be used with the same parameters they were first used with."}
			send(w, e.status, e.body())
			return
		}
		w.Header().Set("Idempotent-Replayed", "true")
		sendRaw(w, before.status, before.body)
		return
	}
	out, apiErr := f.call(r.Method, strings.Split(strings.Trim(r.URL.Path, "/"), "/"), &params{values: values, used: map[string]bool{}})
	if apiErr != nil {
		// Nothing was done, so the key may be used again.
		send(w, apiErr.status, apiErr.body())
		return
	}
	raw, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	if key != "" {
		f.answers[key] = remembered{params: fingerprint, status: 200, body: raw, at: f.now().Unix()}
	}
	sendRaw(w, 200, raw)
}

func (f *Fake) admit(r *http.Request) *apiError {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	version := r.Header.Get("Stripe-Version")
	switch {
	case f.outage:
		return &apiError{status: 503, kind: "api_error", message: "The fake is out of order."}
	case token != f.opts.Key:
		return &apiError{status: 401, message: "Invalid API Key provided: " + token}
	case version != "" && version != Version:
		return invalid("", fmt.Sprintf("The fake speaks %s only", Version))
	case len(r.Header.Get("Idempotency-Key")) > 255:
		return invalid("", "The idempotency key is too long")
	}
	return nil
}

func send(w http.ResponseWriter, status int, v obj) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	sendRaw(w, status, raw)
}

func sendRaw(w http.ResponseWriter, status int, raw []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", newID("req_", 14))
	w.Header().Set("Stripe-Version", Version)
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

// listed is one page (https://docs.stripe.com/api/pagination).
func listed[T any](p *params, path string, all []T, id func(T) string, render func(T) any) (obj, *apiError) {
	limit := p.number("limit")
	if limit == 0 {
		limit = 10
	}
	if limit < 1 || limit > 100 {
		p.fail(invalid("limit", "Invalid limit"))
	}
	if after := p.get("starting_after"); after != "" {
		i := slices.IndexFunc(all, func(v T) bool { return id(v) == after })
		if i < 0 {
			p.fail(missing(400, "starting_after", "object", after))
		}
		all = all[i+1:]
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	more := int64(len(all)) > limit
	if more {
		all = all[:limit]
	}
	data := []any{}
	for _, v := range all {
		data = append(data, render(v))
	}
	return obj{"object": "list", "url": path, "has_more": more, "data": data}, nil
}
