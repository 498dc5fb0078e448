package memory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/memory"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// each runs a test on both databases, with the customers ada and bob.
func each(t *testing.T, test func(t *testing.T, s storage.Store)) {
	customers := func(t *testing.T, s storage.Store) storage.Store {
		for _, id := range []storage.CustomerID{"ada", "bob"} {
			if err := s.CreateCustomer(t.Context(), storage.Customer{ID: id, Status: storage.StatusActive}); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	t.Run("SQLite", func(t *testing.T) {
		s, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, customers(t, s))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		s, err := pgstore.Open(t.Context(), pgtest.DSN(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, customers(t, s))
	})
}

func newMemory(t *testing.T, s storage.Store, e agent.Embedder) *memory.Memory {
	t.Helper()
	m, err := memory.New(s, &memory.Options{Embedder: e})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func remember(t *testing.T, m *memory.Memory, customer storage.CustomerID, n memory.Note) memory.Item {
	t.Helper()
	item, err := m.Remember(t.Context(), customer, n)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func recall(t *testing.T, m *memory.Memory, customer storage.CustomerID, q memory.Query) []memory.Item {
	t.Helper()
	items, err := m.Recall(t.Context(), customer, q)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func texts(items []memory.Item) string {
	var list []string
	for _, i := range items {
		list = append(list, i.Text)
	}
	return strings.Join(list, " | ")
}

func TestRecall(t *testing.T) {
	each(t, func(t *testing.T, s storage.Store) {
		for name, e := range map[string]agent.Embedder{"words": nil, "meaning": agenttest.Embedder{}, "broken": agenttest.Embedder{Err: errors.New("away")}} {
			t.Run(name, func(t *testing.T) {
				m := newMemory(t, s, e)
				for _, text := range []string{"The launch has moved to July.", "Invoices are sent by mail.", "The office cat is called Turing."} {
					remember(t, m, "ada", memory.Note{Layer: memory.Semantic, Text: text + " " + name})
				}
				remember(t, m, "bob", memory.Note{Layer: memory.Semantic, Text: "The launch of Bob. " + name})
				items := recall(t, m, "ada", memory.Query{Text: "to which month was the launch moved? July? " + name, Limit: 1})
				if got := texts(items); got != "The launch has moved to July. "+name {
					t.Errorf("recalled %q", got)
				}
				for _, i := range recall(t, m, "ada", memory.Query{Text: "launch Bob", Limit: memory.MaxRecall}) {
					if strings.Contains(i.Text, "Bob") {
						t.Errorf("recalled %q of another customer", i.Text)
					}
				}
			})
		}
	})
}

func TestLayers(t *testing.T) {
	each(t, func(t *testing.T, s storage.Store) {
		m := newMemory(t, s, nil)
		for _, n := range []memory.Note{
			{Layer: memory.Working, Text: "apple of today"},
			{Layer: memory.Working, Topic: "other", Text: "apple of another conversation"},
			{Layer: memory.Brand, Text: "apple fact"},
			{Layer: memory.Semantic, Text: "apple note"},
			{Layer: memory.Procedural, Topic: "social", Text: "apple lesson"},
		} {
			remember(t, m, "ada", n)
		}
		for _, c := range []struct {
			query memory.Query
			want  int
		}{
			{memory.Query{Text: "apple"}, 4},
			{memory.Query{Text: "apple", Conversation: "other"}, 4},
			{memory.Query{Text: "apple", Layers: []string{memory.Working}, Conversation: "third"}, 0},
			{memory.Query{Text: "apple", Layers: []string{memory.Brand, memory.Semantic}}, 2},
			{memory.Query{Text: "apple", Limit: 2}, 2},
			{memory.Query{Text: "elephant"}, 0},
		} {
			if items := recall(t, m, "ada", c.query); len(items) != c.want {
				t.Errorf("%+v recalls %q", c.query, texts(items))
			}
		}
		facts, err := m.Facts(t.Context(), "ada")
		if err != nil || texts(facts) != "apple fact" {
			t.Errorf("facts %q, %v", texts(facts), err)
		}
		list, next, err := m.List(t.Context(), "ada", "", 3, "")
		if err != nil || len(list) != 3 || next == "" || list[0].Text != "apple lesson" {
			t.Errorf("list %q, %v", texts(list), err)
		}
		for _, q := range []memory.Query{{Text: "a", Limit: 51}, {Text: "a", Limit: -1}, {Text: "a", Layers: []string{"other"}}} {
			if _, err := m.Recall(t.Context(), "ada", q); !errors.Is(err, storage.ErrInvalid) {
				t.Errorf("%+v: %v", q, err)
			}
		}
	})
}

func TestLessonsAndWeights(t *testing.T) {
	each(t, func(t *testing.T, s storage.Store) {
		m := newMemory(t, s, nil)
		remember(t, m, "ada", memory.Note{Layer: memory.Procedural, Text: "Write short."})
		remember(t, m, "ada", memory.Note{Layer: memory.Procedural, Topic: "social", Text: "No emoji."})
		remember(t, m, "ada", memory.Note{Layer: memory.Procedural, Topic: "email", Text: "No exclamation marks."})
		for _, w := range []float64{0.3, 0.7} {
			remember(t, m, "ada", memory.Note{Layer: memory.Procedural, Text: "The blog works.", Key: "format_weights.blog", Weight: &w})
		}
		lessons, err := m.Lessons(t.Context(), "ada", "social")
		if err != nil || texts(lessons) != "The blog works. | No emoji. | Write short." || *lessons[0].Weight != 0.7 {
			t.Errorf("lessons %q, %v", texts(lessons), err)
		}
		if lessons, err := m.Lessons(t.Context(), "bob", "social"); err != nil || len(lessons) > 0 {
			t.Errorf("bob has %q, %v", texts(lessons), err)
		}
	})
}

func TestBadNotes(t *testing.T) {
	half, much := 0.5, 1.5
	each(t, func(t *testing.T, s storage.Store) {
		m := newMemory(t, s, nil)
		for want, n := range map[string]memory.Note{
			"layer must be working, brand, semantic, procedural": {Layer: "other", Text: "x"},
			"text must be a text of 1 to 4000":                   {Layer: memory.Brand, Text: " \u200b\n"},
			"text must be a text of 1 to 4000 characters":        {Layer: memory.Brand, Text: strings.Repeat("ä", 4001)},
			"topic must be left out in the layer brand":          {Layer: memory.Brand, Topic: "x", Text: "x"},
			"topic must be one line":                             {Layer: memory.Working, Topic: "a\nb", Text: "x"},
			"weight must be given together with key":             {Layer: memory.Procedural, Text: "x", Key: "a"},
			"weight must be given together":                      {Layer: memory.Procedural, Text: "x", Weight: &half},
			"key must be left out in the layer semantic":         {Layer: memory.Semantic, Text: "x", Key: "a", Weight: &half},
			"key must be 1 to 100":                               {Layer: memory.Procedural, Text: "x", Key: "A b", Weight: &half},
			"weight must be a number from 0 to 1":                {Layer: memory.Procedural, Text: "x", Key: "a", Weight: &much},
		} {
			if _, err := m.Remember(t.Context(), "ada", n); !errors.Is(err, storage.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, want %q", n, err, want)
			}
		}
		if _, err := m.Remember(t.Context(), "nobody", memory.Note{Layer: memory.Brand, Text: "x"}); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("for nobody: %v", err)
		}
		if list, _, err := m.List(t.Context(), "ada", "", 0, ""); err != nil || len(list) > 0 {
			t.Errorf("remembered %q, %v", texts(list), err)
		}
	})
}

// What is forgotten is nowhere any more, and its text is in no event.
func TestForget(t *testing.T) {
	each(t, func(t *testing.T, s storage.Store) {
		m := newMemory(t, s, agenttest.Embedder{})
		secret := remember(t, m, "ada", memory.Note{Layer: memory.Brand, Text: "The secret is xylophone."})
		remember(t, m, "bob", memory.Note{Layer: memory.Brand, Text: "The secret of Bob is xylophone."})
		if err := m.Forget(t.Context(), "bob", secret.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("by another customer: %v", err)
		}
		if err := m.Forget(t.Context(), "ada", secret.ID); err != nil {
			t.Fatal(err)
		}
		if items := recall(t, m, "ada", memory.Query{Text: "secret xylophone"}); len(items) > 0 {
			t.Errorf("recalled %q", texts(items))
		}
		if err := m.Forget(t.Context(), "ada", secret.ID); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("again: %v", err)
		}
		events, err := s.Events(t.Context(), "ada", storage.EventQuery{Page: storage.Page{Limit: 10}})
		if err != nil || len(events) != 2 || events[0].Type != "memory.forgotten" || events[1].Type != "memory.added" {
			t.Fatalf("events %+v, %v", events, err)
		}
		for _, e := range events {
			if strings.Contains(string(e.Data), "xylophone") {
				t.Errorf("an event has the text: %s", e.Data)
			}
		}
	})
}

// An agent at work writes to its own conversation and takes notes, and no more.
func TestAtWork(t *testing.T) {
	each(t, func(t *testing.T, s storage.Store) {
		m := newMemory(t, s, nil)
		fact := remember(t, m, "ada", memory.Note{Layer: memory.Brand, Text: "A fact."})
		remember(t, m, "ada", memory.Note{Layer: memory.Working, Topic: "root-2", Text: "a banana elsewhere"})
		ctx := agent.WithWorking(t.Context(), agent.Working{RunID: "child", Root: "root-1"})
		for _, layer := range []string{memory.Brand, memory.Procedural} {
			if _, err := m.Remember(ctx, "ada", memory.Note{Layer: layer, Text: "PWNED"}); err == nil || !strings.Contains(err.Error(), "only the customer") {
				t.Errorf("%s: %v", layer, err)
			}
		}
		mine, err := m.Remember(ctx, "ada", memory.Note{Layer: memory.Working, Topic: "root-2", Text: "a banana of mine"})
		if err != nil || mine.Topic != "root-1" {
			t.Errorf("%+v, %v", mine, err)
		}
		items, err := m.Recall(ctx, "ada", memory.Query{Text: "banana", Conversation: "root-2"})
		if err != nil || texts(items) != "a banana of mine" {
			t.Errorf("recalled %q, %v", texts(items), err)
		}
		if err := m.Forget(ctx, "ada", fact.ID); err == nil || errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a fact is forgotten: %v", err)
		}
		if err := m.Forget(ctx, "ada", mine.ID); err != nil {
			t.Error(err)
		}
	})
}

func TestWorkingMemoryEnds(t *testing.T) {
	each(t, func(t *testing.T, s storage.Store) {
		m := newMemory(t, s, nil)
		remember(t, m, "ada", memory.Note{Layer: memory.Working, Text: "for now"})
		remember(t, m, "ada", memory.Note{Layer: memory.Brand, Text: "for ever"})
		memory.SetNow(m, storage.Now().Add(24*time.Hour))
		if list, _, err := m.List(t.Context(), "ada", "", 0, ""); err != nil || texts(list) != "for ever" {
			t.Errorf("after a day: %q, %v", texts(list), err)
		}
		if items := recall(t, m, "ada", memory.Query{Text: "for"}); texts(items) != "for ever" {
			t.Errorf("after a day: %q", texts(items))
		}
		if err := m.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		role, _ := storage.RoleOf[storage.Memories](s)
		if list, err := role.Memories(t.Context(), "ada", storage.MemoryQuery{Page: storage.Page{Limit: 9}}); err != nil || len(list) != 1 {
			t.Errorf("%d memories are left, %v", len(list), err)
		}
	})
}

func TestIndex(t *testing.T) {
	each(t, func(t *testing.T, s storage.Store) {
		m := newMemory(t, s, agenttest.Embedder{})
		ctx := t.Context()
		long := strings.Repeat("Filler that says nothing of note.\n", 200) + "The pelican is at the end."
		if err := m.Prepare(ctx, "On birds", long).Index(ctx, s, "ada", "piece-1"); err != nil {
			t.Fatal(err)
		}
		if err := m.Prepare(ctx, "On cats", "Nothing on birds but the pelican.").Index(ctx, s, "ada", "piece-2"); err != nil {
			t.Fatal(err)
		}
		items := recall(t, m, "ada", memory.Query{Text: "filler of note, and the pelican at the end"})
		if len(items) != 2 || items[0].Ref != "piece-1" || items[1].Ref != "piece-2" || !strings.HasPrefix(items[0].Text, "On birds\n\n") {
			t.Fatalf("recalled %+v", items)
		}
		// A shorter version takes the place of all of it.
		if err := m.Prepare(ctx, "On birds", "Only herons.").Index(ctx, s, "ada", "piece-1"); err != nil {
			t.Fatal(err)
		}
		for _, i := range recall(t, m, "ada", memory.Query{Text: "pelican filler", Limit: memory.MaxRecall}) {
			if i.Ref == "piece-1" && !strings.Contains(i.Text, "herons") {
				t.Errorf("recalled the old version: %q", i.Text)
			}
		}
		items = recall(t, m, "ada", memory.Query{Text: "herons", Limit: 1})
		if err := m.Forget(ctx, "ada", items[0].ID); err != nil {
			t.Fatal(err)
		}
		if items := recall(t, m, "ada", memory.Query{Text: "herons"}); len(items) != 1 || items[0].Ref != "piece-2" {
			t.Errorf("after it was forgotten: %+v", items)
		}
		if err := m.Prepare(ctx, "x", "y").Index(ctx, s, "ada", ""); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("without a ref: %v", err)
		}
	})
}

// The right piece is recalled out of 10,000, by its words and by its meaning, while
// another customer has those that are looked for as well.
func TestTenThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("it stores 10,000 memories in each database")
	}
	const n, first, step = 10_000, 3, 797
	adjectives := []string{"amber", "brisk", "coral", "dusty", "eager", "frosty", "gentle", "hollow", "ivory", "jolly"}
	nouns := []string{"anchor", "bridge", "candle", "desert", "engine", "forest", "garden", "harbor", "island", "jacket"}
	text := func(i int) string {
		return fmt.Sprintf("Article %d on the %s %s and the %s %s in the town of %s%s", i,
			adjectives[i%10], nouns[i/10%10], adjectives[i/100%10], nouns[i/1000%10], nouns[i*7%10], adjectives[i*3%10])
	}
	each(t, func(t *testing.T, s storage.Store) {
		e := agenttest.Embedder{}
		var all []string
		for i := range n {
			all = append(all, text(i))
		}
		vectors, err := e.Embed(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		err = s.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
			role, _ := storage.RoleOf[storage.Memories](tx)
			put := func(who storage.CustomerID, i int) error {
				return role.PutMemory(ctx, storage.Memory{
					CustomerID: who, ID: fmt.Sprint(i), Layer: memory.Semantic, Text: string(who) + ": " + all[i],
					Data: []byte(fmt.Sprintf(`{"ref":"%s-%d"}`, who, i)), Vector: vectors[i], Space: e.Space(),
				})
			}
			for i := range n {
				if err := put("ada", i); err != nil {
					return err
				}
			}
			for i := first; i < n; i += step {
				if err := put("bob", i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, m := range map[string]*memory.Memory{"words": newMemory(t, s, nil), "meaning": newMemory(t, s, e)} {
			for i := first; i < n; i += step {
				items := recall(t, m, "ada", memory.Query{Text: text(i)})
				if len(items) == 0 || items[0].Ref != fmt.Sprint("ada-", i) {
					t.Errorf("by %s: %q recalls %q", name, text(i), texts(items))
				}
				for _, item := range items {
					if !strings.HasPrefix(item.Ref, "ada-") {
						t.Errorf("by %s: %q recalls %s", name, text(i), item.Ref)
					}
				}
			}
		}
	})
}

func TestNewNeedsTheRole(t *testing.T) {
	if _, err := memory.New(struct{ storage.Store }{}, nil); err == nil || !strings.Contains(err.Error(), "storage.Memories") {
		t.Errorf("%v", err)
	}
}
