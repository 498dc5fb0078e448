// Package researchtest has fakes of the services that research asks, for tests:
//
//	web := researchtest.StartExa(t, docs...)
//	search, err := exasearch.New(researchtest.Key, &exasearch.Options{BaseURL: web.URL})
package researchtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Key is what the fakes take.
const Key = "key-researchtest-83ac01"

// Doc is something that can be found: by the words of its title and text.
type Doc struct {
	URL, Title, Author, Text string
	Published                time.Time
}

// Server is a fake service, an [http.Handler]. It refuses wrong keys, and what it
// doesn't know.
type Server struct {
	URL string

	serve func(s *Server, w http.ResponseWriter, r *http.Request)

	mu      sync.Mutex
	docs    []Doc
	queries []string
	failing int // the status; 0: none
	garbage bool
}

// StartExa serves a fake of Exa's POST /search until the test ends.
func StartExa(t testing.TB, docs ...Doc) *Server { return start(t, serveExa, docs) }

// StartX serves a fake of X's GET /2/tweets/search/recent until the test ends. A Doc's
// Author is the user's name.
func StartX(t testing.TB, docs ...Doc) *Server { return start(t, serveX, docs) }

func start(t testing.TB, serve func(*Server, http.ResponseWriter, *http.Request), docs []Doc) *Server {
	s := &Server{serve: serve, docs: docs}
	served := httptest.NewServer(s)
	t.Cleanup(served.Close)
	s.URL = served.URL
	return s
}

// Add makes more to be found.
func (s *Server) Add(docs ...Doc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs = append(s.docs, docs...)
}

// Fail has all requests fail with an HTTP status; 0 ends it.
func (s *Server) Fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = status
}

// Garbage has all requests answered with what makes no sense.
func (s *Server) Garbage() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.garbage = true
}

// Queries returns what was searched for so far.
func (s *Server) Queries() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.queries)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	failing, garbage := s.failing, s.garbage
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case failing != 0:
		refuse(w, failing, "failing as asked, with "+Key)
	case garbage:
		_, _ = w.Write([]byte(`{"results`))
	default:
		s.serve(s, w, r)
	}
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": why})
}

// find returns docs that have any of the words, those with more of them first.
func (s *Server) find(query string, count int, wanted func(Doc) bool) []Doc {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries = append(s.queries, query)
	score := func(d Doc) (n int) {
		text := strings.ToLower(d.Title + " " + d.Text)
		for word := range strings.FieldsSeq(strings.ToLower(query)) {
			if strings.Contains(text, word) {
				n++
			}
		}
		return n
	}
	found := slices.DeleteFunc(slices.Clone(s.docs), func(d Doc) bool { return score(d) == 0 || !wanted(d) })
	slices.SortStableFunc(found, func(a, b Doc) int { return score(b) - score(a) })
	return found[:min(len(found), count)]
}

func serveExa(s *Server, w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Query              string     `json:"query"`
		NumResults         int        `json:"numResults"`
		IncludeDomains     []string   `json:"includeDomains"`
		StartPublishedDate *time.Time `json:"startPublishedDate"`
		EndPublishedDate   *time.Time `json:"endPublishedDate"`
		Contents           struct {
			Text struct {
				MaxCharacters int `json:"maxCharacters"`
			} `json:"text"`
		} `json:"contents"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	switch err := d.Decode(&asked); {
	case r.Method != http.MethodPost || r.URL.Path != "/search":
		refuse(w, http.StatusNotFound, "there is nothing here")
		return
	case r.Header.Get("X-Api-Key") != Key:
		refuse(w, http.StatusUnauthorized, "invalid key "+r.Header.Get("X-Api-Key"))
		return
	case err != nil || asked.Query == "" || asked.NumResults < 1 || asked.NumResults > 100:
		refuse(w, http.StatusBadRequest, "invalid request body")
		return
	}
	results := []map[string]any{}
	for _, doc := range s.find(asked.Query, asked.NumResults, func(d Doc) bool {
		in := func(domain string) bool { return strings.Contains(d.URL, domain) }
		return (len(asked.IncludeDomains) == 0 || slices.ContainsFunc(asked.IncludeDomains, in)) &&
			(asked.StartPublishedDate == nil || !d.Published.Before(*asked.StartPublishedDate)) &&
			(asked.EndPublishedDate == nil || !d.Published.After(*asked.EndPublishedDate))
	}) {
		text := []rune(doc.Text)
		results = append(results, map[string]any{
			"id": doc.URL, "url": doc.URL, "title": doc.Title, "author": doc.Author, "publishedDate": doc.Published.Format(time.RFC3339),
			"text": string(text[:min(len(text), asked.Contents.Text.MaxCharacters)]), "score": 0.5,
		})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"requestId": "1", "results": results})
}

func serveX(s *Server, w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	count, err := strconv.Atoi(query.Get("max_results"))
	switch {
	case r.Method != http.MethodGet || r.URL.Path != "/2/tweets/search/recent":
		refuse(w, http.StatusNotFound, "there is nothing here")
		return
	case r.Header.Get("Authorization") != "Bearer "+Key:
		refuse(w, http.StatusUnauthorized, "invalid token "+r.Header.Get("Authorization"))
		return
	case err != nil || count < 10 || count > 100 || len(query.Get("query")) > 512:
		refuse(w, http.StatusBadRequest, "invalid query parameters")
		return
	}
	words := strings.TrimSuffix(query.Get("query"), " -is:retweet")
	data, users := []map[string]any{}, []map[string]any{}
	for i, doc := range s.find(words, count, func(Doc) bool { return true }) {
		id := strconv.Itoa(1000 + i)
		data = append(data, map[string]any{"id": id, "text": doc.Text, "author_id": id, "created_at": doc.Published})
		users = append(users, map[string]any{"id": id, "username": doc.Author, "name": doc.Title})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data, "includes": map[string]any{"users": users}, "meta": map[string]any{"result_count": len(data)}})
}
