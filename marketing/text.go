package marketing

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/heycmo/heycmo-go/internal/plain"
	"github.com/heycmo/heycmo-go/storage"
)

// checkText refuses text that is nothing but space, or holds characters that
// nobody would see: control characters other than line ends and tabs, and
// Unicode tags, in which instructions for a model can hide. Whether text may be
// missing, and how long it may be, is in the schemas.
func checkText(field, text string) error {
	if text != "" && strings.TrimSpace(text) == "" {
		return storage.Invalid(field, "a text that is not blank")
	}
	return checkVisible(field, text)
}

func checkVisible(field, text string) error {
	if strings.ContainsFunc(flags.ReplaceAllString(text, ""), forbidden) {
		return storage.Invalid(field, "a text without control characters and Unicode tags")
	}
	return nil
}

// checkLine is checkText for one line.
func checkLine(field, text string) error {
	if strings.ContainsFunc(text, plain.IsBreak) {
		return storage.Invalid(field, "a text of one line")
	}
	return checkText(field, text)
}

// flags are the flags of regions such as Scotland: the one good use of Unicode
// tags (UTS #51, "Emoji Tag Sequences").
var flags = regexp.MustCompile(`\x{1F3F4}[\x{E0030}-\x{E0039}\x{E0061}-\x{E007A}]{3,6}\x{E007F}`)

func forbidden(r rune) bool {
	tag := r >= 0xE0000 && r <= 0xE007F
	return tag || unicode.Is(unicode.Cc, r) && r != '\n' && r != '\r' && r != '\t'
}

// clean returns text as a model may read it, with "\n" for every kind of line
// end.
func clean(text string) string { return plain.Clean(text) }

// oneLine returns clean text with single spaces for all white space.
func oneLine(text string) string { return plain.Line(text) }

// quote marks every line as data.
func quote(text string) string {
	return "> " + strings.ReplaceAll(text, "\n", "\n> ") + "\n"
}

const ellipsis = plain.Ellipsis

// cut returns text in at most size bytes. What is cut ends in "…".
func cut(text string, size int) string { return plain.Cut(text, size) }
