package bunstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

// hitRow is a memory with how well it fits.
type hitRow struct {
	memoryRow `bun:",extend"`

	Score float64 `bun:"score,scanonly"`
}

func (r hitRow) record() storage.MemoryHit {
	return storage.MemoryHit{Memory: r.memoryRow.record(), Score: r.Score}
}

// SearchMemories is described at [storage.Memories].
func (s *Store) SearchMemories(ctx context.Context, customer storage.CustomerID, search storage.MemorySearch) ([]storage.MemoryHit, error) {
	if err := checkText("customer", string(customer), "topic", search.Topic, "text", search.Text, "space", search.Space); err != nil {
		return nil, err
	}
	if err := checkVector(search.Vector, search.Space); err != nil {
		return nil, err
	}
	for _, layer := range search.Layers {
		if err := checkText("layer", layer); err != nil {
			return nil, err
		}
	}
	var rows []hitRow
	query := s.read.NewSelect().Model(&rows).ColumnExpr("?TableColumns").Where("m.customer_id = ?", customer)
	if len(search.Layers) > 0 {
		query = query.Where("m.layer IN ?", bun.Tuple(search.Layers))
	}
	if search.Topic != "" {
		query = query.Where("m.topic = ?", search.Topic)
	}
	query = limited(unexpired(query, search.At), search.Limit)
	if search.Vector != nil {
		schema, able, err := s.vectorSchema(ctx)
		if err != nil {
			return nil, err
		}
		if !able {
			return nil, fmt.Errorf("bunstore: this database can't compare vectors: %w", errors.ErrUnsupported)
		}
		query = s.byVector(query, schema, search)
	} else {
		words := wordsOf(search.Text)
		if len(words) == 0 {
			return nil, nil
		}
		query = s.byWords(query, customer, words)
	}
	if err := query.Scan(ctx); err != nil {
		return nil, wrap(ctx, err)
	}
	return records(rows), nil
}

// putWords indexes a memory's text, where no trigger does. Its letters are made small
// here: a database in the locale C knows only those of ASCII.
func (s *Store) putWords(ctx context.Context, m storage.Memory) error {
	if !s.postgres() {
		return nil
	}
	_, err := s.exec(ctx, s.write.NewRaw(
		"UPDATE memories SET words = to_tsvector('simple', ?) || array_to_tsvector(ARRAY[?]) WHERE customer_id = ? AND id = ?",
		strings.ToLower(m.Text), ownerWord(m.CustomerID), m.CustomerID, m.ID))
	return err
}

// ownerWord is a word that only the customer's texts have.
func ownerWord(customer storage.CustomerID) string { return "customer:" + string(customer) }

// maxWords is how many words of a search count.
const maxWords = 64

// wordsOf returns the different words of a text. They hold letters, digits and their
// marks alone, so none of them means anything to a database.
func wordsOf(text string) []string {
	var words []string
	seen := map[string]bool{}
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N, unicode.M) }) {
		if !seen[word] && len(words) < maxWords && strings.ContainsFunc(word, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N) }) {
			seen[word] = true
			words = append(words, word)
		}
	}
	return words
}

// byWords looks for any of the words in the customer's texts.
func (s *Store) byWords(q *bun.SelectQuery, customer storage.CustomerID, words []string) *bun.SelectQuery {
	if s.postgres() {
		owner := "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(ownerWord(customer)) + "'"
		query := bun.SafeQuery("(?::tsquery && to_tsquery('simple', ?))", owner, strings.Join(words, " | "))
		return q.ColumnExpr("ts_rank(m.words, ?, 1) AS score", query).Where("m.words @@ ?", query).OrderExpr("score DESC, m.id DESC")
	}
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = `"` + word + `"`
	}
	owner := `"` + strings.ReplaceAll(string(customer), `"`, `""`) + `"`
	match := "customer_id : " + owner + " AND text : (" + strings.Join(quoted, " OR ") + ")"
	// bm25 is lower for what fits better. The first column is whose it is.
	return q.ColumnExpr("-bm25(memories_text, 0.0, 1.0) AS score").
		Join("JOIN memories_text ON memories_text.rowid = m.n").
		Where("memories_text MATCH ?", match).OrderExpr("score DESC, m.id DESC")
}
