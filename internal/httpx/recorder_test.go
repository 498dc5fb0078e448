package httpx_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/internal/httpx"
)

func TestRecorder(t *testing.T) {
	for _, c := range []struct {
		name    string
		serve   func(w http.ResponseWriter)
		status  int
		bytes   int64
		written bool
	}{
		{"nothing", func(http.ResponseWriter) {}, 0, 0, false},
		{"only headers", func(w http.ResponseWriter) { w.Header().Set("A", "b") }, 0, 0, false},
		{"status", func(w http.ResponseWriter) { w.WriteHeader(204) }, 204, 0, true},
		{"body", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "hello") }, 200, 5, true},
		{"both", func(w http.ResponseWriter) { w.WriteHeader(404); _, _ = io.WriteString(w, "no") }, 404, 2, true},
		{"flush", func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, 200, 0, true},
		{"early hints", func(w http.ResponseWriter) { w.WriteHeader(103) }, 0, 0, false},
		{"early hints first", func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(201) }, 201, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := httpx.NewRecorder(httptest.NewRecorder())
			c.serve(rec)
			if rec.Status() != c.status || rec.Bytes() != c.bytes || rec.Written() != c.written {
				t.Errorf("status %d, bytes %d, written %v", rec.Status(), rec.Bytes(), rec.Written())
			}
		})
	}
}

func TestRecorderKeepsTheFirstStatus(t *testing.T) {
	rec := httpx.NewRecorder(struct{ http.ResponseWriter }{httptest.NewRecorder()})
	rec.WriteHeader(201)
	rec.WriteHeader(500)
	if rec.Status() != 201 {
		t.Errorf("the status is %d", rec.Status())
	}
}

func TestRecorderDoesNotRecordARefusedStatus(t *testing.T) {
	rec := httpx.NewRecorder(httptest.NewRecorder())
	func() {
		defer func() {
			if recover() == nil {
				t.Error("status 0 was taken")
			}
		}()
		rec.WriteHeader(0)
	}()
	if rec.Written() {
		t.Error("it says that the header was sent")
	}
}

func TestRecorderIsNotWrappedTwice(t *testing.T) {
	rec := httpx.NewRecorder(httptest.NewRecorder())
	if httpx.NewRecorder(rec) != rec {
		t.Error("there is another one around it")
	}
}

func TestRecorderCannotFlushWhatCannot(t *testing.T) {
	rec := httpx.NewRecorder(struct{ http.ResponseWriter }{httptest.NewRecorder()})
	if err := http.NewResponseController(rec).Flush(); !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("the error is %v", err)
	}
	if rec.Written() {
		t.Error("it says that the header was sent")
	}
}

// A transport that looks for a Flusher finds one, and the client gets what was
// written before the handler is done.
func TestRecorderStreams(t *testing.T) {
	goOn := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w = httpx.NewRecorder(w)
		_, _ = io.WriteString(w, "first\n")
		w.(http.Flusher).Flush()
		<-goOn
	}))
	defer srv.Close()
	defer close(goOn)
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); line != "first\n" || err != nil {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestRecorderCanBeControlled(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		control := http.NewResponseController(httpx.NewRecorder(w))
		if err := control.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
		conn, _, err := control.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 204 Mine\r\n\r\n")
	}))
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Status != "204 Mine" {
		t.Errorf("got %q", res.Status)
	}
}
