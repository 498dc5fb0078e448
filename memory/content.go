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

// Text is a text of something that is stored elsewhere, ready to be remembered.
type Text struct {
	m       *Memory
	parts   []string
	vectors [][]float32 // of the parts; nil when there are none to be had
}

// Prepare makes a text ready, which may take a while: do it before a transaction. Each
// part of a long one begins with the title.
func (m *Memory) Prepare(ctx context.Context, title, text string) Text {
	list := parts(plain.Line(title), plain.Clean(text))
	return Text{m, list, m.embed(ctx, list...)}
}

// Index remembers a text in the layer [Semantic] as that of ref, in the place of what
// was remembered of it before. It takes part in the transaction that tx is of.
func (x Text) Index(ctx context.Context, tx storage.Store, customer storage.CustomerID, ref string) error {
	if ref == "" {
		return storage.Invalid("ref", "given")
	}
	memories, now := in(tx), x.m.now()
	for n, part := range x.parts {
		r, err := x.m.record(customer, Item{ID: partID(ref, n), Note: Note{Layer: Semantic, Text: part}, Ref: ref, CreatedAt: now}, x.vectors, n)
		if err != nil {
			return err
		}
		if err := memories.PutMemory(ctx, r); err != nil {
			return err
		}
	}
	return deleteParts(ctx, memories, customer, ref, len(x.parts))
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
