package agenttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// maxRequest is how much of a request is read, as Anthropic.
const maxRequest = 32 << 20

// Server is a fake of a provider's API, a [http.Handler]. It checks the key,
// refuses fields that it doesn't know and conversations that the real one would
// refuse, and answers the rest from a list; after its end it refuses all.
type Server struct {
	// URL is where it is served, as the drivers' BaseURL wants it; set by the
	// Start functions.
	URL string

	api api

	mu       sync.Mutex
	answers  []Answer
	answer   func(n int, r Request) Answer // in place of answers; may be nil
	given    int
	requests []Request
}

// api is one provider's protocol.
type api interface {
	path() string
	key(http.Header) string
	// parse reads a request, or says why the real API would refuse it.
	parse(body []byte) (Request, error)
	// fault is the body of an error.
	fault(status int, message string, tooLong bool) any
	plain(model string, a Answer) any
	// stream is the server-sent events, whole.
	stream(r Request, a Answer) []string
}

// StartOpenAI serves [NewOpenAI] until the test ends.
func StartOpenAI(t testing.TB, answers ...Answer) *Server {
	t.Helper()
	s := start(t, NewOpenAI(answers...))
	s.URL += "/v1"
	return s
}

// StartAnthropic serves [NewAnthropic] until the test ends.
func StartAnthropic(t testing.TB, answers ...Answer) *Server {
	t.Helper()
	return start(t, NewAnthropic(answers...))
}

func start(t testing.TB, s *Server) *Server {
	served := httptest.NewServer(s)
	t.Cleanup(func() {
		served.CloseClientConnections() // ends what is delayed
		served.Close()
	})
	s.URL = served.URL
	return s
}

// Add adds answers.
func (s *Server) Add(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, answers...)
}

// AnswerWith has a function answer, in place of the list. It is told how many requests
// there were before, and is called by many goroutines at once.
func (s *Server) AnswerWith(answer func(n int, r Request) Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// Requests returns what was asked so far, without what was refused.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// next takes the next answer.
func (s *Server) next(r Request) (Answer, bool) {
	s.mu.Lock()
	if s.answer == nil && s.given == len(s.answers) {
		s.mu.Unlock()
		return Answer{}, false
	}
	n, answer := s.given, s.answer
	s.requests = append(s.requests, r)
	s.given++
	var a Answer
	if answer == nil {
		a = s.answers[n]
	}
	s.mu.Unlock()
	if answer != nil {
		a = answer(n, r)
	}
	return a.filled(n), true
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	switch {
	case err != nil:
		s.refuse(w, http.StatusRequestEntityTooLarge, "the request is too large")
		return
	case r.Method == http.MethodPost && r.URL.Path == embeddingsPath && s.api == api(openAI{}):
		s.embed(w, r, body)
		return
	case r.Method != http.MethodPost || r.URL.Path != s.api.path():
		s.refuse(w, http.StatusNotFound, "there is nothing here: "+r.URL.Path)
		return
	case s.api.key(r.Header) != Key:
		s.refuse(w, http.StatusUnauthorized, "the key is wrong: "+s.api.key(r.Header))
		return
	}
	request, err := s.api.parse(body)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	request.Body = body
	a, ok := s.next(request)
	if !ok {
		s.refuse(w, http.StatusBadRequest, "agenttest: there are no more answers")
		return
	}
	if a.Asked != nil {
		a.Asked(request)
	}
	if pause(r.Context(), a.Delay) != nil {
		return
	}
	s.give(w, request, a)
}

func (s *Server) give(w http.ResponseWriter, r Request, a Answer) {
	switch {
	case a.failed():
		if a.After > 0 {
			// OpenAI sends both; the SDKs of both providers read both.
			w.Header().Set("Retry-After-Ms", strconv.FormatInt(max(a.After.Milliseconds(), 1), 10))
			w.Header().Set("Retry-After", strconv.Itoa(int((a.After+time.Second-1)/time.Second)))
		}
		write(w, a.Status, s.api.fault(a.Status, a.Message, a.TooLong))
	case r.Stream:
		w.Header().Set("Content-Type", "text/event-stream")
		events := s.api.stream(r, a)
		if a.Garbage {
			events = []string{"event: content_block_delta\ndata: {\"garbage\n\n"}
		}
		if a.Cut {
			events = events[:len(events)/2]
		}
		flush := http.NewResponseController(w).Flush
		for _, event := range events {
			if _, err := io.WriteString(w, event); err != nil || flush() != nil {
				return
			}
		}
		if a.Cut {
			panic(http.ErrAbortHandler)
		}
	case a.Garbage:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"garbage`)
	case a.Cut:
		whole, _ := json.Marshal(s.api.plain(r.Model, a))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
		_, _ = w.Write(whole[:len(whole)/2])
		panic(http.ErrAbortHandler)
	default:
		write(w, http.StatusOK, s.api.plain(r.Model, a))
	}
}

func (s *Server) refuse(w http.ResponseWriter, status int, why string) {
	write(w, status, s.api.fault(status, why, false))
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// strict decodes without fields that into doesn't know.
func strict(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("invalid request: %w", err)
	}
	return nil
}

func event(name string, data any) string {
	encoded, _ := json.Marshal(data)
	if name != "" {
		name = "event: " + name + "\n"
	}
	return name + "data: " + string(encoded) + "\n\n"
}

type object = map[string]any
