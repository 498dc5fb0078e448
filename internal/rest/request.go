package rest

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

const maxBody = 1 << 20 // bytes

// isID reports whether text has the form of our IDs. What hasn't is unknown,
// and no driver need be asked.
func isID(text string) bool {
	id, err := uuid.Parse(text)
	return err == nil && id.String() == text
}

// decode reads a body that may be left out.
func decode[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	if r.ContentLength == 0 {
		var none T
		return none, nil
	}
	return httpx.DecodeJSON[T](w, r, maxBody)
}

// noBody refuses a body on a route that has no use for one. An empty object is
// let pass, since some clients always send one.
func noBody(w http.ResponseWriter, r *http.Request) error {
	body, err := httpx.ReadBody(w, r, maxBody)
	if err != nil {
		return err
	}
	if body = bytes.TrimSpace(body); len(body) > 0 && string(body) != "{}" {
		return storage.Invalid("the body", "empty")
	}
	return nil
}

// query returns the query parameters, those with these names once each.
func query(r *http.Request, names ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, storage.Invalid("the query", "of the form name=value&name=value, percent-encoded")
	}
	for _, name := range names {
		if len(q[name]) > 1 {
			return nil, storage.Invalid(name, "there only once")
		}
	}
	return q, nil
}

// number returns a parameter between low and high.
func number(q url.Values, name string, low, high, otherwise int) (int, error) {
	if !q.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < low || n > high {
		return 0, storage.Invalid(name, "a whole number between %d and %d", low, high)
	}
	return n, nil
}

// page reads which part of a list is asked for.
func page(r *http.Request, names ...string) (q url.Values, limit int, cursor string, err error) {
	q, err = query(r, append(names, "limit", "cursor")...)
	if err == nil {
		limit, err = number(q, "limit", 1, storage.MaxLimit, storage.DefaultLimit)
	}
	return q, limit, q.Get("cursor"), err
}

// each converts a list. It never returns nil, which would be null in JSON.
func each[From, To any](list []From, convert func(From) To) []To {
	converted := make([]To, len(list))
	for i, item := range list {
		converted[i] = convert(item)
	}
	return converted
}
