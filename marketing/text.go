package marketing

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

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
	if strings.ContainsFunc(text, isBreak) {
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

func isBreak(r rune) bool {
	switch r {
	case '\n', '\v', '\f', '\r', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// invisible are the characters that readers don't see: control and format
// characters, of which Unicode tags are some, private ones, and the rest of
// Unicode's Default_Ignorable_Code_Point.
var invisible = []*unicode.RangeTable{
	unicode.Cc, unicode.Cf, unicode.Co, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point,
}

// clean returns text as a model may read it: what can be seen, in valid UTF-8,
// with "\n" for every kind of line end.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case isBreak(r):
			return '\n'
		case r == '\t':
			return ' '
		case unicode.In(r, invisible...):
			return -1
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

// oneLine returns clean text with single spaces for all white space.
func oneLine(text string) string { return strings.Join(strings.Fields(clean(text)), " ") }

// quote marks every line as data.
func quote(text string) string {
	return "> " + strings.ReplaceAll(text, "\n", "\n> ") + "\n"
}

const ellipsis = "…"

// cut returns text in at most size bytes. What is cut ends in "…".
func cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	end := max(size-len(ellipsis), 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}
