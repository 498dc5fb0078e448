package httpx

import (
	"errors"
	"net/http"
)

// Recorder is a [http.ResponseWriter] that knows what was written. Like any
// ResponseWriter, it is for one goroutine at a time.
//
// Some transports insist on a [http.Flusher], so it is one itself. Everything
// else, such as Hijack and deadlines, works through [http.ResponseController].
type Recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// NewRecorder returns a Recorder around w, or w itself if it is one.
func NewRecorder(w http.ResponseWriter) *Recorder {
	if r, ok := w.(*Recorder); ok {
		return r
	}
	return &Recorder{ResponseWriter: w}
}

// Status returns the status that was sent, or 0 as long as none was.
func (r *Recorder) Status() int { return r.status }

// Written reports whether the header was sent.
func (r *Recorder) Written() bool { return r.status != 0 }

// Bytes returns how many bytes of the body were written.
func (r *Recorder) Bytes() int64 { return r.bytes }

// WriteHeader sends the header.
func (r *Recorder) WriteHeader(status int) {
	r.ResponseWriter.WriteHeader(status) // panics when the status makes no sense
	if status >= 200 || status == http.StatusSwitchingProtocols {
		r.sent(status)
	}
}

// Write writes to the body.
func (r *Recorder) Write(p []byte) (int, error) {
	r.sent(http.StatusOK)
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Flush sends what is buffered.
func (r *Recorder) Flush() { _ = r.FlushError() }

// FlushError is Flush for [http.ResponseController].
func (r *Recorder) FlushError() error {
	err := http.NewResponseController(r.ResponseWriter).Flush()
	if !errors.Is(err, http.ErrNotSupported) {
		r.sent(http.StatusOK)
	}
	return err
}

// Unwrap returns the ResponseWriter inside, for [http.ResponseController].
func (r *Recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *Recorder) sent(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// written reports whether the header of w was sent, as far as a Recorder in it
// knows.
func written(w http.ResponseWriter) bool {
	for {
		switch v := w.(type) {
		case *Recorder:
			return v.Written()
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return false
		}
	}
}
