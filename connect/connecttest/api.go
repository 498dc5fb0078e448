package connecttest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// api answers calls of the platforms' APIs.
func (s *Server) api(w http.ResponseWriter, r *http.Request, address string) {
	t, ok := s.caller(r)
	if !ok {
		reply(w, http.StatusUnauthorized, map[string]any{"error": map[string]any{"message": "the token is not good"}})
		return
	}
	if address == t.shape.identity {
		reply(w, http.StatusOK, t.shape.who(t.user))
		return
	}
	for _, e := range endpoints {
		if e.method == r.Method && e.platform == t.shape.platform && matches(e.address, address) {
			if e.scope != "" && !slices.Contains(t.scopes, e.scope) {
				reply(w, http.StatusForbidden, map[string]any{"error": map[string]any{"message": "Insufficient permission"}})
				return
			}
			body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
			if err != nil {
				return
			}
			e.answer(s, w, r, t.user, body)
			return
		}
	}
	reply(w, http.StatusNotFound, map[string]any{"error": map[string]any{"message": "there is no such address"}})
}

// matches compares addresses, in which * stands for one part.
func matches(pattern, address string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(address, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != "*" && want[i] != got[i] {
			return false
		}
	}
	return true
}

type endpoint struct {
	method, platform, address, scope string
	answer                           func(s *Server, w http.ResponseWriter, r *http.Request, user string, body []byte)
}

var endpoints = []endpoint{
	{"GET", "google", "analyticsadmin.googleapis.com/v1beta/accountSummaries", "https://www.googleapis.com/auth/analytics.readonly", say(map[string]any{
		"accountSummaries": []any{map[string]any{
			"displayName": "Acme", "propertySummaries": []any{map[string]any{"property": "properties/42", "displayName": "acme.com"}},
		}},
	})},
	{"POST", "google", "analyticsdata.googleapis.com/v1beta/properties/*", "https://www.googleapis.com/auth/analytics.readonly", runReport},
	{"GET", "google", "www.googleapis.com/webmasters/v3/sites", "https://www.googleapis.com/auth/webmasters.readonly", say(map[string]any{
		"siteEntry": []any{map[string]any{"siteUrl": "sc-domain:acme.com", "permissionLevel": "siteOwner"}},
	})},
	{"POST", "google", "www.googleapis.com/webmasters/v3/sites/*/searchAnalytics/query", "https://www.googleapis.com/auth/webmasters.readonly", say(map[string]any{
		"rows": []any{map[string]any{"keys": []any{"acme anvils"}, "clicks": 12, "impressions": 340, "ctr": 0.035, "position": 4.2}},
	})},
	{"POST", "google", "gmail.googleapis.com/gmail/v1/users/me/messages/send", "https://www.googleapis.com/auth/gmail.send", gmail},
	{"POST", "outlook", "graph.microsoft.com/v1.0/me/sendMail", "Mail.Send", outlook},
	{"POST", "linkedin", "api.linkedin.com/rest/posts", "w_member_social", linkedIn},
	{"GET", "linkedin", "api.linkedin.com/rest/socialMetadata/*", "", say(map[string]any{
		"reactionSummaries": map[string]any{"LIKE": map[string]any{"count": 7}}, "commentSummary": map[string]any{"count": 3},
	})},
	{"POST", "x", "api.x.com/2/tweets", "tweet.write", tweet},
	{"GET", "x", "api.x.com/2/tweets/*", "tweet.read", say(map[string]any{"data": map[string]any{
		"id": "1", "text": "…", "public_metrics": map[string]any{"impression_count": 500, "like_count": 9, "retweet_count": 4, "reply_count": 2, "quote_count": 1},
	}})},
	{"GET", "facebook", "graph.facebook.com/v23.0/me/accounts", "", pages},
	{"POST", "facebook", "graph.facebook.com/v23.0/*/feed", "", pagePost},
	{"GET", "facebook", "graph.facebook.com/v23.0/*", "", say(map[string]any{
		"reactions": map[string]any{"summary": map[string]any{"total_count": 11}}, "comments": map[string]any{"summary": map[string]any{"total_count": 5}},
		"shares": map[string]any{"count": 2},
	})},
	{"GET", "instagram", "graph.instagram.com/me/media", "", say(map[string]any{"data": []any{map[string]any{
		"id": "9", "caption": "Anvils", "permalink": "https://instagram.com/p/9", "timestamp": "2026-11-01T10:00:00+0000", "like_count": 31, "comments_count": 4,
	}}})},
}

func say(v any) func(*Server, http.ResponseWriter, *http.Request, string, []byte) {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request, _ string, _ []byte) {
		reply(w, http.StatusOK, v)
	}
}

// runReport answers a report of Google Analytics with one row for each two dimensions'
// values, and figures that count up.
func runReport(_ *Server, w http.ResponseWriter, r *http.Request, _ string, body []byte) {
	var in struct {
		DateRanges          []map[string]string `json:"dateRanges"`
		Dimensions, Metrics []struct{ Name string }
	}
	if json.Unmarshal(body, &in) != nil || len(in.Metrics) == 0 || len(in.DateRanges) == 0 || !strings.HasSuffix(r.URL.Path, "properties/42:runReport") {
		reply(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"code": 400, "message": "the report makes no sense", "status": "INVALID_ARGUMENT"}})
		return
	}
	row := map[string]any{}
	var dimensions, metrics, names, kinds []any
	for _, d := range in.Dimensions {
		dimensions = append(dimensions, map[string]any{"value": "some " + d.Name})
		names = append(names, map[string]any{"name": d.Name})
	}
	for i, m := range in.Metrics {
		metrics = append(metrics, map[string]any{"value": fmt.Sprint(100 + i)})
		kinds = append(kinds, map[string]any{"name": m.Name, "type": "TYPE_INTEGER"})
	}
	row["dimensionValues"], row["metricValues"] = dimensions, metrics
	reply(w, http.StatusOK, map[string]any{"dimensionHeaders": names, "metricHeaders": kinds, "rows": []any{row}, "rowCount": 1})
}

func (s *Server) post(platform, user, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("%s-post-%d", platform, len(s.posts)+1)
	s.posts = append(s.posts, Post{platform, user, id, text})
	return id
}

func linkedIn(s *Server, w http.ResponseWriter, r *http.Request, user string, body []byte) {
	var in struct{ Author, Commentary, Visibility, LifecycleState string }
	if json.Unmarshal(body, &in) != nil || in.Author != "urn:li:person:"+AccountOf("linkedin", user) || in.Commentary == "" || r.Header.Get("Linkedin-Version") == "" {
		reply(w, http.StatusUnprocessableEntity, map[string]any{"message": "the post makes no sense", "status": 422})
		return
	}
	w.Header().Set("X-Restli-Id", s.post("linkedin", user, in.Commentary))
	w.WriteHeader(http.StatusCreated)
}

func tweet(s *Server, w http.ResponseWriter, _ *http.Request, user string, body []byte) {
	var in struct{ Text string }
	if json.Unmarshal(body, &in) != nil || in.Text == "" || len([]rune(in.Text)) > 280 {
		reply(w, http.StatusBadRequest, map[string]any{"title": "Invalid Request", "detail": "the text is missing or too long"})
		return
	}
	reply(w, http.StatusCreated, map[string]any{"data": map[string]any{"id": s.post("x", user, in.Text), "text": in.Text}})
}

func pages(s *Server, w http.ResponseWriter, r *http.Request, user string, _ []byte) {
	one := map[string]any{"id": "page-of-" + user, "name": user + "'s page"}
	if !strings.Contains(r.URL.Query().Get("fields"), "access_token") {
		reply(w, http.StatusOK, map[string]any{"data": []any{one}})
		return
	}
	page := secret("access")
	s.set(func() {
		s.access[page] = &issue{shape: shapeOf("facebook"), user: user, scopes: []string{"page"}, expires: farFuture}
	})
	one["access_token"] = page
	reply(w, http.StatusOK, map[string]any{"data": []any{one}})
}

func pagePost(s *Server, w http.ResponseWriter, r *http.Request, user string, body []byte) {
	var in struct{ Message string }
	t, _ := s.caller(r)
	if json.Unmarshal(body, &in) != nil || in.Message == "" || !slices.Contains(t.scopes, "page") || !strings.Contains(r.URL.Path, "/page-of-"+user+"/") {
		reply(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"message": "(#200) this needs the page's token", "code": 200}})
		return
	}
	reply(w, http.StatusOK, map[string]any{"id": s.post("facebook", user, in.Message)})
}

func (s *Server) mail(platform, user string, encoded string, encoding *base64.Encoding, w http.ResponseWriter) bool {
	message, err := encoding.DecodeString(encoded)
	if err != nil || !strings.Contains(string(message), "\r\n\r\n") {
		reply(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"message": "this is no message"}})
		return false
	}
	s.set(func() { s.mails = append(s.mails, Mail{platform, user, string(message)}) })
	return true
}

func gmail(s *Server, w http.ResponseWriter, _ *http.Request, user string, body []byte) {
	var in struct{ Raw string }
	_ = json.Unmarshal(body, &in)
	if s.mail("gmail", user, in.Raw, base64.RawURLEncoding, w) {
		reply(w, http.StatusOK, map[string]any{"id": fmt.Sprintf("mail-%d", len(s.Mails())), "threadId": "t"})
	}
}

func outlook(s *Server, w http.ResponseWriter, r *http.Request, user string, body []byte) {
	if r.Header.Get("Content-Type") != "text/plain" {
		reply(w, http.StatusUnsupportedMediaType, map[string]any{"error": map[string]any{"message": "MIME is expected"}})
		return
	}
	if s.mail("outlook", user, string(body), base64.StdEncoding, w) {
		w.WriteHeader(http.StatusAccepted)
	}
}
