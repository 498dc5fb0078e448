package connect_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/connect"
)

func answer(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

func TestAnswer(t *testing.T) {
	for _, c := range []struct {
		status     int
		body, want string // want is the message of a refusal
	}{
		{400, `{"error":{"code":400,"message":"the report makes no sense","status":"INVALID_ARGUMENT"}}`, "the report makes no sense"}, // Google
		{422, `{"message":"the post makes no sense","status":422}`, "the post makes no sense"},                                         // LinkedIn
		{400, `{"title":"Invalid Request","detail":"too long","errors":[{"message":"text"}]}`, "too long"},                             // X
		{400, `{"errors":[{"message":"duplicate"}]}`, "duplicate"},
		{400, `{"error":"invalid_request","error_description":"no such scope"}`, "no such scope"},
		{404, `{"error":"not there"}`, "not there"},
		{404, `<html>`, ""},
		{403, `{"error":{"error":{"error":{"error":{"error":{"message":"too deep"}}}}}}`, ""},
	} {
		_, err := connect.Answer(answer(c.status, nil, c.body))
		refused, ok := errors.AsType[*connect.RefusedError](err)
		if !ok || refused.Status != c.status || refused.Message != c.want || !connect.Unsent(err) {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
	for status, body := range map[int]string{200: "<html>", 302: "", 500: `{"a":1}`, 503: "", 201: strings.Repeat("x", 5<<20)} {
		if _, err := connect.Answer(answer(status, nil, body)); !errors.Is(err, connect.ErrUnavailable) || connect.Unsent(err) {
			t.Errorf("%d: %v", status, err)
		}
	}
	for body, want := range map[string]string{`{"a":1}`: `{"a":1}`, " \n{} ": "{}", "": "", "[1]": "[1]"} {
		if got, err := connect.Answer(answer(200, nil, body)); err != nil || string(got.Body) != want {
			t.Errorf("%q: %q, %v", body, got.Body, err)
		}
	}
	for value, want := range map[string]time.Duration{"7": 7 * time.Second, "-1": 0, "soon": 0, "": 0} {
		_, err := connect.Answer(answer(429, http.Header{"Retry-After": {value}}, ""))
		if limit, ok := errors.AsType[*connect.LimitError](err); !ok || limit.After != want {
			t.Errorf("Retry-After %q: %v", value, err)
		}
	}
}

func TestDoWithoutHost(t *testing.T) {
	if _, err := connect.Do(t.Context(), "x", connect.Request{}); !errors.Is(err, connect.ErrNotConnected) {
		t.Errorf("without a host: %v", err)
	}
}

func TestCheck(t *testing.T) {
	for want, list := range map[string][]connect.Platform{
		"the ID must be": {{ID: "Linked In", Title: "LinkedIn"}}, "twice": {{ID: "x", Title: "X"}, {ID: "x", Title: "X"}}, "Title": {{ID: "x"}},
	} {
		if err := connect.Check(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// Whatever a platform answers, it is told in few, readable words, or as an outage.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{`{"error":{"message":"no"}}`, `{"errors":[{"detail":"\u0000"}]}`, `{"error":[[[]]]}`, "<html>", `{"message":"` + strings.Repeat("ä", 600) + `"}`} {
		f.Add(400, body)
		f.Add(200, body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		resp, err := connect.Answer(answer(status, nil, body))
		refused, ok := errors.AsType[*connect.RefusedError](err)
		if ok && (len(refused.Message) > 500 || !utf8.ValidString(refused.Message) || refused.Status < 400) {
			t.Errorf("%d %q: %v", status, body, err)
		}
		if err == nil && status >= 300 || err != nil && len(resp.Body) > 0 {
			t.Errorf("%d %q: %v, %v", status, body, resp, err)
		}
	})
}
