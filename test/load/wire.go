package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"time"
)

// wireTimeout ends what is read and written on a connection, unless another time
// is set, so that nothing hangs.
const wireTimeout = 2 * time.Minute

// wire is a keep-alive connection that speaks just as much HTTP/1.1 as the
// servers do. It is lean, so that the client is not what limits a measurement.
type wire struct {
	net.Conn
	r    *bufio.Reader
	body []byte // of the last response; reused
}

// dialFrom dials from an address of this machine; nil is any.
func dialFrom(source net.IP, address string) (*wire, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	if source != nil {
		d.LocalAddr = &net.TCPAddr{IP: source}
	}
	c, err := d.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(wireTimeout))
	return &wire{Conn: c, r: bufio.NewReader(c)}, nil
}

// response is the head of a response, and its body unless it is a stream.
type response struct {
	status  int
	session string // Mcp-Session-Id
	length  int    // -1 when not given
	chunked bool
	body    []byte // until the next response
}

// do sends a request and reads the whole response.
func (w *wire) do(request []byte) (response, error) {
	if _, err := w.Write(request); err != nil {
		return response{}, err
	}
	r, err := w.head()
	if err != nil {
		return r, err
	}
	w.body = w.body[:0]
	switch {
	case r.chunked:
		err = w.chunks()
	case r.length > 0:
		w.body = append(w.body, make([]byte, r.length)...)
		_, err = io.ReadFull(w.r, w.body)
	case r.length < 0:
		err = errors.New("a response without a length")
	}
	r.body = w.body
	return r, err
}

// errStatus is a status that was not expected.
type errStatus int

func (e errStatus) Error() string { return fmt.Sprint("status ", int(e)) }

// open sends a request whose response is a stream, and returns the stream.
func (w *wire) open(request []byte) (*bufio.Reader, error) {
	if _, err := w.Write(request); err != nil {
		return nil, err
	}
	r, err := w.head()
	switch {
	case err != nil:
		return nil, err
	case r.status != 200:
		return nil, errStatus(r.status)
	case r.chunked:
		return bufio.NewReader(httputil.NewChunkedReader(w.r)), nil
	}
	return w.r, nil
}

func (w *wire) head() (response, error) {
	r := response{length: -1}
	line, err := w.line()
	if err != nil {
		return r, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return r, fmt.Errorf("status line %q", line)
	}
	if r.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return r, fmt.Errorf("status line %q", line)
	}
	for {
		if line, err = w.line(); err != nil {
			return r, err
		}
		if len(line) == 0 {
			if r.status == 204 || r.status == 304 {
				r.length = 0
			}
			return r, nil
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch string(name) {
		case "Content-Length":
			if r.length, err = strconv.Atoi(string(value)); err != nil {
				return r, fmt.Errorf("header %q", line)
			}
		case "Transfer-Encoding":
			r.chunked = true
		case "Mcp-Session-Id":
			r.session = string(value)
		}
	}
}

// line returns the next line without its end, until the next read.
func (w *wire) line() ([]byte, error) {
	line, err := w.r.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}

// chunks reads a body in chunks (RFC 9112, section 7.1).
func (w *wire) chunks() error {
	for {
		line, err := w.line()
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return fmt.Errorf("chunk %q", line)
		}
		at := len(w.body)
		w.body = append(w.body, make([]byte, size)...)
		if _, err := io.ReadFull(w.r, w.body[at:]); err != nil {
			return err
		}
		if line, err = w.line(); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
		if len(line) != 0 {
			return fmt.Errorf("after a chunk: %q", line)
		}
	}
}

// nextData returns the data of the next event of a stream, until the next read.
// Comments and the names of events are passed over.
func nextData(r *bufio.Reader) ([]byte, error) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			return bytes.TrimRight(data, "\r\n"), nil
		}
	}
}
