package agent

import "context"

// Embedder places texts in a space in which those that mean the same are near each
// other. Package openaimodel has one. It may be used by many goroutines.
type Embedder interface {
	// Embed returns a vector for each text, in their order, all of the same length.
	// It honours the context. A failure of the provider is a [*ModelError].
	Embed(ctx context.Context, texts []string) ([][]float32, error)

	// Space names the model and the number of dimensions, such as
	// "text-embedding-3-small/1536": vectors of different spaces can't be compared.
	Space() string
}
