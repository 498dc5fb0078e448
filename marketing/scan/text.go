package scan

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/internal/plain"
)

// cut returns text in at most size characters. What is cut ends in "…".
func cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	n := 0
	end := 0 // of the text that leaves room for "…"
	for i := range text {
		if n == size-1 {
			end = i
		}
		if n == size {
			return strings.TrimSpace(text[:end]) + "…"
		}
		n++
	}
	return text
}

// line returns a text of the page as it may stand in a report.
func line(text string, size int) string { return cut(plain.Line(text), size) }

// unspaced are scripts that put no spaces between words.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

// words counts the words of a text. In scripts that put no spaces between
// words, two characters count as one.
func words(text string) int {
	n, halves := 0, 0
	inside := false
	for _, r := range text {
		switch {
		case r < utf8.RuneSelf:
			letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
			if letter && !inside {
				n++
			}
			inside = letter || inside && (r == '\'' || r == '-' || r == '.' || r == ',')
		case r >= 0x0E00 && unicode.In(r, unspaced...):
			halves++
			inside = false
		case unicode.IsLetter(r), unicode.IsNumber(r):
			if !inside {
				n++
			}
			inside = true
		case unicode.IsMark(r), r == '’', r == '\u200c', r == '\u200d':
		default:
			inside = false
		}
	}
	return n + (halves+1)/2
}

// figures calls yield with each number of a text, such as 1,299.00.
func figures(text string, yield func(string)) {
	begin := -1
	for i, r := range text {
		switch digit := unicode.IsDigit(r); {
		case digit && begin < 0:
			begin = i
		case !digit && begin >= 0 && !strings.ContainsRune(".,٫٬", r):
			yield(strings.TrimRight(text[begin:i], ".,٫٬"))
			begin = -1
		}
	}
	if begin >= 0 {
		yield(strings.TrimRight(text[begin:], ".,٫٬"))
	}
}

// questionWords begin a question, also where no mark ends it.
var questionWords = map[string]bool{
	"how": true, "what": true, "what's": true, "why": true, "when": true, "where": true, "who": true, "which": true,
	"wie": true, "warum": true, "wann": true, "welche": true, "welcher": true, "welches": true, "wozu": true,
	"comment": true, "pourquoi": true, "combien": true, "quel": true, "quelle": true,
	"cómo": true, "qué": true, "cuándo": true, "dónde": true,
	"كيف": true, "لماذا": true, "متى": true, "أين": true, "كم": true, "ما": true, "ماذا": true, "هل": true,
}

// isQuestion reports whether a heading asks something.
func isQuestion(heading string) bool {
	for _, end := range []string{"?", "？", "؟", "か", "か。", "とは"} {
		if strings.HasSuffix(heading, end) {
			return true
		}
	}
	first, rest, _ := strings.Cut(heading, " ")
	return strings.HasPrefix(heading, "¿") || rest != "" && questionWords[strings.ToLower(strings.ReplaceAll(first, "’", "'"))]
}
