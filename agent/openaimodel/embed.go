package openaimodel

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/openai/openai-go/v3"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/internal/modelcall"
)

// How much goes into one request. The API takes 2,048 texts of 8,192 tokens with
// 300,000 tokens together.
const (
	embedBatch = 64
	embedSize  = 8000 // bytes of a text; what comes after them doesn't count
)

// Embedder asks OpenAI for embeddings
// (https://platform.openai.com/docs/api-reference/embeddings). It is an
// [agent.Embedder].
type Embedder struct {
	call       *modelcall.Caller
	service    openai.EmbeddingService
	model      string
	dimensions int
}

var _ agent.Embedder = (*Embedder)(nil)

// NewEmbedder returns an Embedder that asks with a key, as New does, a model such as
// text-embedding-3-small. dimensions is how many the model shall give; 0: as many as
// it has. It asks nothing yet.
func NewEmbedder(key, model string, dimensions int, o *Options) (*Embedder, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if model == "" || dimensions < 0 {
		return nil, errors.New("openaimodel: an embedder needs the name of a model, and no dimensions below 0")
	}
	opts = opts.withDefaults()
	call, err := opts.caller(key)
	if err != nil {
		return nil, err
	}
	return &Embedder{call: call, service: openai.NewEmbeddingService(opts.request(key, call)...), model: model, dimensions: dimensions}, nil
}

// String hides the key from %v.
func (e *Embedder) String() string { return "openaimodel.Embedder" }

// GoString hides it from %#v.
func (e *Embedder) GoString() string { return e.String() }

// Space is the model's name, with the number of dimensions if one was given.
func (e *Embedder) Space() string {
	if e.dimensions == 0 {
		return e.model
	}
	return e.model + "/" + strconv.Itoa(e.dimensions)
}

// Embed implements [agent.Embedder]. Of a text the first 8,000 bytes count; it must
// not be empty.
func (e *Embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	var vectors [][]float32
	for batch := range slices.Chunk(texts, embedBatch) {
		some, err := e.embed(ctx, batch)
		if err != nil {
			return nil, err
		}
		vectors = append(vectors, some...)
	}
	return vectors, nil
}

func (e *Embedder) embed(ctx context.Context, texts []string) ([][]float32, error) {
	params := openai.EmbeddingNewParams{Model: e.model, EncodingFormat: openai.EmbeddingNewParamsEncodingFormatFloat}
	for i, text := range texts {
		if strings.TrimSpace(text) == "" {
			return nil, fmt.Errorf("openaimodel: text %d to embed is empty", i+1)
		}
		params.Input.OfArrayOfStrings = append(params.Input.OfArrayOfStrings, beginning(text))
	}
	if e.dimensions > 0 {
		params.Dimensions = openai.Int(int64(e.dimensions))
	}
	var vectors [][]float32
	err := e.call.Do(ctx, func(ctx context.Context) (bool, error) {
		answer, err := e.service.New(ctx, params)
		if err != nil {
			return true, err
		}
		var ok bool
		if vectors, ok = vectorsOf(answer, len(texts)); !ok {
			return true, modelcall.Unreadable()
		}
		return true, nil
	})
	return vectors, err
}

// beginning returns what of a text is sent.
func beginning(text string) string {
	if len(text) <= embedSize {
		return text
	}
	end := embedSize
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// vectorsOf returns the vectors of an answer in their order, if there are n of them,
// all of the same length and made of numbers.
func vectorsOf(answer *openai.CreateEmbeddingResponse, n int) ([][]float32, bool) {
	if answer == nil || len(answer.Data) != n {
		return nil, false
	}
	vectors := make([][]float32, n)
	for _, d := range answer.Data {
		if d.Index < 0 || d.Index >= int64(n) || vectors[d.Index] != nil || len(d.Embedding) == 0 || len(d.Embedding) != len(answer.Data[0].Embedding) {
			return nil, false
		}
		v := make([]float32, len(d.Embedding))
		for i, x := range d.Embedding {
			if math.IsNaN(x) || math.Abs(x) > math.MaxFloat32 {
				return nil, false
			}
			v[i] = float32(x)
		}
		vectors[d.Index] = v
	}
	return vectors, true
}
