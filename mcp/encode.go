package mcp

import (
	"bytes"
	"encoding/json"
	"sync"
)

// encoder encodes messages into a buffer that is used again.
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

// maxReused is how large a buffer may be to be used again, in bytes.
const maxReused = 64 << 10

// encode hands the message as JSON to write, which must not keep it.
func encode(message any, write func(p []byte) error) error {
	return encodeBetween("", message, "", write)
}

// encodeEvent does it as one server-sent event. JSON has no line breaks.
func encodeEvent(message any, write func(p []byte) error) error {
	return encodeBetween("event: message\ndata: ", message, "\n", write)
}

func encodeBetween(head string, message any, end string, write func(p []byte) error) error {
	e := encoders.Get().(*encoder)
	defer func() {
		if e.Cap() <= maxReused {
			encoders.Put(e)
		}
	}()
	e.Reset()
	_, _ = e.WriteString(head)                     // never fails, see bytes.Buffer
	if err := e.json.Encode(message); err != nil { // ends with a line break
		return err
	}
	_, _ = e.WriteString(end)
	return write(e.Bytes())
}
