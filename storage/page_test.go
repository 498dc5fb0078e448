package storage

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCursor(t *testing.T) {
	for _, id := range []string{NewID(), "a", "日本", "a b/+?", strings.Repeat("x", 300)} {
		got, err := ParseCursor(Cursor(id))
		if err != nil || got != id {
			t.Errorf("ParseCursor(Cursor(%q)) = %q, %v", id, got, err)
		}
	}
}

func TestParseCursorRefuses(t *testing.T) {
	good := Cursor("abc")
	encode := base64.RawURLEncoding.EncodeToString
	for what, text := range map[string]string{
		"nothing":         "",
		"no base64":       "!",
		"padding":         base64.URLEncoding.EncodeToString([]byte("1ab")) + "=",
		"stray bits":      good[:len(good)-1] + "_",
		"a line break":    good + "\n",
		"a space":         good + " ",
		"no version":      encode([]byte("abc")),
		"another version": encode([]byte("2abc")),
		"no ID":           encode([]byte("1")),
		"a NUL byte":      encode([]byte("1a\x00b")),
		"invalid UTF-8":   encode([]byte("1\xff")),
		"too much":        Cursor(strings.Repeat("x", 600)),
	} {
		if id, err := ParseCursor(text); !errors.Is(err, ErrInvalid) || id != "" {
			t.Errorf("%s: ParseCursor(%q) = %q, %v", what, text, id, err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add("")
	f.Add(Cursor("abc"))
	f.Add(Cursor(NewID()))
	f.Add("MWE\n")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseCursor(text)
		if err != nil {
			if !errors.Is(err, ErrInvalid) || id != "" {
				t.Fatalf("ParseCursor(%q) = %q, %v", text, id, err)
			}
			return
		}
		if id == "" || !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
			t.Fatalf("ParseCursor(%q) gave the ID %q", text, id)
		}
		if made := Cursor(id); made != text {
			t.Fatalf("ParseCursor took %q, but Cursor makes %q of %q", text, made, id)
		}
	})
}

func TestList(t *testing.T) {
	var records []string // from high to low
	for i := 130; i > 0; i-- {
		records = append(records, fmt.Sprintf("%03d", i))
	}
	var asked []Page
	query := func(p Page) ([]string, error) {
		asked = append(asked, p)
		list := slices.DeleteFunc(slices.Clone(records), func(id string) bool { return p.Before != "" && id >= p.Before })
		return list[:min(p.Limit, len(list))], nil
	}
	id := func(s string) string { return s }

	var seen []string
	cursor := ""
	for {
		items, next, err := List(60, cursor, id, query)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, items...)
		if cursor = next; next == "" {
			break
		}
	}
	if !slices.Equal(seen, records) {
		t.Errorf("page by page: got %v", seen)
	}
	want := []Page{{Limit: 61}, {Limit: 61, Before: "071"}, {Limit: 61, Before: "011"}}
	if !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}

	for limit, want := range map[int]int{0: DefaultLimit, 1: 1, MaxLimit: MaxLimit} {
		items, next, err := List(limit, "", id, query)
		if err != nil || len(items) != want || next != Cursor(items[want-1]) {
			t.Errorf("limit %d: %d records, cursor %q, %v", limit, len(items), next, err)
		}
	}
	items, next, err := List(10, Cursor("011"), id, query) // exactly a page is left
	if err != nil || len(items) != 10 || next != "" {
		t.Errorf("last page: %d records, cursor %q, %v", len(items), next, err)
	}
}

func TestListRefuses(t *testing.T) {
	query := func(Page) ([]string, error) { t.Error("the query ran"); return nil, nil }
	id := func(s string) string { return s }
	for _, c := range []struct {
		limit  int
		cursor string
		want   string
	}{
		{-1, "", "limit must be between 1 and 100"},
		{MaxLimit + 1, "", "limit must be between 1 and 100"},
		{10, "junk", "cursor must be the nextCursor of an earlier page"},
	} {
		_, _, err := List(c.limit, c.cursor, id, query)
		if !errors.Is(err, ErrInvalid) || err.Error() != c.want {
			t.Errorf("List(%d, %q): %v", c.limit, c.cursor, err)
		}
	}
	mine := errors.New("my own reason")
	if _, _, err := List(10, "", id, func(Page) ([]string, error) { return nil, mine }); !errors.Is(err, mine) {
		t.Errorf("an error of the query became %v", err)
	}
}
