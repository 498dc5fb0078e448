package httpx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

// JSON answers with status and v. The characters <, > and & stand for
// themselves. It panics when v can't be encoded.
func JSON(w http.ResponseWriter, status int, v any) {
	err := Encode("", v, "", func(body []byte) error {
		w.Header()["Content-Type"] = jsonType
		if len(body) > 1024 { // net/http counts short bodies itself
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		}
		w.WriteHeader(status)
		_, _ = w.Write(body) // a client that has gone
		return nil
	})
	if err != nil {
		panic(fmt.Errorf("httpx: response: %w", err))
	}
}

// jsonType is shared by all responses and has no room for another value.
var jsonType = []string{"application/json"}

// Encode hands head, v as JSON without line breaks, and tail to write, which must
// not keep what it gets: the buffer is used again. The error is that of encoding,
// before write was called, or that of write.
func Encode(head string, v any, tail string, write func(p []byte) error) error {
	e := encoders.Get().(*encoder)
	defer func() {
		if e.Cap() <= maxReused {
			encoders.Put(e)
		}
	}()
	e.Reset()
	_, _ = e.WriteString(head) // never fails, see bytes.Buffer
	if err := e.json.Encode(v); err != nil {
		return err
	}
	e.Truncate(e.Len() - 1) // the line break
	_, _ = e.WriteString(tail)
	return write(e.Bytes())
}

// maxReused is how large a buffer may be to be used again, in bytes.
const maxReused = 64 << 10

type encoder struct {
	bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.Buffer)
	e.json.SetEscapeHTML(false)
	return e
}}
