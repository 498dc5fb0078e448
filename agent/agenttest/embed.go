package agenttest

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"math"
	"net/http"
	"strings"
	"unicode"

	"github.com/heycmo/heycmo-go/agent"
)

// Embedder is an [agent.Embedder] without a model: texts are near each other when they
// have words, or parts of words, in common. The same text always gets the same vector.
type Embedder struct {
	// Dimensions is how long vectors are; default 256.
	Dimensions int
	// Err, if set, is what Embed fails with.
	Err error
}

var _ agent.Embedder = Embedder{}

// Space implements [agent.Embedder].
func (e Embedder) Space() string { return "agenttest" }

// Embed implements [agent.Embedder].
func (e Embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if e.Err != nil {
		return nil, e.Err
	}
	n := e.Dimensions
	if n == 0 {
		n = 256
	}
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		vectors[i] = embed(text, n)
	}
	return vectors, nil
}

// embed counts words, and triples of letters for less, at places that their hashes say.
func embed(text string, n int) []float32 {
	v := make([]float32, n)
	add := func(feature string, weight float32) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(feature))
		sum := h.Sum32()
		if sum&1 == 0 {
			weight = -weight
		}
		v[int(sum>>1)%n] += weight
	}
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		add(word, 1)
		letters := []rune(" " + word + " ")
		for i := range len(letters) - 2 {
			add(string(letters[i:i+3]), 0.3)
		}
	}
	var length float64
	for _, x := range v {
		length += float64(x) * float64(x)
	}
	if length == 0 {
		v[0], length = 1, 1
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(length))
	}
	return v
}

const embeddingsPath = "/v1/embeddings"

// embed is the fake of POST /v1/embeddings
// (https://platform.openai.com/docs/api-reference/embeddings/create), with the vectors
// of [Embedder]. It takes none of the answers.
func (s *Server) embed(w http.ResponseWriter, r *http.Request, body []byte) {
	var asked struct {
		Input          json.RawMessage `json:"input"`
		Model          string          `json:"model"`
		Dimensions     *int            `json:"dimensions"`
		EncodingFormat string          `json:"encoding_format"`
		User           string          `json:"user"`
	}
	err := strict(body, &asked)
	var texts []string
	var one string
	if json.Unmarshal(asked.Input, &one) == nil {
		texts = []string{one}
	} else if err == nil {
		err = json.Unmarshal(asked.Input, &texts)
	}
	dimensions, size := 256, 0
	if asked.Dimensions != nil {
		dimensions = *asked.Dimensions
	}
	for _, text := range texts {
		size += len(text)
		if text == "" {
			err = errors.New("'$.input' is invalid")
		}
	}
	switch {
	case s.api.key(r.Header) != Key:
		s.refuse(w, http.StatusUnauthorized, "the key is wrong: "+s.api.key(r.Header))
		return
	case err != nil:
	case asked.Model == "" || len(texts) == 0 || len(texts) > 2048 || size/4 > 300_000:
		err = errors.New("model and input are needed, with at most 2048 texts and 300000 tokens")
	case dimensions < 1 || dimensions > 4096:
		err = errors.New("dimensions is invalid")
	case asked.EncodingFormat != "float":
		err = errors.New("agenttest: encoding_format must be float")
	}
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	data := []object{}
	for i, text := range texts {
		data = append(data, object{"object": "embedding", "index": i, "embedding": embed(text, dimensions)})
	}
	write(w, http.StatusOK, object{"object": "list", "model": asked.Model, "data": data, "usage": object{"prompt_tokens": size / 4, "total_tokens": size / 4}})
}
