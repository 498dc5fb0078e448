package sqlitestore_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/storage"
)

// TestDeletedIsGone looks at the bytes of the file: what was deleted isn't in them.
func TestDeletedIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path)
	ctx := t.Context()
	if err := s.CreateCustomer(ctx, storage.Customer{ID: "c", Status: storage.StatusActive}); err != nil {
		t.Fatal(err)
	}
	const canary = "xylophonequartz"
	put := func(id, text string) {
		m := storage.Memory{CustomerID: "c", ID: id, Layer: "brand", Text: text, Data: json.RawMessage(`{"from":"` + text + `"}`), Vector: []float32{1, 0.5}, Space: "s"}
		if err := s.PutMemory(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"a", "b", "c"} {
		put(id, "An ordinary note, number "+id)
	}
	put("secret", "The secret is "+canary)
	put("long", strings.Repeat("A long text about "+canary+". ", 500))
	put("replaced", canary)
	checkpoint(t, path)
	if !contains(t, path, canary) {
		t.Fatal("the text isn't in the file while it is remembered: the test sees nothing")
	}
	put("replaced", "something else")
	for _, id := range []string{"secret", "long"} {
		if err := s.DeleteMemory(ctx, "c", id); err != nil {
			t.Fatal(err)
		}
	}
	checkpoint(t, path)
	if contains(t, path, canary) {
		t.Error("the text is still in the file")
	}
}

// checkpoint moves what is in the write-ahead log into the file, and empties it.
func checkpoint(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
}

func contains(t *testing.T, path, text string) bool {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(text)) {
			return true
		}
	}
	return false
}
