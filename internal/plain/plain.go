// Package plain makes text of others fit for a model to read.
//
//	title := plain.Line(fromSomebody)
package plain

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Invisible are the characters that readers don't see: control and format
// characters, of which Unicode tags are some, private ones, and the rest of
// Unicode's Default_Ignorable_Code_Point.
var Invisible = []*unicode.RangeTable{
	unicode.Cc, unicode.Cf, unicode.Co, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point,
}

// IsBreak reports whether r ends a line.
func IsBreak(r rune) bool {
	switch r {
	case '\n', '\v', '\f', '\r', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// Clean returns what can be seen of text, in valid UTF-8, with "\n" for every
// kind of line end.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case IsBreak(r):
			return '\n'
		case r == '\t':
			return ' '
		case unicode.In(r, Invisible...):
			return -1
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

// Line returns clean text with single spaces for all white space.
func Line(text string) string { return strings.Join(strings.Fields(Clean(text)), " ") }

// Ellipsis is what text that was cut ends in.
const Ellipsis = "…"

// Cut returns text in at most size bytes. What is cut ends in [Ellipsis].
func Cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	end := max(size-len(Ellipsis), 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + Ellipsis
}

// Has reports whether one of the phrases stands in the text as whole words, in any case.
// An empty phrase stands nowhere.
func Has(text string, phrases []string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(phrases, func(phrase string) bool {
		phrase = strings.ToLower(strings.TrimSpace(phrase))
		for at := 0; phrase != ""; {
			i := strings.Index(text[at:], phrase)
			if i < 0 {
				return false
			}
			i += at
			before, _ := utf8.DecodeLastRuneInString(text[:i])
			after, _ := utf8.DecodeRuneInString(text[i+len(phrase):])
			if !isWord(before) && !isWord(after) {
				return true
			}
			at = i + len(phrase)
		}
		return false
	})
}

func isWord(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
