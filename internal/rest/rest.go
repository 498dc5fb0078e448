// Package rest is the face of a host for account matters, under /api/.
//
//	http.Handle("/", rest.New(app))
//
// The document in package api is the source: the models are made from it, and a
// test holds the table of routes against it. Routing, strict decoding and the
// order of refusals are written by hand, since a generated server would read a
// request's parameters before it knows who is asking.
package rest

import (
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config oapi-codegen.yaml ../../api/openapi.yaml

// face answers requests with the use cases of a host.
type face struct{ app *app.App }

// New returns the handler of /api/ and /openapi.json, which answers 404 to
// everything else. It may stand behind [http.StripPrefix].
func New(a *app.App) http.Handler {
	f := &face{a}
	byPath := map[string]methods{}
	for _, rt := range f.routes() {
		if byPath[rt.path] == nil {
			byPath[rt.path] = methods{}
		}
		byPath[rt.path][rt.method] = f.handler(rt)
	}
	mux := http.NewServeMux()
	for pattern, m := range byPath {
		mux.Handle(pattern, m)
	}
	mux.HandleFunc("/", notFound)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, no-store")
		// The mux would redirect to the clean form of the path.
		if p := r.URL.EscapedPath(); path.Clean("/"+p) != p {
			notFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// handler answers the requests of a route that has been found.
func (f *face) handler(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := f.admit(rt, w, r)
		if err == nil {
			err = rt.handle(w, r, p)
		}
		if err != nil {
			httpx.Error(w, r, err)
		}
	}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	httpx.Error(w, r, httpx.Status(http.StatusNotFound, "there is nothing at this path"))
}

// methods are the handlers of one path. HEAD is served by GET's.
type methods map[string]http.HandlerFunc

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if handler, ok := m[method]; ok {
		handler(w, r)
		return
	}
	var allow []string
	for method := range m {
		allow = append(allow, method)
		if method == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	slices.Sort(allow)
	httpx.Error(w, r, httpx.Status(http.StatusMethodNotAllowed, "this path takes "+strings.Join(allow, ", ")+" only").
		WithHeader("Allow", strings.Join(allow, ", ")))
}

// handle does the work of a route. The principal is the caller, or the customer
// that an admin's request is about. An error that it returns is answered by
// [httpx.Error].
type handle func(w http.ResponseWriter, r *http.Request, p auth.Principal) error

// missing is the handle of a part that the host doesn't have.
func missing(part string) handle {
	return func(http.ResponseWriter, *http.Request, auth.Principal) error {
		return httpx.Status(http.StatusNotImplemented, part+" is not part of this host")
	}
}
