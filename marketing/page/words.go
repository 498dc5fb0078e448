package page

import (
	"unicode"
	"unicode/utf8"
)

var (
	// In these scripts each character counts as a word.
	ideographs = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana}
	// In these, words are not told apart in writing.
	unspaced = []*unicode.RangeTable{unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}
)

// lettersOfWord is how many letters of an unspaced script are taken for a word.
const lettersOfWord = 5

// Words counts the words of a text. A word is a run of letters and digits, with
// apostrophes inside of it, and "." and "," between digits. Of Chinese
// characters and kana each is a word, as word processors count. Thai, Lao, Khmer
// and Burmese have no spaces between words either; five letters of these count
// as a word, which is an estimate.
func Words(text string) int {
	var words, letters int
	inWord := false
	last := rune(0)
	endRun := func() {
		words += (letters + lettersOfWord - 1) / lettersOfWord
		letters = 0
	}
	for i, r := range text {
		switch {
		case r < utf8.RuneSelf && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'):
			endRun()
			if !inWord {
				words++
			}
			inWord = true
		case r < utf8.RuneSelf && r != '\'' && r != '.' && r != ',':
			endRun()
			inWord = false
		case unicode.Is(unicode.M, r): // belongs to the letter before
		case unicode.In(r, ideographs...):
			endRun()
			words++
			inWord = false
		case unicode.In(r, unspaced...) && unicode.IsLetter(r):
			letters++
			inWord = false
		case unicode.IsLetter(r) || unicode.IsNumber(r):
			endRun()
			if !inWord {
				words++
			}
			inWord = true
		default:
			endRun()
			_, size := utf8.DecodeRuneInString(text[i:])
			next, _ := utf8.DecodeRuneInString(text[i+size:])
			apostrophe := (r == '\'' || r == '’') && unicode.IsLetter(next)
			number := (r == '.' || r == ',') && unicode.IsDigit(last) && unicode.IsDigit(next)
			inWord = inWord && (apostrophe || number)
		}
		last = r
	}
	endRun()
	return words
}

// scripts that one language uses on the web, and that language.
var scripts = []struct {
	script   *unicode.RangeTable
	language string
}{
	{unicode.Hangul, "ko"}, {unicode.Thai, "th"}, {unicode.Greek, "el"}, {unicode.Hebrew, "he"}, {unicode.Georgian, "ka"},
	{unicode.Armenian, "hy"}, {unicode.Tamil, "ta"}, {unicode.Telugu, "te"}, {unicode.Khmer, "km"}, {unicode.Lao, "lo"},
}

// guessLanguage tells the language from the script if at least half of the first
// letters are of it. Latin, Cyrillic, Arabic and Devanagari are of too many
// languages to tell.
func guessLanguage(text string) string {
	var letters, han, kana int
	counts := make([]int, len(scripts))
	for _, r := range text {
		if !unicode.IsLetter(r) {
			continue
		}
		if letters++; letters > 2000 {
			break
		}
		switch {
		case unicode.Is(unicode.Han, r):
			han++
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			kana++
		default:
			for i, s := range scripts {
				if unicode.Is(s.script, r) {
					counts[i]++
				}
			}
		}
	}
	switch {
	case letters < 20:
		return ""
	case 2*(han+kana) >= letters && 20*kana >= letters:
		return "ja"
	case 2*han >= letters && kana == 0:
		return "zh"
	}
	for i, n := range counts {
		if 2*n >= letters {
			return scripts[i].language
		}
	}
	return ""
}
