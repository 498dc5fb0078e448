package measure

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minCitable is how many words a text must have for its parts to be counted.
const minCitable = 50

// How much of each part a text needs.
const (
	wordsPerQuotation = 500
	wordsPerNumber    = 100
	wordsPerSource    = 300
	// A short answer: the first paragraph under a heading.
	maxAnswer = 80
	minAnswer = 8
)

func citability(p Piece, form Form, d document) outcome {
	words := count(d.words)
	switch {
	case form != FormArticle && form != FormPage:
		return notTaken("it is for articles and pages")
	case words < minCitable:
		return notTaken(fmt.Sprintf("%d words are too few, it takes %d", words, minCitable))
	}
	e := evidenceIn(d, host(p.Website))
	needed := func(each, least, most int) int { return min(max((words+each-1)/each, least), most) }
	parts := []struct {
		weight     float64
		has, wants int
		text       string
	}{
		{0.29, e.quotations, needed(wordsPerQuotation, 1, 3), "Quote somebody by name (quotations: %d, aim for %d)."},
		{0.22, e.numbers, needed(wordsPerNumber, 2, words), "Say it in numbers where you have them (now %d, aim for %d)."},
		{0.19, e.sources, needed(wordsPerSource, 1, 5), "Name your sources and link to them (now %d, aim for %d)."},
		{0.12, e.answers, max(e.sections, 1), "Give a short answer, below 80 words, first thing under each heading (now %d, aim for %d)."},
		{0.10, e.questions, max((e.sections+2)/3, 1), "Make headings the questions that readers ask (now %d, aim for %d)."},
		{0.08, e.lists, 1, "Put what can be listed or compared into a list or a table (now %d, aim for %d)."},
	}
	value := 0.0
	var all []advice
	for _, part := range parts {
		share := min(1, float64(part.has)/float64(part.wants))
		value += part.weight * share
		all = append(all, advice{part.weight * (1 - share), fmt.Sprintf(part.text, part.has, part.wants)})
	}
	return taken(value, fmt.Sprintf("quotations: %d, numbers: %d, sources: %d, headings: %d, of them questions: %d, with a short answer: %d, lists and tables: %d",
		e.quotations, e.numbers, e.sources, e.sections, e.questions, e.answers, e.lists), all...)
}

// evidence is what a text has for others to quote.
type evidence struct {
	quotations, numbers, sources        int
	sections, questions, answers, lists int
}

func evidenceIn(d document, own string) evidence {
	e := evidence{sources: d.notes}
	seen := map[string]bool{}
	for _, link := range d.links {
		if h := host(link); h != "" && h != own && !strings.HasSuffix(h, "."+own) && !seen[link] {
			seen[link] = true
			e.sources++
		}
	}
	items, previous := 0, paragraph
	for i, b := range d.blocks {
		for _, w := range b.words {
			if w.number {
				e.numbers++
			}
		}
		switch b.kind {
		case heading:
			e.heading(d, i)
		case quotation:
			e.quotations++
		case item, tableRow:
			if b.kind != previous {
				items = 0
			}
			if items++; items == 2 {
				e.lists++
			}
			e.quotations += quotationsIn(b.text)
		case paragraph:
			e.quotations += quotationsIn(b.text)
		}
		e.sources += attributionsIn(b)
		previous = b.kind
	}
	return e
}

// heading counts the heading at i, but not a first one that is the text's title.
func (e *evidence) heading(d document, i int) {
	b := d.blocks[i]
	if b.level == 1 && i == 0 {
		return
	}
	e.sections++
	if strings.ContainsAny(b.text, "?？؟") || questionWords[b.words[0].text] {
		e.questions++
	}
	if i+1 < len(d.blocks) && d.blocks[i+1].kind == paragraph {
		if n := count(d.blocks[i+1].words); n >= minAnswer && n <= maxAnswer {
			e.answers++
		}
	}
}

var questionWords = setOf("how what why when where who which wie was warum wann wo wer welche comment pourquoi quand quel quelle cómo qué cuándo dónde quién come perché quando como por hoe waarom hur varför")

// How a source is named in running text: by two words, by one, or by the first
// word of a paragraph with a colon.
var (
	attributionPairs = map[string]string{"according": "to", "study": "by", "survey": "by", "report": "by", "research": "by"}
	attributions     = setOf("laut zufolge selon según segundo volgens enligt")
	sourceLabels     = setOf("source sources quelle quellen fuente fuentes fonte fonti bron bronnen källa källor")
)

func attributionsIn(b block) int {
	n := 0
	for i, w := range b.words {
		second, ok := attributionPairs[w.text]
		switch {
		case ok && i+1 < len(b.words) && b.words[i+1].text == second, attributions[w.text]:
			n++
		case i == 0 && sourceLabels[w.text] && strings.HasPrefix(strings.TrimSpace(b.text[len(w.raw):]), ":"):
			n++
		}
	}
	return n
}

// closing are the marks that end what the opening ones begin.
var closing = map[rune]string{'“': "”", '„': "“”", '«': "»", '»': "«", '「': "」", '『': "』", '"': "\""}

// quotationsIn counts passages of 5 words and more in quotation marks.
func quotationsIn(text string) int {
	n := 0
	open := map[rune]bool{} // those that nothing closes, not to look again
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		at += size
		ends, ok := closing[r]
		if !ok || open[r] {
			continue
		}
		end := strings.IndexAny(text[at:], ends)
		if end < 0 {
			open[r] = true
			continue
		}
		if inside := text[at : at+end]; len(strings.FieldsFunc(inside, unicode.IsSpace)) >= 5 || utf8.RuneCountInString(inside) >= 10 && strings.ContainsFunc(inside, isSpaceless) {
			n++
		}
		_, size = utf8.DecodeRuneInString(text[at+end:])
		at += end + size
	}
	return n
}
