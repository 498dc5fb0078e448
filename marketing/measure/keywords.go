package measure

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// Limits on what is looked for; the rest is left out.
const (
	maxKeywords     = 50
	maxKeywordWords = 20
)

// keyword is a keyword and where a piece has it.
type keyword struct {
	name   string
	words  []word
	places []place
	most   int // how often it may occur
	used   int // how often it does
}

// place is where the keyword should be, and whether it is.
type place struct {
	weight, share float64
	advice        string
}

// value is the share of the places that have the keyword.
func (k keyword) value() float64 {
	has, all := 0.0, 0.0
	for _, p := range k.places {
		has += p.weight * p.share
		all += p.weight
	}
	return has / all * k.restraint()
}

// restraint is 1, or less for a keyword that is there too often.
func (k keyword) restraint() float64 {
	if k.used <= k.most {
		return 1
	}
	return float64(k.most) / float64(k.used)
}

func (k keyword) advice() []advice {
	var all []advice
	weights := 0.0
	for _, p := range k.places {
		weights += p.weight
	}
	for _, p := range k.places {
		all = append(all, advice{p.weight / weights * (1 - p.share), p.advice})
	}
	return append(all, k.tooOften()...)
}

func (k keyword) tooOften() []advice {
	if k.used <= k.most {
		return nil
	}
	return []advice{{1 - k.restraint(), fmt.Sprintf("Use “%s” less often (now %d, at most %d): it reads as stuffed.", k.name, k.used, k.most)}}
}

func keywords(p Piece, form Form, d document) outcome {
	own, brands := prepare(p.Keywords), prepare(p.BrandKeywords)
	t := targetOf(p, form, d)
	switch {
	case len(t.words) == 0:
		return notTaken("there is no text")
	case form == FormInternal:
		return notTaken("nobody searches for what the team writes for itself")
	case len(own) > 0:
		return ownKeywords(own, t)
	case len(brands) == 0:
		return notTaken("there are no keywords, neither with the piece nor with the brand")
	case form == FormEmail || form == FormAd || form == FormOther:
		return notTaken("the brand's keywords are for articles, pages and posts; give the piece its own")
	}
	return brandKeywords(brands, t)
}

func prepare(names []string) []keyword {
	var all []keyword
	for _, name := range names[:min(len(names), maxKeywords)] {
		name = normal(name)
		if words := split(name); len(words) > 0 && len(words) <= maxKeywordWords {
			all = append(all, keyword{name: excerpt(name, 60), words: words})
		}
	}
	return all
}

func ownKeywords(all []keyword, t target) outcome {
	first := all[0]
	first.find(t)
	value := first.value()
	advised := first.advice()
	note := fmt.Sprintf("“%s”: %d times in %s words", first.name, first.used, thousands(count(t.words)))
	if others := all[1:]; len(others) > 0 {
		there, restraint := 0, first.restraint()
		for i := range advised {
			advised[i].gain *= 0.7
		}
		for _, k := range others {
			k.limit(t)
			if k.used > 0 {
				there++
			} else {
				advised = append(advised, advice{0.3 / float64(len(others)), fmt.Sprintf("Mention “%s”.", k.name)})
			}
			advised = append(advised, k.tooOften()...)
			restraint = min(restraint, k.restraint())
		}
		value = (0.7*value/first.restraint() + 0.3*float64(there)/float64(len(others))) * restraint
		note += fmt.Sprintf("; of %d others %d occur", len(others), there)
	}
	return taken(value, note, advised...)
}

// brandKeywords measures by the keyword that fits best.
func brandKeywords(all []keyword, t target) outcome {
	var best keyword
	for i, k := range all {
		k.find(t)
		if i == 0 || k.value() > best.value() {
			best = k
		}
	}
	if best.value() == 0 {
		return taken(0, "none of the brand's keywords occurs",
			advice{0.5, fmt.Sprintf("Write it for one of the brand's keywords, such as “%s”, or give it keywords of its own.", best.name)})
	}
	return taken(best.value(), fmt.Sprintf("“%s” of the brand's keywords: %d times in %s words", best.name, best.used, thousands(count(t.words))), best.advice()...)
}

// target is where keywords are looked for.
type target struct {
	words       []word
	titled      bool // has a title that readers see
	title       []word
	subheadings []word
	beginning   []word
}

func targetOf(p Piece, form Form, d document) target {
	t := target{words: d.words, titled: form != FormPost && form != FormEmail && form != FormAd, title: split(normal(p.Title))}
	for _, b := range d.blocks {
		switch {
		case b.kind == heading && b.level == 1:
			t.title = append(t.title, b.words...)
		case b.kind == heading:
			t.subheadings = append(t.subheadings, b.words...)
		}
	}
	t.beginning = t.words[:firstWords(t.words, 100)]
	return t
}

// limit counts the keyword and says how often it may occur.
func (k *keyword) limit(t target) {
	k.used = occurrences(k.words, t.words)
	k.most = max(3, int(0.03*float64(len(t.words))/float64(len(k.words))))
}

// find looks at the places where the keyword should be.
func (k *keyword) find(t target) {
	k.limit(t)
	add := func(weight, share float64, text string) {
		k.places = append(k.places, place{weight, share, fmt.Sprintf(text, k.name)})
	}
	has := func(words []word) float64 { return min(1, float64(occurrences(k.words, words))) }

	if t.titled {
		add(0.3, has(t.title), "Put “%s” into the title.")
		if len(t.subheadings) > 0 {
			add(0.15, has(t.subheadings), "Put “%s” into one of the subheadings.")
		}
	}
	add(0.25, has(t.beginning), "Use “%s” within the first 100 words.")
	least := max(1, int(math.Ceil(0.005*float64(len(t.words))/float64(len(k.words)))))
	text := "Use “%s” in the text."
	if least > 1 {
		text = fmt.Sprintf("Use “%%s” more often (now %d, aim for %d).", k.used, least)
	}
	add(0.3, min(1, float64(k.used)/float64(least)), text)
}

// firstWords returns how many tokens the first n words are.
func firstWords(words []word, n int) int {
	halves := 0
	for i, w := range words {
		if halves >= 2*n {
			return i
		}
		halves++
		if !w.char {
			halves++
		}
	}
	return len(words)
}

// occurrences counts where the words stand side by side within a sentence, not
// overlapping.
func occurrences(wanted, words []word) int {
	n := 0
	for i := 0; i+len(wanted) <= len(words); i++ {
		if words[i].text[0] != wanted[0].text[0] {
			continue // as almost all do
		}
		j := 0
		for j < len(wanted) && sameWord(wanted[j], words[i+j]) && (j == 0 || !words[i+j-1].last || wanted[j-1].last) {
			j++
		}
		if j == len(wanted) {
			n++
			i += j - 1
		}
	}
	return n
}

// sameWord says whether two words differ in a common ending at most.
func sameWord(a, b word) bool {
	if len(a.text) > len(b.text) {
		a, b = b, a
	}
	if !strings.HasPrefix(b.text, a.text) {
		return false
	}
	switch b.text[len(a.text):] {
	case "":
		return true
	case "s", "es", "e", "n", "en", "'s":
		return utf8.RuneCountInString(a.text) > 2 && !a.number
	}
	return false
}
