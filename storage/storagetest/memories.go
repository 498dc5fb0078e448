package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// RunMemories checks a store that has [storage.Memories]: the methods one by one,
// outside and inside a transaction, and searches by words. [RunVectors] checks
// searches by meaning.
func RunMemories(t *testing.T, open func(t *testing.T) storage.Store) {
	run(t, open, memoryMethods)
	run(t, open, inside(memoryMethods))
	run(t, open, []check{
		{"EndedContext", of(memoriesSample, testEndedContext)},
		{"UndoneWithItsTransaction", of(withMemories, testMemoriesUndone)},
	})
}

// RunVectors checks a store that has [storage.Memories] and can compare vectors.
func RunVectors(t *testing.T, open func(t *testing.T) storage.Store) {
	run(t, open, vectorMethods)
	run(t, open, inside(vectorMethods))
}

// memoryMethods are the checks of the methods. They hold inside a transaction too.
var memoryMethods = []check{
	{"EveryMethodIsCovered", of(memoriesSample, testCovered)},
	{"ForeignCustomer", of(withMemories, testMemoriesForeign)},
	{"Order", of(memoryListings, testOrder)},
	{"Paging", of(memoryListings, testPaging)},
	{"Text", of(memoriesSample, testText)},
	{"PutMemory", of(withMemories, testPutMemory)},
	{"PutMemoryRefuses", of(withMemories, testPutMemoryRefuses)},
	{"DeleteMemory", of(withMemories, testDeleteMemory)},
	{"Memories", of(withMemories, testMemories)},
	{"SearchWords", of(withMemories, testSearchWords)},
	{"SearchTakesTextAsItIs", of(withMemories, testSearchLiteral)},
	{"SearchIsSelective", of(withMemories, testSearchSelects)},
	{"DeleteExpiredMemories", of(withMemories, testDeleteExpiredMemories)},
}

var vectorMethods = []check{
	{"SearchVectors", of(withMemories, testSearchVectors)},
	{"VectorsOfOtherSpaces", of(withMemories, testVectorSpaces)},
	{"VectorsGoWithTheirMemory", of(withMemories, testVectorsGo)},
	{"ForeignVectors", of(withMemories, testVectorsForeign)},
}

// memoryStore is a store with the role.
type memoryStore struct {
	storage.Store
	storage.Memories
}

func withMemories(t *testing.T, s storage.Store) memoryStore {
	t.Helper()
	role, has := storage.RoleOf[storage.Memories](s)
	if !has {
		t.Fatal("the store has no storage.Memories: neither has it the methods itself, nor a method Unwrap() storage.Store that leads to them")
	}
	return memoryStore{s, role}
}

func newMemory(customer storage.CustomerID, id string) storage.Memory {
	return storage.Memory{
		CustomerID: customer, ID: id, Layer: "semantic", Topic: "topic", Text: "The launch is in June.",
		Data: json.RawMessage(`{"n":1}`), CreatedAt: now, UpdatedAt: now,
	}
}

func memoryID(m storage.Memory) string { return m.ID }
func hitID(h storage.MemoryHit) string { return h.ID }

func words(text string) storage.MemorySearch { return storage.MemorySearch{Text: text, Limit: 10} }

func near(v ...float32) storage.MemorySearch {
	return storage.MemorySearch{Vector: v, Space: "s", Limit: 10}
}

func memoriesSample(t *testing.T, s storage.Store) sample {
	t.Helper()
	store := withMemories(t, s)
	c := newCustomer(storage.NewID())
	ok(t, s.CreateCustomer(t.Context(), c))
	m := newMemory(c.ID, storage.NewID())
	ok(t, store.PutMemory(t.Context(), m))
	stored := func() []storage.Memory {
		list, err := store.Memories.Memories(context.WithoutCancel(t.Context()), c.ID, storage.MemoryQuery{Page: all})
		ok(t, err)
		return list
	}
	before := stored()
	return sample{
		contract: reflect.TypeFor[storage.Memories](),
		on:       store.Memories,
		calls: func() map[string][]any {
			return map[string][]any{
				"PutMemory":             {m},
				"Memory":                {c.ID, m.ID},
				"DeleteMemory":          {c.ID, m.ID},
				"Memories":              {c.ID, storage.MemoryQuery{Layer: "semantic", Topic: "topic", At: now, Page: all}},
				"SearchMemories":        {c.ID, storage.MemorySearch{Layers: []string{"semantic"}, Topic: "topic", Text: "june", At: now, Limit: 10}},
				"DeleteExpiredMemories": {now},
			}
		},
		restore: func(t *testing.T) { ok(t, store.PutMemory(t.Context(), m)) },
		unchanged: func(t *testing.T, after string) {
			t.Helper()
			equal(t, stored(), before, "memories after "+after)
		},
		called: func(*testing.T) {},
	}
}

func memoryListings(t *testing.T, s storage.Store) map[string]listing {
	store := withMemories(t, s)
	c := newCustomer(storage.NewID())
	ok(t, s.CreateCustomer(t.Context(), c))
	rows := map[string]listing{"Memories": {
		add: func(id string) error { return store.PutMemory(t.Context(), newMemory(c.ID, id)) },
		list: func(p storage.Page) ([]string, error) {
			list, err := store.Memories.Memories(t.Context(), c.ID, storage.MemoryQuery{Page: p})
			return ids(list, memoryID), err
		},
	}}
	allTakePages(t, reflect.TypeFor[storage.Memories](), rows)
	return rows
}

func testMemoriesForeign(t *testing.T, s memoryStore) {
	ctx := t.Context()
	mine, other := newCustomer("a"), newCustomer("A")
	ok(t, s.CreateCustomer(ctx, mine))
	ok(t, s.CreateCustomer(ctx, other))
	m := newMemory(mine.ID, "m")
	ok(t, s.PutMemory(ctx, m))
	for _, who := range []storage.CustomerID{other.ID, "nobody", "", "a a", `"a"`, "a*"} {
		_, err := s.Memory(ctx, who, m.ID)
		wantErr(t, err, storage.ErrNotFound, "Memory")
		wantErr(t, s.DeleteMemory(ctx, who, m.ID), storage.ErrNotFound, "DeleteMemory")
		list, err := s.Memories.Memories(ctx, who, storage.MemoryQuery{Page: all})
		equalIDs(t, list, err, memoryID, nil, "Memories")
		hits, err := s.SearchMemories(ctx, who, words("launch"))
		equalIDs(t, hits, err, hitID, nil, fmt.Sprintf("SearchMemories for %q", who))
	}
	wantErr(t, s.PutMemory(ctx, newMemory("nobody", "m")), storage.ErrNotFound, "a memory of an unknown customer")
	// The ID is the customer's own.
	twin := newMemory(other.ID, "m")
	twin.Text = "Another launch."
	ok(t, s.PutMemory(ctx, twin))
	got, err := s.Memory(ctx, mine.ID, "m")
	ok(t, err)
	equal(t, got, m, "the memory beside its twin")
	hits, err := s.SearchMemories(ctx, mine.ID, words("another launch"))
	ok(t, err)
	if len(hits) != 1 || hits[0].CustomerID != mine.ID {
		t.Errorf("found %+v", hits)
	}
}

func testPutMemory(t *testing.T, s memoryStore) {
	ctx := t.Context()
	f := fill(t, s)
	m := newMemory(f.customer.ID, "m")
	m.ExpiresAt = now.Add(time.Hour)
	ok(t, s.PutMemory(ctx, m))
	got, err := s.Memory(ctx, m.CustomerID, "m")
	ok(t, err)
	equal(t, got, m, "the stored memory")

	next := storage.Memory{
		CustomerID: m.CustomerID, ID: "m", Layer: "brand", Text: "The launch has moved to July.", Data: json.RawMessage(`{"n":2}`),
		CreatedAt: now.Add(time.Hour), UpdatedAt: now.Add(time.Hour),
	}
	ok(t, s.PutMemory(ctx, next))
	next.CreatedAt = m.CreatedAt
	got, err = s.Memory(ctx, m.CustomerID, "m")
	ok(t, err)
	equal(t, got, next, "the memory in its place")
	hits, err := s.SearchMemories(ctx, m.CustomerID, words("June"))
	equalIDs(t, hits, err, hitID, nil, "what was replaced")
	hits, err = s.SearchMemories(ctx, m.CustomerID, words("July"))
	equalIDs(t, hits, err, hitID, []string{"m"}, "what replaced it")
	_, err = s.Memory(ctx, m.CustomerID, "M")
	wantErr(t, err, storage.ErrNotFound, "an ID in another case")
}

func testPutMemoryRefuses(t *testing.T, s memoryStore) {
	f := fill(t, s)
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for what, change := range map[string]func(*storage.Memory){
		"no data":                  func(m *storage.Memory) { m.Data = nil },
		"a list":                   func(m *storage.Memory) { m.Data = json.RawMessage(`[]`) },
		"a vector without a space": func(m *storage.Memory) { m.Vector = []float32{1} },
		"a space without a vector": func(m *storage.Memory) { m.Space = "s" },
		"an empty vector":          func(m *storage.Memory) { m.Vector, m.Space = []float32{}, "s" },
		"a long vector":            func(m *storage.Memory) { m.Vector, m.Space = make([]float32, 4097), "s"; m.Vector[0] = 1 },
		"nowhere":                  func(m *storage.Memory) { m.Vector, m.Space = []float32{0, 0}, "s" },
		"no number":                func(m *storage.Memory) { m.Vector, m.Space = []float32{1, nan}, "s" },
		"infinity":                 func(m *storage.Memory) { m.Vector, m.Space = []float32{1, inf}, "s" },
	} {
		m := newMemory(f.customer.ID, "m")
		change(&m)
		wantErr(t, s.PutMemory(t.Context(), m), storage.ErrInvalid, what)
	}
	list, err := s.Memories.Memories(t.Context(), f.customer.ID, storage.MemoryQuery{Page: all})
	equalIDs(t, list, err, memoryID, nil, "what was refused")
}

func testDeleteMemory(t *testing.T, s memoryStore) {
	ctx := t.Context()
	f := fill(t, s)
	ok(t, s.PutMemory(ctx, newMemory(f.customer.ID, "m")))
	ok(t, s.PutMemory(ctx, newMemory(f.customer.ID, "n")))
	wantErr(t, s.DeleteMemory(ctx, f.customer.ID, "absent"), storage.ErrNotFound, "an absent memory")
	ok(t, s.DeleteMemory(ctx, f.customer.ID, "m"))
	wantErr(t, s.DeleteMemory(ctx, f.customer.ID, "m"), storage.ErrNotFound, "deleting again")
	_, err := s.Memory(ctx, f.customer.ID, "m")
	wantErr(t, err, storage.ErrNotFound, "a deleted memory")
	hits, err := s.SearchMemories(ctx, f.customer.ID, words("launch"))
	equalIDs(t, hits, err, hitID, []string{"n"}, "what is left")
}

func testMemories(t *testing.T, s memoryStore) {
	f := fill(t, s)
	for i, change := range []func(*storage.Memory){
		func(*storage.Memory) {},
		func(m *storage.Memory) { m.Layer = "brand" },
		func(m *storage.Memory) { m.Topic = "Topic" },
		func(m *storage.Memory) { m.Topic = "" },
		func(m *storage.Memory) { m.ExpiresAt = now },
		func(m *storage.Memory) { m.ExpiresAt = now.Add(time.Microsecond) },
	} {
		m := newMemory(f.customer.ID, fmt.Sprint(i))
		change(&m)
		ok(t, s.PutMemory(t.Context(), m))
	}
	for _, q := range []struct {
		query storage.MemoryQuery
		want  []string
	}{
		{storage.MemoryQuery{}, []string{"5", "4", "3", "2", "1", "0"}},
		{storage.MemoryQuery{Layer: "semantic"}, []string{"5", "4", "3", "2", "0"}},
		{storage.MemoryQuery{Topic: "topic"}, []string{"5", "4", "1", "0"}},
		{storage.MemoryQuery{At: now}, []string{"5", "3", "2", "1", "0"}},
		{storage.MemoryQuery{Layer: "Semantic"}, nil},
	} {
		q.query.Page = all
		list, err := s.Memories.Memories(t.Context(), f.customer.ID, q.query)
		equalIDs(t, list, err, memoryID, q.want, fmt.Sprintf("%+v", q.query))
	}
}

func testSearchWords(t *testing.T, s memoryStore) {
	f := fill(t, s)
	for id, text := range map[string]string{
		"best":   "Invoices: how to send invoices that get paid. Invoices again.",
		"some":   "A long note about the team, the office, the coffee, and one word on invoices at its end.",
		"none":   "Nothing of the kind.",
		"umlaut": "Die Rechnung für Köln.",
		"greek":  "Τιμολόγιο",
		"cjk":    "发票 很 重要",
	} {
		m := newMemory(f.customer.ID, id)
		m.Text = text
		ok(t, s.PutMemory(t.Context(), m))
	}
	for query, want := range map[string][]string{
		"invoices":           {"best", "some"},
		"INVOICES elephants": {"best", "some"}, // any of them, in any case
		"rechnung":           {"umlaut"},
		"für":                {"umlaut"},
		"τιμολόγιο":          {"greek"},
		"发票":                 {"cjk"},
		"elephants":          nil,
		"":                   nil,
		"  \n ":              nil,
		"!?*":                nil,
	} {
		hits, err := s.SearchMemories(t.Context(), f.customer.ID, words(query))
		equalIDs(t, hits, err, hitID, want, fmt.Sprintf("%q", query))
		for i := 1; i < len(hits); i++ {
			if hits[i].Score > hits[i-1].Score {
				t.Errorf("%q: scores %v after %v", query, hits[i].Score, hits[i-1].Score)
			}
		}
	}
	got, err := s.SearchMemories(t.Context(), f.customer.ID, words("kind"))
	ok(t, err)
	want := newMemory(f.customer.ID, "none")
	want.Text = "Nothing of the kind."
	if len(got) != 1 {
		t.Fatalf("found %d", len(got))
	}
	equal(t, got[0].Memory, want, "what was found")
}

// testSearchLiteral: whatever somebody looks for is no language of its own.
func testSearchLiteral(t *testing.T, s memoryStore) {
	f := fill(t, s)
	m := newMemory(f.customer.ID, "m")
	m.Text = "NEAR and OR and NOT are words, and so is text."
	ok(t, s.PutMemory(t.Context(), m))
	for _, query := range []string{
		`"`, `""`, `'`, `''`, `\`, `NEAR(`, `words)`, `NEAR(words so, 3)`, `text : words`, `{text} : words`, `customer_id : a`, `-words`,
		`words*`, `^words`, `words AND`, `OR`, `NOT`, `words & so`, `words | !so`, `words <-> so`, `so:*`, `words;`, `--words`, `?`, `?0`, `%`, `$1`, `:a`,
		strings.Repeat("words ", 2000), strings.Repeat("w", 20_000), strings.Repeat("a1 b", 5000), "words\u200b\ufeff",
	} {
		if _, err := s.SearchMemories(t.Context(), f.customer.ID, words(query)); err != nil {
			t.Errorf("%.40q: %v", query, err)
		}
	}
	for _, query := range []string{"near", "OR", "not", "words AND nothing", "-words", `"words`} {
		hits, err := s.SearchMemories(t.Context(), f.customer.ID, words(query))
		equalIDs(t, hits, err, hitID, []string{"m"}, query)
	}
}

func testSearchSelects(t *testing.T, s memoryStore) {
	f := fill(t, s)
	for i, change := range []func(*storage.Memory){
		func(*storage.Memory) {},
		func(m *storage.Memory) { m.Layer = "brand" },
		func(m *storage.Memory) { m.Layer, m.Topic = "working", "Topic" },
		func(m *storage.Memory) { m.ExpiresAt = now },
	} {
		m := newMemory(f.customer.ID, fmt.Sprint(i))
		change(&m)
		ok(t, s.PutMemory(t.Context(), m))
	}
	for _, q := range []struct {
		search storage.MemorySearch
		want   []string
	}{
		{storage.MemorySearch{Limit: 9}, []string{"3", "2", "1", "0"}},
		{storage.MemorySearch{Limit: 2}, []string{"3", "2"}},
		{storage.MemorySearch{Limit: 0}, nil},
		{storage.MemorySearch{Limit: -1}, nil},
		{storage.MemorySearch{Limit: 9, Layers: []string{"brand", "working"}}, []string{"2", "1"}},
		{storage.MemorySearch{Limit: 9, Layers: []string{"other"}}, nil},
		{storage.MemorySearch{Limit: 9, At: now}, []string{"2", "1", "0"}},
		{storage.MemorySearch{Limit: 9, Topic: "Topic"}, []string{"2"}},
		{storage.MemorySearch{Limit: 9, Topic: "topic", At: now}, []string{"1", "0"}},
	} {
		q.search.Text = "launch"
		hits, err := s.SearchMemories(t.Context(), f.customer.ID, q.search)
		equalIDs(t, hits, err, hitID, q.want, fmt.Sprintf("%+v", q.search))
	}
}

func testDeleteExpiredMemories(t *testing.T, s memoryStore) {
	f, g := fill(t, s), fill(t, s)
	for i, at := range []time.Time{{}, now, now.Add(time.Microsecond), now.Add(-time.Hour)} {
		for _, who := range []storage.CustomerID{f.customer.ID, g.customer.ID} {
			m := newMemory(who, fmt.Sprint(i))
			m.ExpiresAt = at
			ok(t, s.PutMemory(t.Context(), m))
		}
	}
	n, err := s.DeleteExpiredMemories(t.Context(), now)
	ok(t, err)
	equal(t, n, 4, "number of expired memories")
	list, err := s.Memories.Memories(t.Context(), f.customer.ID, storage.MemoryQuery{Page: all})
	equalIDs(t, list, err, memoryID, []string{"2", "0"}, "what is left")
	hits, err := s.SearchMemories(t.Context(), f.customer.ID, words("launch"))
	equalIDs(t, hits, err, hitID, []string{"2", "0"}, "what is found")
}

func testMemoriesUndone(t *testing.T, s memoryStore) {
	f := fill(t, s)
	ok(t, s.PutMemory(t.Context(), newMemory(f.customer.ID, "m")))
	own := errors.New("my own reason")
	err := s.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
		in := withMemories(t, tx)
		ok(t, in.PutMemory(ctx, newMemory(f.customer.ID, "n")))
		ok(t, in.DeleteMemory(ctx, f.customer.ID, "m"))
		hits, err := in.SearchMemories(ctx, f.customer.ID, words("launch"))
		equalIDs(t, hits, err, hitID, []string{"n"}, "what is found inside of the transaction")
		return own
	})
	wantErr(t, err, own, "the transaction")
	hits, err := s.SearchMemories(t.Context(), f.customer.ID, words("launch"))
	equalIDs(t, hits, err, hitID, []string{"m"}, "what is found after a transaction that was undone")
}

func testSearchVectors(t *testing.T, s memoryStore) {
	f := fill(t, s)
	for id, v := range map[string][]float32{"same": {2, 0, 0}, "near": {1, 0.5, 0}, "right": {0, 3, 0}, "back": {-1, 0, 0}} {
		m := newMemory(f.customer.ID, id)
		m.Vector, m.Space = v, "s"
		ok(t, s.PutMemory(t.Context(), m))
	}
	ok(t, s.PutMemory(t.Context(), newMemory(f.customer.ID, "without")))
	hits, err := s.SearchMemories(t.Context(), f.customer.ID, near(1, 0, 0))
	equalIDs(t, hits, err, hitID, []string{"same", "near", "right", "back"}, "what is near")
	for i, want := range []float64{1, 0.894427, 0, -1} {
		if i < len(hits) && math.Abs(hits[i].Score-want) > 1e-4 {
			t.Errorf("%s has the score %v, want %v", hits[i].ID, hits[i].Score, want)
		}
	}
	if len(hits) > 0 && hits[0].Vector != nil {
		t.Error("a hit has its vector")
	}
	two := near(1, 0, 0)
	two.Limit, two.Text = 2, "words don't matter then"
	hits, err = s.SearchMemories(t.Context(), f.customer.ID, two)
	equalIDs(t, hits, err, hitID, []string{"same", "near"}, "the two nearest")
	other := near(1, 0, 0)
	other.Layers = []string{"brand"}
	hits, err = s.SearchMemories(t.Context(), f.customer.ID, other)
	equalIDs(t, hits, err, hitID, nil, "another layer")
	for _, bad := range []storage.MemorySearch{
		{Vector: []float32{1}, Limit: 1}, {Vector: []float32{0}, Space: "s", Limit: 1}, {Space: "s", Limit: 1}, {Vector: []float32{}, Space: "s", Limit: 1},
	} {
		_, err := s.SearchMemories(t.Context(), f.customer.ID, bad)
		wantErr(t, err, storage.ErrInvalid, fmt.Sprintf("%+v", bad))
	}
}

func testVectorSpaces(t *testing.T, s memoryStore) {
	f := fill(t, s)
	for id, space := range map[string]string{"a": "s", "b": "S", "c": "s2"} {
		m := newMemory(f.customer.ID, id)
		m.Vector, m.Space = []float32{1, 0}, space
		ok(t, s.PutMemory(t.Context(), m))
	}
	m := newMemory(f.customer.ID, "longer")
	m.Vector, m.Space = []float32{1, 0, 0}, "s"
	ok(t, s.PutMemory(t.Context(), m))
	hits, err := s.SearchMemories(t.Context(), f.customer.ID, near(1, 0))
	equalIDs(t, hits, err, hitID, []string{"a"}, "the same space and length")
	hits, err = s.SearchMemories(t.Context(), f.customer.ID, near(1, 0, 0))
	equalIDs(t, hits, err, hitID, []string{"longer"}, "the same space, another length")
}

func testVectorsGo(t *testing.T, s memoryStore) {
	f := fill(t, s)
	m := newMemory(f.customer.ID, "m")
	m.Vector, m.Space = []float32{1, 0}, "s"
	ok(t, s.PutMemory(t.Context(), m))
	n := m
	n.ID, n.ExpiresAt = "n", now
	ok(t, s.PutMemory(t.Context(), n))
	moved := m
	moved.Vector = []float32{0, 1}
	ok(t, s.PutMemory(t.Context(), moved))
	hits, err := s.SearchMemories(t.Context(), f.customer.ID, near(0, 1))
	equalIDs(t, hits, err, hitID, []string{"m", "n"}, "after one has moved")
	_, err = s.DeleteExpiredMemories(t.Context(), now)
	ok(t, err)
	hits, err = s.SearchMemories(t.Context(), f.customer.ID, near(0, 1))
	equalIDs(t, hits, err, hitID, []string{"m"}, "after the other has expired")
	m.Vector, m.Space = nil, ""
	ok(t, s.PutMemory(t.Context(), m))
	hits, err = s.SearchMemories(t.Context(), f.customer.ID, near(0, 1))
	equalIDs(t, hits, err, hitID, nil, "without its vector")
}

func testVectorsForeign(t *testing.T, s memoryStore) {
	f, g := fill(t, s), fill(t, s)
	for _, who := range []storage.CustomerID{f.customer.ID, g.customer.ID} {
		m := newMemory(who, "m")
		m.Vector, m.Space = []float32{1, 0}, "s"
		ok(t, s.PutMemory(t.Context(), m))
	}
	hits, err := s.SearchMemories(t.Context(), f.customer.ID, near(1, 0))
	equalIDs(t, hits, err, hitID, []string{"m"}, "what is near")
	if len(hits) > 0 {
		equal(t, hits[0].CustomerID, f.customer.ID, "whose it is")
	}
	ok(t, s.DeleteMemory(t.Context(), f.customer.ID, "m"))
	hits, err = s.SearchMemories(t.Context(), f.customer.ID, near(1, 0))
	equalIDs(t, hits, err, hitID, nil, "what is near after it is gone")
	hits, err = s.SearchMemories(t.Context(), g.customer.ID, near(1, 0))
	equalIDs(t, hits, err, hitID, []string{"m"}, "what the other has")
}
