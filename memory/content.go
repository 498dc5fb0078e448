package memory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/internal/plain"
	"github.com/heycmo/heycmo-go/storage"
)

// A long text is remembered in parts, since one vector for all of it means little.
const (
	partSize = 2000 // characters, about
	maxParts = 25   // what comes after them isn't found
)

// Index remembers a text of something that is stored elsewhere under ref, in the layer
// [Semantic], in the place of what was remembered of it before. Each part of it begins
// with the title.
func (m *Memory) Index(ctx context.Context, customer storage.CustomerID, ref, title, text string) error {
	if ref == "" {
		return storage.Invalid("ref", "given")
	}
	texts := parts(plain.Line(title), plain.Clean(text))
	vectors := m.embed(ctx, texts...)
	now := m.now()
	return m.store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		memories := in(tx)
		for n, part := range texts {
			r, err := m.record(customer, Item{ID: partID(ref, n), Note: Note{Layer: Semantic, Text: part}, Ref: ref, CreatedAt: now}, vectors, n)
			if err != nil {
				return err
			}
			if err := memories.PutMemory(ctx, r); err != nil {
				return err
			}
		}
		return deleteParts(ctx, memories, customer, ref, len(texts))
	})
}

func partID(ref string, n int) string { return fmt.Sprintf("%s.part%d", ref, n) }

// deleteParts deletes the parts of ref from the n-th on.
func deleteParts(ctx context.Context, memories storage.Memories, customer storage.CustomerID, ref string, n int) error {
	for ; n < maxParts; n++ {
		if err := memories.DeleteMemory(ctx, customer, partID(ref, n)); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	return nil
}

// parts cuts a text at ends of paragraphs or lines, where there are some.
func parts(title, text string) []string {
	var list []string
	for text = strings.TrimSpace(text); text != "" && len(list) < maxParts; text = strings.TrimSpace(text) {
		part := text
		if utf8.RuneCountInString(text) > partSize {
			end := len(string([]rune(text)[:partSize]))
			if at := strings.LastIndex(text[:end], "\n"); at > end/2 {
				end = at
			}
			part = text[:end]
		}
		text = text[len(part):]
		list = append(list, strings.TrimSpace(title+"\n\n"+part))
	}
	if len(list) == 0 && title != "" {
		list = []string{title}
	}
	return list
}
