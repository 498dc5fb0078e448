// Package exasearch searches the web with Exa (https://docs.exa.ai/reference/search).
//
//	s, err := exasearch.New(key, nil)
package exasearch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/marketing/research"
	"github.com/heycmo/heycmo-go/marketing/research/internal/apicall"
)

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// BaseURL is where to ask instead of https://api.exa.ai. The key is sent there.
	BaseURL string
}

// Search asks Exa. It is a [research.Searcher].
type Search struct{ key, base string }

var _ research.Searcher = (*Search)(nil)

// New returns a Search with an API key. It asks nothing yet. Nil options are all
// defaults.
func New(key string, o *Options) (*Search, error) {
	base := "https://api.exa.ai"
	if o != nil {
		base = cmp.Or(o.BaseURL, base)
	}
	s := &Search{key, strings.TrimSuffix(base, "/")}
	return s, errors.Join(apicall.CheckKey("exasearch", key), apicall.CheckURL("exasearch", base))
}

// String hides the key from %v.
func (s *Search) String() string { return "exasearch.Search" }

// GoString hides it from %#v.
func (s *Search) GoString() string { return s.String() }

// maxText is how many characters of a result are wanted.
const maxText = 1500

type request struct {
	Query              string   `json:"query"`
	NumResults         int      `json:"numResults"`
	IncludeDomains     []string `json:"includeDomains,omitempty"`
	StartPublishedDate string   `json:"startPublishedDate,omitempty"`
	EndPublishedDate   string   `json:"endPublishedDate,omitempty"`
	Contents           contents `json:"contents"`
}

type contents struct {
	Text struct {
		MaxCharacters int `json:"maxCharacters"`
	} `json:"text"`
}

type answer struct {
	Results []struct {
		URL           string `json:"url"`
		Title         string `json:"title"`
		Author        string `json:"author"`
		PublishedDate string `json:"publishedDate"`
		Text          string `json:"text"`
	} `json:"results"`
}

// Search implements [research.Searcher].
func (s *Search) Search(ctx context.Context, q research.Query) ([]research.Hit, error) {
	asked := request{Query: q.Text, NumResults: q.Count, IncludeDomains: q.Domains, StartPublishedDate: day(q.Since), EndPublishedDate: day(q.Until)}
	asked.Contents.Text.MaxCharacters = maxText
	body, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	var got answer
	err = apicall.Do(ctx, func(ctx context.Context) (*http.Request, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/search", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("X-Api-Key", s.key)
		r.Header.Set("Content-Type", "application/json")
		return r, nil
	}, &got)
	if err != nil {
		return nil, err
	}
	hits := []research.Hit{}
	for _, r := range got.Results {
		published, _ := time.Parse(time.RFC3339, r.PublishedDate) // zero when it isn't known
		hits = append(hits, research.Hit{URL: r.URL, Title: r.Title, Author: r.Author, Published: published, Text: r.Text})
	}
	return hits, nil
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
