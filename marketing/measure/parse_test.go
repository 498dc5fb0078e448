package measure

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, test := range []struct{ markdown, want string }{
		{"", ""},
		{"plain *text* with **marks** and `code` and ~~more~~", "0:plain text with marks and code and more"},
		{"one\ntwo\n\nthree", "0:one two|0:three"},
		{"# Title #\ntext", "1:Title|0:text"},
		{"Title\n=====\ntext", "1:Title|0:text"},
		{"Title\n---\ntext\n\n---\nmore", "1:Title|0:text|0:more"},
		{"#hashtag stays", "0:#hashtag stays"},
		{"- one\n* two\n  goes on\n1. three\n2) four", "2:one|2:two goes on|2:three|2:four"},
		{"> said\n> > and said", "3:said and said"},
		{"| a | b |\n|---|:-:|\n| c | d |", "4:|  a  |  b  ||4:|  c  |  d  |"},
		{"```go\nfunc\n```\nafter", "0:after"},
		{"~~~\n```\n~~~\nafter", "0:after"},
		{"[a link](https://example.com \"title\") and ![alt](x.png) end", "0:a link and  end"},
		{"see https://example.com/a_b. Then <https://example.com>", "0:see  . Then < >"},
		{"a <b>bold</b> <br/> and 1 < 2 > 0", "0:a  bold    and 1 < 2 > 0"},
		{"a<!-- hidden\n\ntext -->b <!-- open", "0:ab <!-- open"},
		{`\*kept\* and snake_case and _dropped_`, "0:*kept* and snake_case and dropped"},
		{"Hi {{first_name|there}}, {{name}}!", "0:Hi there, !"},
		{"fact[^1] &amp; more", "0:fact & more"},
		{"a\r\nb\u2028c\xffd", "0:a b c d"},
		{"e\u0301t\u00e9", "0:été"},
	} {
		var got []string
		for _, b := range parse(test.markdown, false).blocks {
			got = append(got, fmt.Sprintf("%d:%s", b.kind, b.text))
		}
		if s := strings.Join(got, "|"); s != test.want {
			t.Errorf("parse(%q) = %q, want %q", test.markdown, s, test.want)
		}
	}
	d := parse("[a](https://example.com/x) https://example.org, [b](/here) [^n]", false)
	if got := strings.Join(d.links, " "); got != "https://example.com/x https://example.org" || d.notes != 1 {
		t.Errorf("links %s, footnotes %d", got, d.notes)
	}
}

func TestSentences(t *testing.T) {
	for _, test := range []struct {
		text string
		want string // sentences by their number of words
	}{
		{"One two. Three four five! Six? Seven", "[2 3 1 1]"},
		{"It costs 3.50 or 1,000.5 euros. Fine.", "[6 1]"},
		{"Dr. Smith met e.g. Mr. Jones. She left.", "[7 2]"},
		{"So do I. Then we left... and came back.", "[3 6]"},
		{"He said “no.” Then he left.", "[3 3]"},
		{"Don’t split month-end.", "[4]"},
		{"我们结账。很快！", "[4 2]"},
		{"# Heading\n- one two\n- three", "[2 1]"},
		{"", "[]"},
	} {
		sizes := []int{}
		for _, s := range parse(test.text, false).sentences() {
			sizes = append(sizes, len(s))
		}
		if got := fmt.Sprint(sizes); got != test.want {
			t.Errorf("%q has sentences of %s words, want %s", test.text, got, test.want)
		}
	}
}

func TestSyllables(t *testing.T) {
	for want, words := range map[int]string{
		1: "a the make makes asked closed through see we're 2026 month's day strength",
		2: "wanted table tables little boxes money begin invoice houses people payment",
		3: "customer company beautiful banana",
		4: "community information impossible",
	} {
		for text := range strings.FieldsSeq(words) {
			if w := split(text); len(w) == 1 && syllables(w[0]) != want {
				t.Errorf("%s has %d syllables, want %d", text, syllables(w[0]), want)
			}
		}
	}
}

// TestFlesch holds the formula against counts by hand: 30 words in 5 sentences
// with 31 syllables.
func TestFlesch(t *testing.T) {
	text := strings.TrimSpace(strings.Repeat("We look at what you do. ", 4)) + " We look at the money do."
	d := parse(text, false)
	o := readability(d, languageOf(d.words))
	want := fmt.Sprintf("Flesch reading ease %.0f", 206.835-1.015*30/5-84.6*31/30)
	if o.value == nil || !strings.HasPrefix(o.note, want) {
		t.Errorf("%v %q, want %q", o.value, o.note, want)
	}
}

// TestLIX: 30 words in 3 sentences, 9 of them with more than 6 letters, 3 with 6.
func TestLIX(t *testing.T) {
	text := strings.Repeat("Wir finden die Rechnung und das Angebot mit der Zahlung. ", 3)
	d := parse(text, false)
	o := readability(d, languageOf(d.words))
	if o.value == nil || *o.value != 1 || !strings.HasPrefix(o.note, "LIX 40, German") {
		t.Errorf("%v %q, want 1 and LIX 40, German", o.value, o.note)
	}
}

func TestLanguageOf(t *testing.T) {
	for text, want := range map[string]string{
		"We look at the work first, and then we write down what we find in it.":                "English",
		"Wir sehen uns zuerst die Arbeit an und schreiben dann auf, was wir finden.":           "German",
		"Nous regardons d'abord le travail, et puis nous notons ce que nous trouvons dans la.": "French",
		"Primero miramos el trabajo y luego escribimos lo que encontramos en los papeles.":     "Spanish",
		"Prima guardiamo il lavoro e poi scriviamo quello che non va con la contabilità.":      "Italian",
		"Primeiro olhamos o trabalho e depois escrevemos o que não está em ordem com você.":    "Portuguese",
		"We kijken eerst naar het werk en dan schrijven we op wat er niet goed is.":            "Dutch",
		"Vi tittar på arbetet och sedan skriver vi ned det som inte är bra för oss.":           "Swedish",
		"我们先看工作，然后写下来。":                                                                        "Chinese",
		"月次決算業務の自動化支援を開始しました。":                                                                 "Japanese",
		"私たちはまず仕事を見ます。それから書きます。":                                                               "Japanese",
		"Сначала мы смотрим на работу, а потом пишем.":                                         "a language in Cyrillic script",
		"우리는 먼저 일을 봅니다.":                                                                       "Korean",
		"lorem ipsum dolor sit amet consectetur":                                               "a language in Latin script",
		"":                                                                                     "no language",
		"123":                                                                                  "no language",
	} {
		if got := languageOf(split(text)).name; got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestQuotationsIn(t *testing.T) {
	for text, want := range map[string]int{
		`"We closed it in a day," she said`:                  1,
		"“We closed it in a day” and “so can you do it too”": 2,
		"„Wir haben es in einem Tag geschafft“":              1,
		"« Nous avons fini en un jour »":                     1,
		"「我们只用一天就完成了全部结账」":                                   1,
		`the "best" tool`:                  0,
		`5" and no more than that is open`: 0,
		"“open and never closed at all":    0,
	} {
		if got := quotationsIn(text); got != want {
			t.Errorf("%q has %d quotations, want %d", text, got, want)
		}
	}
}

func TestFirstBlocks(t *testing.T) {
	blocks := parse("# One two\n\nThree *four* five. Six seven eight. Nine", false).blocks
	for n, want := range map[int]string{
		0: "", 1: "One", 2: "One two", 5: "One two|Three four five", 7: "One two|Three four five", 8: "One two|Three four five. Six seven eight",
		9: "One two|Three four five. Six seven eight. Nine", 99: "One two|Three four five. Six seven eight. Nine",
	} {
		var got []string
		for _, b := range firstBlocks(blocks, n) {
			got = append(got, b.text)
		}
		if s := strings.Join(got, "|"); s != want {
			t.Errorf("%d words: %q, want %q", n, s, want)
		}
	}
}

// TestScanner: what is missing is not looked for again.
func TestScanner(t *testing.T) {
	s := scanner{text: "a"}
	if _, ok := s.until("]", 0); ok {
		t.Error("found what is not there")
	}
	s.text = "a]"
	if _, ok := s.until("]", 0); ok {
		t.Error("looked again for what was missing")
	}
	if end, ok := s.until("a", 0); !ok || end != 0 {
		t.Errorf("found a at %d, %v", end, ok)
	}
}
