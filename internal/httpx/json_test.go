package httpx_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/heycmo/heycmo-go/internal/httpx"
)

type address struct {
	City string `json:"city"`
}

type shared struct {
	Note string `json:"note"`
}

type body struct {
	shared
	Email   string            `json:"email"`
	Plan    *string           `json:"plan,omitempty"`
	Goals   []string          `json:"goals"`
	Count   int               `json:"count"`
	Small   uint8             `json:"small"`
	Share   float64           `json:"share"`
	Yes     bool              `json:"yes"`
	Home    address           `json:"home"`
	Homes   []address         `json:"homes"`
	Labels  map[string]string `json:"labels"`
	Any     any               `json:"any"`
	Raw     json.RawMessage   `json:"raw"`
	At      *time.Time        `json:"at"`
	Plain   string
	Hidden  string `json:"-"`
	private string //nolint:unused // only its name counts: it must not be taken
}

func decode(contentType string, text io.Reader, limit int64) (body, error) {
	r := httptest.NewRequest(http.MethodPost, "/", text)
	r.Header.Set("Content-Type", contentType)
	return httpx.DecodeJSON[body](httptest.NewRecorder(), r, limit)
}

const limit = 100_000

func TestDecodeJSON(t *testing.T) {
	plan, at := "pro", time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)
	for text, want := range map[string]body{
		`{}`:                            {},
		" \r\n\t{} \n":                  {},
		`{"email":"a@b"}`:               {Email: "a@b"},
		`{"email":"ü\u00fc"}`:           {Email: "üü"},
		`{"plan":"pro"}`:                {Plan: &plan},
		`{"plan":null}`:                 {},
		`{"goals":null}`:                {},
		`{"labels":null}`:               {},
		`{"at":null}`:                   {},
		`{"goals":["a","b"]}`:           {Goals: []string{"a", "b"}},
		`{"count":-3,"small":255}`:      {Count: -3, Small: 255},
		`{"share":1e3,"yes":true}`:      {Share: 1000, Yes: true},
		`{"home":{"city":"Kyiv"}}`:      {Home: address{"Kyiv"}},
		`{"homes":[{"city":"a"}]}`:      {Homes: []address{{"a"}}},
		`{"labels":{"x":"y"}}`:          {Labels: map[string]string{"x": "y"}},
		`{"any":[1,{"a":null}]}`:        {Any: []any{1.0, map[string]any{"a": nil}}},
		`{"raw": {"a": [1, 2]} }`:       {Raw: json.RawMessage(`{"a": [1, 2]}`)},
		`{"at":"2026-01-15T10:30:00Z"}`: {At: &at},
		`{"note":"n","Plain":"p"}`:      {shared: shared{"n"}, Plain: "p"},
		`{"home":{"city":"a"},"homes":[{"city":"a"},{"city":"a"}]}`: {Home: address{"a"}, Homes: []address{{"a"}, {"a"}}},
	} {
		got, err := decode("application/json; charset=utf-8", strings.NewReader(text), limit)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "the body is empty, must be a JSON object",
		" \n":                                 "the body is empty, must be a JSON object",
		`[]`:                                  "the body must be a JSON object",
		`null`:                                "the body must be a JSON object",
		`"a"`:                                 "the body must be a JSON object",
		"{\"email\":\"\xff\"}":                "the body must be valid UTF-8",
		`{`:                                   "the body is not valid JSON at byte 1: unexpected end of JSON input",
		`{"email":"a@b"`:                      "the body is not valid JSON at byte 14: unexpected end of JSON input",
		`{"email":"a@b",}`:                    "the body is not valid JSON at byte 16: invalid character '}' looking for beginning of object key string",
		`{} {}`:                               "the body is not valid JSON at byte 4: invalid character '{' after top-level value",
		`{}x`:                                 "the body is not valid JSON at byte 3: invalid character 'x' after top-level value",
		`{"emial":"a@b"}`:                     `field "emial" is unknown, must be one of note, email, plan, goals, count, small, share, yes, home, homes, labels, any, raw, at, Plain`,
		`{"Email":"a@b"}`:                     `field "Email" is unknown, must be one of`,
		`{"hidden":"a","private":""}`:         `field "hidden" is unknown`,
		`{"-":"a"}`:                           `field "-" is unknown`,
		`{"private":"a"}`:                     `field "private" is unknown`,
		`{"shared":{}}`:                       `field "shared" is unknown`,
		`{"home":{"zip":1}}`:                  `field "home.zip" is unknown, must be one of city`,
		`{"homes":[{},{"zip":1}]}`:            `field "homes[1].zip" is unknown, must be one of city`,
		`{"email":"a","email":"b"}`:           "email must be given only once",
		`{"email":"a","\u0065mail":"b"}`:      "email must be given only once",
		`{"home":{"city":"a","city":"a"}}`:    "home.city must be given only once",
		`{"labels":{"x":"a","x":"a"}}`:        "labels.x must be given only once",
		`{"any":[{"x":1,"x":1}]}`:             "any[0].x must be given only once",
		`{"raw":{"x":{"y":1,"y":1}}}`:         "raw.x.y must be given only once",
		`{"email":1}`:                         "email must be a string",
		`{"email":null}`:                      "email must be a string",
		`{"email":{}}`:                        "email must be a string",
		`{"email":["a"]}`:                     "email must be a string",
		`{"plan":true}`:                       "plan must be a string",
		`{"goals":"a"}`:                       "goals must be a list",
		`{"goals":{}}`:                        "goals must be a list",
		`{"goals":["a",2]}`:                   "goals[1] must be a string",
		`{"goals":["a",null]}`:                "goals[1] must be a string",
		`{"count":"1"}`:                       "count must be a whole number",
		`{"count":1.5}`:                       "count must be a whole number",
		`{"count":1e3}`:                       "count must be a whole number",
		`{"count":9223372036854775808}`:       "count must be a whole number",
		`{"small":256}`:                       "small must be a whole number, 0 or more",
		`{"small":-1}`:                        "small must be a whole number, 0 or more",
		`{"share":"1"}`:                       "share must be a number",
		`{"share":1e999}`:                     "share must be a number",
		`{"yes":"true"}`:                      "yes must be true or false",
		`{"yes":0}`:                           "yes must be true or false",
		`{"home":"Kyiv"}`:                     "home must be an object",
		`{"home":[]}`:                         "home must be an object",
		`{"home":null}`:                       "home must be an object",
		`{"home":{"city":1}}`:                 "home.city must be a string",
		`{"homes":[{"city":"a"},{"city":1}]}`: "homes[1].city must be a string",
		`{"labels":{"x":1}}`:                  "labels.x must be a string",
		`{"labels":[]}`:                       "labels must be an object",
		`{"any":1e999}`:                       "the body is not valid",
		`{"at":"yesterday"}`:                  "at must be a time such as 2026-01-15T10:30:00Z",
		`{"at":5}`:                            "at must be a time such as 2026-01-15T10:30:00Z",
		`{"any":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`:         "",
		`{"any":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`:       "the body must not be nested deeper than 100 levels",
		`{"raw":` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat("}", 101):   "the body must not be nested deeper than 100 levels",
		`{"any":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`: "the body is not valid JSON at byte",
	} {
		got, err := decode("application/json", strings.NewReader(text), limit)
		if want == "" && err == nil {
			continue
		}
		status, ok := errors.AsType[*httpx.StatusError](err)
		if !ok || status.Code != 400 || !strings.HasPrefix(status.Message, want) {
			t.Errorf("%.80s: got %v, must be %s", text, err, want)
		}
		if !reflect.DeepEqual(got, body{}) {
			t.Errorf("%.80s: left %+v", text, got)
		}
	}
}

func TestDecodeJSONRefusesMore(t *testing.T) {
	big := strings.NewReader(`{"email":"` + strings.Repeat("a", 100) + `"}`)
	for _, c := range []struct {
		name, contentType string
		body              io.Reader
		limit             int64
		status            int
		message           string
	}{
		{"too large, not even JSON", "text/plain", big, 100, 413, "the body must have at most 100 bytes"},
		{"just right", "application/json", strings.NewReader(`{}` + strings.Repeat(" ", 98)), 100, 0, ""},
		{"one too many", "application/json", strings.NewReader(`{}` + strings.Repeat(" ", 99)), 100, 413, "the body must have at most 100 bytes"},
		{"no media type", "", strings.NewReader(`{}`), 100, 415, "Content-Type must be application/json"},
		{"a form", "application/x-www-form-urlencoded", strings.NewReader(`{}`), 100, 415, "Content-Type must be application/json"},
		{"nonsense", "application/json; =", strings.NewReader(`{}`), 100, 415, "Content-Type must be application/json"},
		{"media type in capitals", "Application/JSON", strings.NewReader(`{}`), 100, 0, ""},
		{"broken off", "application/json", iotest.ErrReader(io.ErrUnexpectedEOF), 100, 400, "the body could not be read to its end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := decode(c.contentType, c.body, c.limit)
			if c.status == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			checkResponse(t, answer(t.Context(), err), c.status, fmt.Sprintf(`{"error":%q}`, c.message))
		})
	}
}

func TestDecodeJSONTakesManyNeighbours(t *testing.T) {
	list := func(item string) string { return "[" + strings.Repeat(item+",", 150) + item + "]" }
	text := fmt.Sprintf(`{"homes":%s,"any":%s,"raw":%s}`, list("{}"), list("[]"), list("{}"))
	got, err := decode("application/json", strings.NewReader(text), limit)
	if err != nil || len(got.Homes) != 151 {
		t.Errorf("%d homes, %v", len(got.Homes), err)
	}
}

// What was let in says the same to package json, strictly read, and what was
// refused is refused in the form of our errors.
func FuzzDecodeJSON(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"email":"a","goals":["b"],"home":{"city":"c"},"at":null}`, `{"any":[{"x":1e9}],"raw":{}}`,
		`{"email":1}`, `{"x":`, `[[[[`, "\ufeff{}", `{"email":"a","email":"b"}`, `{"raw":"\ud800"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := decode("application/json", bytes.NewReader(text), 1000)
		if err != nil {
			code := answer(t.Context(), err).Code
			if code != 400 && code != 413 {
				t.Errorf("status %d for %v", code, err)
			}
			if message := err.Error(); strings.Contains(message, "httpx") || strings.Contains(message, "Go ") || len(message) > 2000 {
				t.Errorf("the client reads %q", message)
			}
			return
		}
		var want body
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("package json reads %+v, %v", want, err)
		}
	})
}

func BenchmarkDecodeJSON(b *testing.B) {
	text := `{"email":"ada@example.com","plan":"pro","goals":["a","b","c"],"home":{"city":"Kyiv"}}`
	for b.Loop() {
		if _, err := decode("application/json", strings.NewReader(text), limit); err != nil {
			b.Fatal(err)
		}
	}
}
