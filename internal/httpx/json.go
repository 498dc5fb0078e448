package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"unicode/utf8"
)

// JSON answers with status and v. The characters <, > and & stand for
// themselves. It panics when v can't be encoded.
func JSON(w http.ResponseWriter, status int, v any) {
	e := encoders.Get().(*encoder)
	defer func() {
		if e.body.Cap() <= maxKept {
			encoders.Put(e)
		}
	}()
	e.body.Reset()
	if err := e.Encode(v); err != nil {
		panic(fmt.Errorf("httpx: response: %w", err))
	}
	body := e.body.Bytes()[:e.body.Len()-1] // without the line break
	w.Header()["Content-Type"] = jsonType
	if len(body) > 1024 { // net/http counts short bodies itself
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone
}

// jsonType is shared by all responses and has no room for another value.
var jsonType = []string{"application/json"}

// maxKept is how large a buffer may be to be used again, in bytes.
const maxKept = 64 << 10

type encoder struct {
	*json.Encoder
	body bytes.Buffer
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.Encoder = json.NewEncoder(&e.body)
	e.SetEscapeHTML(false)
	return e
}}

// DecodeJSON reads the request's body into a T, a struct. It takes a single JSON
// object of at most limit bytes in UTF-8, whose names are those of T's fields,
// case included, and stand there once. Pointers, lists and maps may be null. The
// error says in a sentence what to do about it and fits [Error]: 413, 415 or
// 400, in this order.
func DecodeJSON[T any](w http.ResponseWriter, r *http.Request, limit int64) (T, error) {
	var v T
	body, err := ReadBody(w, r, limit)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return v, tooLarge
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return v, Status(http.StatusUnsupportedMediaType, "Content-Type must be application/json")
	}
	switch {
	case err != nil:
		return v, badRequest("the body could not be read to its end").WithCause(err)
	case len(bytes.TrimSpace(body)) == 0:
		return v, badRequest("the body is empty, must be a JSON object")
	case !utf8.Valid(body):
		return v, badRequest("the body must be valid UTF-8")
	}
	if err := checkJSON(body, reflect.TypeFor[T]()); err != nil {
		return v, err
	}
	if err := json.Unmarshal(body, &v); err != nil {
		var none T
		return none, badRequest("the body is not valid").WithCause(err)
	}
	return v, nil
}

// ReadBody returns the request's body of at most limit bytes. One that says that
// it is longer isn't read at all. The error is then an [*http.MaxBytesError].
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // nobody wants the rest
		return nil, &http.MaxBytesError{Limit: limit}
	}
	// A length that is only said costs nothing to say, so it reserves little.
	body := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), 4<<10)+bytes.MinRead))
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit))
	return body.Bytes(), err
}

func badRequest(format string, args ...any) *StatusError {
	return Status(http.StatusBadRequest, fmt.Sprintf(format, args...))
}
