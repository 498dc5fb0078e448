package storage

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// How many records a list returns.
const (
	DefaultLimit = 50
	MaxLimit     = 100
)

// Page is a part of a list. Lists are ordered by ID from high to low, byte by
// byte. UUIDv7 identifiers grow with time, so that is newest first, and a page
// stays where it is while new records arrive.
type Page struct {
	// Limit is the largest number of records to return; drivers take any
	// positive number and return nothing for less.
	Limit int
	// Before, when set, leaves out the record with this ID and all above it.
	Before string
}

const cursorVersion = "1"

var errCursor = Invalid("cursor", "the nextCursor of an earlier page")

// Cursor returns the text by which clients ask for the records after the one
// with this ID.
func Cursor(id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorVersion + id))
}

// ParseCursor returns the ID inside a cursor. Text that Cursor can't have made
// is refused with an error that wraps [ErrInvalid].
func ParseCursor(cursor string) (id string, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(cursor) > 512 {
		return "", errCursor
	}
	id, ok := strings.CutPrefix(string(b), cursorVersion)
	if !ok || id == "" || !utf8.ValidString(id) || strings.ContainsRune(id, 0) ||
		Cursor(id) != cursor { // line breaks, which the decoder passes over
		return "", errCursor
	}
	return id, nil
}

// List asks query for one page of at most limit records and returns them with
// the cursor of the next page, which is empty on the last one. A limit of 0 is
// [DefaultLimit]; one outside 1 to [MaxLimit] and a bad cursor are refused with
// an error that wraps [ErrInvalid].
func List[T any](limit int, cursor string, id func(T) string, query func(Page) ([]T, error)) (items []T, next string, err error) {
	if limit == 0 {
		limit = DefaultLimit
	}
	if limit < 1 || limit > MaxLimit {
		return nil, "", Invalid("limit", "between 1 and %d", MaxLimit)
	}
	page := Page{Limit: limit + 1}
	if cursor != "" {
		if page.Before, err = ParseCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	items, err = query(page)
	if err != nil {
		return nil, "", err
	}
	if len(items) > limit {
		items = items[:limit]
		next = Cursor(id(items[limit-1]))
	}
	return items, next, nil
}
