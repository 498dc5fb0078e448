package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"unicode/utf8"
)

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
	if err := CheckJSON(r); err != nil {
		return v, err
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

// CheckJSON refuses a request that doesn't say that its body is JSON, with status
// 415.
func CheckJSON(r *http.Request) error {
	contentType := r.Header.Get("Content-Type")
	if contentType == "application/json" {
		return nil // nearly all
	}
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != "application/json" {
		return Status(http.StatusUnsupportedMediaType, "Content-Type must be application/json")
	}
	return nil
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
