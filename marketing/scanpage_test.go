package marketing

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/agent"
)

const shopPage = `<!doctype html><html lang="en"><title>Socks that stay dry</title><h1>Socks</h1><p>One two three.</p>`

// shelf holds pages by their addresses.
type shelf map[string]webPage

func (s shelf) getPage(_ context.Context, url string) (webPage, error) {
	page, ok := s[url]
	if !ok {
		return webPage{}, agent.Errorf("nobody answers at %s", url)
	}
	return page, nil
}

func callScan(t *testing.T, pages pageGetter, args string) (agent.Result, error) {
	t.Helper()
	return scanPageTool(pages).Call(t.Context(), "a customer", json.RawMessage(args))
}

func TestScanPage(t *testing.T) {
	pages := shelf{
		"https://shop.example/":     {url: "https://www.shop.example/socks", contentType: "text/html", body: []byte(shopPage)},
		"https://shop.example/long": {url: "https://shop.example/long", body: []byte(shopPage), truncated: true},
	}
	result, err := callScan(t, pages, `{"url": "https://shop.example/"}`)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(result.Structured, &out); err != nil {
		t.Fatal(err)
	}
	schema, err := scanPageTool(pages).OutputSchema().CloneSchemas().Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(out); err != nil {
		t.Errorf("the result doesn't follow the output schema: %v", err)
	}
	if out["url"] != "https://www.shop.example/socks" || out["truncated"] != false || out["citabilityGrade"] != "F" {
		t.Errorf("result %v", out)
	}
	if text := result.Content[0].Text; !strings.Contains(text, "> Socks that stay dry\n") || strings.Contains(text, "too large") {
		t.Errorf("text %s", text)
	}

	result, err = callScan(t, pages, `{"url": "https://shop.example/long"}`)
	if err != nil || !strings.Contains(result.Content[0].Text, "too large to be read whole") || !strings.Contains(string(result.Structured), `"truncated":true`) {
		t.Errorf("a page that was cut: %v", err)
	}
}

func TestScanPageRefuses(t *testing.T) {
	pages := shelf{
		"https://shop.example/pdf": {contentType: "application/pdf"},
	}
	for url, want := range map[string]string{
		"https://shop.example/pdf":    "not to a web page",
		"https://shop.example/none":   "nobody answers at https://shop.example/none",
		"https://shop.example/\n":     "url must be a text of one line",
		"":                            `argument "url" is not valid`,
		strings.Repeat("a", 2048+1):   `argument "url" is not valid`,
		"https://shop.example/\u0007": "url must be a text without control characters",
	} {
		args, err := json.Marshal(scanPageIn{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		_, err = callScan(t, pages, string(args))
		if text, ok := "", false; err != nil {
			if text, ok = agent.CallerText(err); !ok || !strings.Contains(text, want) {
				t.Errorf("%.60q: error %v, want it to contain %q", url, err, want)
			}
			continue
		}
		t.Errorf("%.60q was scanned", url)
	}
}

type broken struct{ err error }

func (b broken) getPage(context.Context, string) (webPage, error) { return webPage{}, b.err }

// TestScanPageKeepsErrors: what the getter doesn't mean for callers stays inside.
func TestScanPageKeepsErrors(t *testing.T) {
	inner := errors.New("secret")
	_, err := callScan(t, broken{inner}, `{"url": "https://shop.example/"}`)
	if _, ok := agent.CallerText(err); !errors.Is(err, inner) || ok {
		t.Errorf("error %v", err)
	}
}

type steps []string

func (s *steps) Progress(_ context.Context, _, _ float64, message string) { *s = append(*s, message) }

func (s *steps) Log(context.Context, agent.Level, string) {}

func TestScanPageReportsProgress(t *testing.T) {
	var seen steps
	pages := shelf{"https://shop.example/": {body: []byte(shopPage)}}
	if _, err := scanPage(agent.WithReporter(t.Context(), &seen), pages, "https://shop.example/"); err != nil {
		t.Fatal(err)
	}
	if want := (steps{"fetching the page", "scoring the page"}); !slices.Equal(seen, want) {
		t.Errorf("progress %v, want %v", seen, want)
	}
}
