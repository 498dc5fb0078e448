package measure

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is a word, a number, or one letter of a script without spaces.
type word struct {
	text   string // in lower case
	raw    string
	char   bool // one letter of a script without spaces
	number bool // begins with a digit
	last   bool // of a sentence
}

// split returns the words of a text. Hyphens part words, apostrophes don't.
func split(text string) []word {
	var words []word
	gap := 0 // where the text since the last word begins
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if !isWordRune(r) {
			at += size
			continue
		}
		if n := len(words); n > 0 {
			words[n-1].last = endsSentence(words[n-1], text[gap:at], r)
		}
		w := word{number: unicode.IsDigit(r), char: isSpaceless(r)}
		end := at + size
		if w.char {
			end += marksIn(text[end:])
		} else {
			end = wordEnd(text, at)
		}
		w.raw = text[at:end]
		w.text = strings.ReplaceAll(strings.ToLower(w.raw), "’", "'")
		words = append(words, w)
		at, gap = end, end
	}
	if n := len(words); n > 0 {
		words[n-1].last = true
	}
	return words
}

// spaceless are the scripts that put no spaces between words.
var spaceless = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

func isSpaceless(r rune) bool { return r >= 0x0E00 && unicode.In(r, spaceless...) }

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

func marksIn(text string) int {
	end := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsMark(r) })
	if end < 0 {
		return len(text)
	}
	return end
}

// wordEnd returns where the word that begins at begin ends: it goes on over
// letters and digits, an apostrophe between letters, and a point or comma between
// digits.
func wordEnd(text string, begin int) int {
	var previous rune
	for at := begin; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case isWordRune(r) && !isSpaceless(r):
		case r == '\'' || r == '’' || r == '.' || r == ',':
			next, _ := utf8.DecodeRuneInString(text[at+size:])
			joined := unicode.IsLetter
			if r == '.' || r == ',' {
				joined = unicode.IsDigit
			}
			if !joined(previous) || !joined(next) || isSpaceless(next) {
				return at
			}
		default:
			return at
		}
		previous = r
		at += size
	}
	return len(text)
}

// endsSentence says whether a sentence ends between a word and the next one,
// which begins with next.
func endsSentence(w word, gap string, next rune) bool {
	if strings.ContainsAny(gap, "。！？｡।؟") {
		return true
	}
	i := strings.IndexAny(gap, ".!?…")
	if i < 0 || !strings.ContainsFunc(gap[i:], unicode.IsSpace) || unicode.IsLower(next) {
		return false
	}
	abbreviated := gap[i] == '.' && (utf8.RuneCountInString(w.text) == 1 && !w.number && w.text != "i" || abbreviations[w.text])
	return !abbreviated
}

var abbreviations = setOf("mr mrs ms dr prof st vs etc approx inc ltd jr sr nr bzw ca usw vgl evtl inkl abs str mme sra srta fig vol")

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// count returns how many words these are, where two letters of a script without
// spaces are one.
func count(words []word) int {
	chars := 0
	for _, w := range words {
		if w.char {
			chars++
		}
	}
	return len(words) - chars + (chars+1)/2
}

// excerpt returns the beginning of a text as it may be shown: what can be seen,
// in one line.
func excerpt(text string, limit int) string {
	line := strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)), " ")
	if runes := []rune(line); len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit])) + " …"
	}
	return line
}

// opening returns the first words of a sentence, to find it by.
func opening(sentence []word) string {
	var w strings.Builder
	for i, next := range sentence[:min(len(sentence), 6)] {
		if i > 0 && !next.char {
			w.WriteByte(' ')
		}
		w.WriteString(next.raw)
	}
	return excerpt(w.String(), 60)
}
