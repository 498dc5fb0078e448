package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/heycmo/heycmo-go/api"
)

// document is package api's, ready to be asked.
type document struct {
	*openapi3.T
	mux *http.ServeMux // finds the path of a request
}

var theDocument = sync.OnceValues(func() (*document, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.JSON())
	if err != nil {
		return nil, err
	}
	d := &document{doc, http.NewServeMux()}
	for path := range doc.Paths.Map() {
		pattern := path
		if path == "/" {
			pattern = "/{$}"
		}
		d.mux.Handle(pattern, describedPath)
	}
	return d, nil
})

// describedPath stands for every path of the document. The mux answers paths
// that are not clean by other handlers.
var describedPath http.Handler = http.NewServeMux()

// find returns the operation that a request is for. One that the document
// doesn't have can only be refused.
func (d *document) find(r *http.Request) (path string, op *openapi3.Operation) {
	if handler, pattern := d.mux.Handler(r); handler == describedPath {
		path = pattern
	}
	refusal, code := "NotFound", http.StatusNotFound
	if item := d.Paths.Value(path); item != nil {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		if op := item.GetOperation(method); op != nil {
			return path, op
		}
		refusal, code = "MethodNotAllowed", http.StatusMethodNotAllowed
	}
	op = &openapi3.Operation{Responses: openapi3.NewResponses()}
	op.Responses.Delete("default")
	op.Responses.Set(strconv.Itoa(code), d.Components.Responses[refusal])
	return path, op
}

// against holds a response against the document, and a request that was
// answered well too: what passes must be described.
func against(ctx context.Context, q request, got response) error {
	d, err := theDocument()
	if err != nil {
		return err
	}
	r := httptest.NewRequestWithContext(ctx, q.method, q.path, strings.NewReader(q.body))
	r.Header.Set("Content-Type", "application/json")
	if q.body == "" {
		r = httptest.NewRequestWithContext(ctx, q.method, q.path, http.NoBody)
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	path, op := d.find(r)
	input := &openapi3filter.RequestValidationInput{
		Request: r,
		Route:   &routers.Route{Spec: d.T, Path: path, PathItem: d.Paths.Value(path), Method: r.Method, Operation: op},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	// "default" is for failures of the host, not for what was forgotten.
	described := op.Responses.Status(got.status)
	if described == nil && (got.status == http.StatusInternalServerError || got.status == http.StatusServiceUnavailable) {
		described = op.Responses.Default()
	}
	switch {
	case described == nil:
		return errors.New("the status is not described")
	case r.Method == http.MethodHead && got.body != "":
		return errors.New("HEAD has a body")
	case r.Method == http.MethodHead:
		return nil // package openapi3filter checks nothing then
	case len(described.Value.Content) == 0 && got.body != "":
		return errors.New("no body is described")
	}
	if got.status < 300 {
		input.PathParams = pathParams(path, r.URL.Path)
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 got.status,
		Header:                 got.header,
		Body:                   io.NopCloser(bytes.NewBufferString(got.body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	})
}

func pathParams(pattern, path string) map[string]string {
	params := map[string]string{}
	values := strings.Split(path, "/")
	for i, part := range strings.Split(pattern, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok && i < len(values) {
			params[strings.TrimSuffix(name, "}")] = values[i]
		}
	}
	return params
}

// What the tests rely on to find a response that is not as described.
func TestResponsesAreHeldAgainstTheDocument(t *testing.T) {
	good := response{http.StatusOK, http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"a-request"}}, `{"status":"ok","timestamp":"2026-01-15T10:30:00.000Z"}`}
	health := request{method: "GET", path: "/api/health"}
	if err := against(t.Context(), health, good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*request, *response){
		"wrong type":     func(_ *request, r *response) { r.body = `{"status":1,"timestamp":"2026-01-15T10:30:00.000Z"}` },
		"microseconds":   func(_ *request, r *response) { r.body = `{"status":"ok","timestamp":"2026-01-15T10:30:00.000000Z"}` },
		"missing field":  func(_ *request, r *response) { r.body = `{"status":"ok"}` },
		"missing header": func(_ *request, r *response) { r.header = http.Header{"Content-Type": {"application/json"}} },
		"content type": func(_ *request, r *response) {
			r.header = http.Header{"Content-Type": {"text/plain"}, "X-Request-Id": {"a"}}
		},
		"other status": func(_ *request, r *response) { r.status = http.StatusTeapot },
		"unknown path": func(q *request, _ *response) { q.path = "/api/nothing" },
		"wrong method": func(q *request, _ *response) { q.method = "DELETE" },
	} {
		t.Run(name, func(t *testing.T) {
			q, r := health, good
			spoil(&q, &r)
			if against(t.Context(), q, r) == nil {
				t.Error("not found")
			}
		})
	}
}

func TestRequestsThatPassAreHeldAgainstTheDocument(t *testing.T) {
	got := response{http.StatusOK, http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"a-request"}}, `{"events":[]}`}
	for query, described := range map[string]bool{"?limit=1": true, "?limit=0": false, "?cursor=" + strings.Repeat("a", 513): false} {
		err := against(t.Context(), request{method: "GET", path: "/api/events/019b2a5e-7c00-7000-8000-000000000001" + query}, got)
		if (err == nil) != described {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// Routes that other faces serve.
var servedElsewhere = []string{"/", "/welcome", "/mcp", "/mcp/sse", "/mcp/message"}

func TestRoutesEqualDocument(t *testing.T) {
	d, err := theDocument()
	if err != nil {
		t.Fatal(err)
	}
	var table, described []string
	for _, rt := range new(face).routes() {
		table = append(table, fmt.Sprintf("%s %s credential=%s limit=%s", rt.method, rt.path, rt.credential, rt.limit))
	}
	for path, item := range d.Paths.Map() {
		if slices.Contains(servedElsewhere, path) {
			continue
		}
		for method, op := range item.Operations() {
			var schemes []string
			for _, alternative := range *op.Security {
				for scheme := range alternative {
					schemes = append(schemes, scheme)
				}
			}
			limit := ""
			if op.Extensions["x-limit"] != nil {
				limit = fmt.Sprint(op.Extensions["x-limit"])
			}
			described = append(described, fmt.Sprintf("%s %s credential=%s limit=%s", method, path, strings.Join(schemes, "|"), limit))
		}
	}
	for _, line := range table {
		if !slices.Contains(described, line) {
			t.Errorf("not in the document: %s", line)
		}
	}
	for _, line := range described {
		if !slices.Contains(table, line) {
			t.Errorf("not in the table: %s", line)
		}
	}
	if len(table) != len(described) {
		t.Errorf("%d routes, but %d operations", len(table), len(described))
	}
}
