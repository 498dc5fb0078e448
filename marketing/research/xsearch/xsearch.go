// Package xsearch searches the posts of the last seven days on X
// (https://docs.x.com/x-api/posts/search-recent-posts).
//
//	s, err := xsearch.New(token, nil)
package xsearch

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/marketing/research"
	"github.com/heycmo/heycmo-go/marketing/research/internal/apicall"
)

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// BaseURL is where to ask instead of https://api.x.com. The token is sent there.
	BaseURL string
}

// Search asks X. It is a [research.Searcher], which leaves Domains out.
type Search struct{ token, base string }

var _ research.Searcher = (*Search)(nil)

// New returns a Search with the bearer token of an app. It asks nothing yet. Nil
// options are all defaults.
func New(token string, o *Options) (*Search, error) {
	base := "https://api.x.com"
	if o != nil {
		base = cmp.Or(o.BaseURL, base)
	}
	s := &Search{token, strings.TrimSuffix(base, "/")}
	return s, errors.Join(apicall.CheckKey("xsearch", token), apicall.CheckURL("xsearch", base))
}

// String hides the token from %v.
func (s *Search) String() string { return "xsearch.Search" }

// GoString hides it from %#v.
func (s *Search) GoString() string { return s.String() }

type answer struct {
	Data []struct {
		ID        string    `json:"id"`
		Text      string    `json:"text"`
		AuthorID  string    `json:"author_id"`
		CreatedAt time.Time `json:"created_at"`
	} `json:"data"`
	Includes struct {
		Users []struct {
			ID       string `json:"id"`
			Username string `json:"username"`
			Name     string `json:"name"`
		} `json:"users"`
	} `json:"includes"`
}

// Search implements [research.Searcher]. Reposts are left out.
func (s *Search) Search(ctx context.Context, q research.Query) ([]research.Hit, error) {
	query := url.Values{
		"query":        {words(q.Text) + " -is:retweet"},
		"max_results":  {strconv.Itoa(min(max(q.Count, 10), 100))}, // the API's bounds
		"tweet.fields": {"created_at,author_id"},
		"expansions":   {"author_id"},
		"user.fields":  {"username,name"},
	}
	var got answer
	err := apicall.Do(ctx, func(ctx context.Context) (*http.Request, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/2/tweets/search/recent?"+query.Encode(), nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+s.token)
		return r, nil
	}, &got)
	if err != nil {
		return nil, err
	}
	hits := []research.Hit{}
	for _, post := range got.Data[:min(len(got.Data), max(q.Count, 0))] {
		name, title := "i", "Post on X"
		for _, u := range got.Includes.Users {
			if u.ID == post.AuthorID {
				name, title = u.Username, "Post of "+u.Name+" on X"
			}
		}
		hits = append(hits, research.Hit{
			URL:   "https://x.com/" + url.PathEscape(name) + "/status/" + url.PathEscape(post.ID),
			Title: title, Author: name, Published: post.CreatedAt, Text: post.Text,
		})
	}
	return hits, nil
}

// words leaves of a query what is no operator of the API.
func words(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n():\"", r) }), " ")
}
