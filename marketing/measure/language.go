package measure

import (
	mathbits "math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// language is what must be known of a text's language: its name as far as that
// is certain, and how texts in it are measured.
type language struct {
	name   string
	method method
}

type method int

const (
	unmeasured method = iota
	flesch
	lix
	characters
)

var (
	chinese  = language{"Chinese", characters}
	japanese = language{"Japanese", characters}
)

// scripts are the scripts that are told apart.
var scripts = []struct {
	table *unicode.RangeTable
	language
}{
	{unicode.Latin, language{"a language in Latin script", lix}},
	{unicode.Han, chinese},
	{unicode.Hiragana, japanese},
	{unicode.Katakana, japanese},
	{unicode.Cyrillic, language{"a language in Cyrillic script", lix}},
	{unicode.Greek, language{"Greek", lix}},
	{unicode.Arabic, language{"a language in Arabic script", unmeasured}},
	{unicode.Hebrew, language{"Hebrew", unmeasured}},
	{unicode.Hangul, language{"Korean", unmeasured}},
	{unicode.Devanagari, language{"a language in Devanagari", unmeasured}},
	{unicode.Thai, language{"Thai", unmeasured}},
}

// maxLanguageWords are enough to tell a language.
const maxLanguageWords = 2000

// languageOf tells the language by script and, for Latin script, by the share of
// very common words.
func languageOf(words []word) language {
	words = words[:min(len(words), maxLanguageWords)]
	counts := make([]int, len(scripts))
	kana, latin := 0, []word(nil)
	for _, w := range words {
		r, _ := utf8.DecodeRuneInString(w.text)
		for i, s := range scripts {
			if unicode.Is(s.table, r) {
				counts[i]++
				if s.language == japanese {
					kana++
				}
				if i == 0 {
					latin = append(latin, w)
				}
				break
			}
		}
	}
	if han := counts[1]; kana*10 >= han {
		// Chinese has no kana; Japanese has many.
		counts[2], counts[1], counts[3] = han+kana, 0, 0
	}
	most := slices.Max(counts)
	if most == 0 {
		return language{"no language", unmeasured}
	}
	found := slices.Index(counts, most)
	if found == 0 {
		return latinLanguage(latin)
	}
	return scripts[found].language
}

// commonWords are some of the most frequent words of languages in Latin script.
var commonWords = []struct{ name, words string }{
	{"English", "the of and to a in is that it for you was with on as are be this have from or by not but we your at they can what"},
	{"German", "der die und das ist nicht ein eine zu mit den auf für sich wir von im dem auch es sie ich als wie oder bei des einen wird"},
	{"French", "le la les de des et est un une que pour dans qui pas sur vous nous avec ce il du au en sont par plus ne c'est"},
	{"Spanish", "el la los las de que y en un una es por con para no se su al lo como más del pero son esta este"},
	{"Italian", "il la che di e un una è per non con sono del della si le i gli da in al come anche più questo nel alla"},
	{"Portuguese", "o a os as de que e um uma é para com não em por se do da no na mais como mas dos seu ao são você"},
	{"Dutch", "de het een en van is dat niet in op te zijn voor met die aan ook als er maar we je bij om wordt dan naar"},
	{"Swedish", "och att det som en är på inte av för med den till jag ett vi om har kan de så men när eller ska"},
}

// speaks has for each common word a bit for each language it is common in.
var speaks = func() map[string]uint {
	m := map[string]uint{}
	for i, l := range commonWords {
		for w := range strings.FieldsSeq(l.words) {
			m[w] |= 1 << i
		}
	}
	return m
}()

// latinLanguage asks for a tenth of very common words, and for a clear lead.
func latinLanguage(words []word) language {
	counts := make([]int, len(commonWords))
	for _, w := range words {
		for bits := speaks[w.text]; bits != 0; bits &= bits - 1 {
			counts[mathbits.TrailingZeros(bits)]++
		}
	}
	best := slices.Max(counts)
	first := slices.Index(counts, best)
	counts[first] = 0
	second := slices.Max(counts)
	switch {
	case best*10 < len(words) || best*10 < second*12:
		return scripts[0].language
	case first == 0:
		return language{commonWords[0].name, flesch}
	}
	return language{commonWords[first].name, lix}
}
