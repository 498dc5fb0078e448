package openaimodel_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
	"github.com/heycmo/heycmo-go/agent/openaimodel"
)

func TestEmbed(t *testing.T) {
	s := agenttest.StartOpenAI(t)
	e, err := openaimodel.NewEmbedder(agenttest.Key, "text-embedding-3-small", 64, &openaimodel.Options{BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for i := range 150 { // more than one request
		texts = append(texts, fmt.Sprint("text number ", i))
	}
	texts = append(texts, strings.Repeat("ä", 10_000))
	got, err := e.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	want, err := agenttest.Embedder{Dimensions: 64}.Embed(t.Context(), append(texts[:150:150], strings.Repeat("ä", 4000)))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%d vectors, which are not those of the texts", len(got))
	}
	if e.Space() != "text-embedding-3-small/64" {
		t.Errorf("the space is %s", e.Space())
	}
	if none, err := e.Embed(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("nothing: %v, %v", none, err)
	}
	if _, err := e.Embed(t.Context(), []string{"a", " "}); err == nil || !strings.Contains(err.Error(), "text 2") {
		t.Errorf("an empty text: %v", err)
	}
}

func TestEmbedRefusesAnswers(t *testing.T) {
	answer := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, answer)
	}))
	defer s.Close()
	e, err := openaimodel.NewEmbedder("key", "m", 0, &openaimodel.Options{BaseURL: s.URL, Retries: -1, Transport: &http.Transport{DisableKeepAlives: true}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Space() != "m" {
		t.Errorf("the space is %s", e.Space())
	}
	for _, answer = range []string{
		`garbage`, `{}`, `{"data":[]}`, `{"data":[{"index":0,"embedding":[1]}]}`,
		`{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`,
		`{"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]}`,
		`{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]}`,
		`{"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[]}]}`,
		`{"data":[{"index":0,"embedding":[1e300]},{"index":1,"embedding":[1]}]}`,
	} {
		_, err := e.Embed(t.Context(), []string{"a", "b"})
		if failed, ok := errors.AsType[*agent.ModelError](err); !ok || failed.Kind != agent.ModelUnavailable {
			t.Errorf("%s: %v", answer, err)
		}
	}
	answer = `{"data":[{"index":1,"embedding":[0,1]},{"index":0,"embedding":[1,0]}]}`
	if v, err := e.Embed(t.Context(), []string{"a", "b"}); err != nil || !reflect.DeepEqual(v, [][]float32{{1, 0}, {0, 1}}) {
		t.Errorf("out of order: %v, %v", v, err)
	}
}

func TestNewEmbedder(t *testing.T) {
	for _, c := range []struct {
		key, model string
		dimensions int
	}{{"", "m", 0}, {"key", "", 0}, {"key", "m", -1}} {
		if _, err := openaimodel.NewEmbedder(c.key, c.model, c.dimensions, nil); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	e, err := openaimodel.NewEmbedder("sk-secret", "m", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", e, e, e, e); strings.Contains(text, "sk-secret") {
		t.Errorf("the key is in %s", text)
	}
	_, err = e.Embed(t.Context(), []string{""})
	if err == nil || strings.Contains(err.Error(), "sk-secret") {
		t.Errorf("%v", err)
	}
}
