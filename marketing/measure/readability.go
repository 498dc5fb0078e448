package measure

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// minReadable is how many words a text must have for its average sentence to
// mean something.
const minReadable = 30

func readability(d document, lang language) outcome {
	sentences := d.sentences()
	var words []word
	for _, s := range sentences {
		words = append(words, s...)
	}
	switch {
	case count(words) < minReadable:
		return notTaken(fmt.Sprintf("%d words of running text are too few, it takes %d", count(words), minReadable))
	case lang.method == unmeasured:
		return notTaken("there is no formula to rely on for " + lang.name)
	case lang.method == characters:
		return byCharacters(words, sentences, lang)
	case lang.method == flesch:
		return byFlesch(words, sentences)
	}
	return byLIX(words, sentences, lang)
}

const (
	easyFlesch = 60
	// What is asked of writers: these two together are standard English.
	aimWords     = 18.0 // for each sentence
	aimSyllables = 1.5  // for each word
)

func byFlesch(words []word, sentences [][]word) outcome {
	total := 0
	for _, w := range words {
		total += syllables(w)
	}
	length := float64(len(words)) / float64(len(sentences))
	weight := float64(total) / float64(len(words))
	ease := func(length, weight float64) float64 { return 206.835 - 1.015*length - 84.6*weight }
	value := func(ease float64) float64 { return min(max(ease/easyFlesch, 0), 1) }
	now := ease(length, weight)
	return taken(value(now), fmt.Sprintf("Flesch reading ease %.0f, English; 60 and above is plain", now),
		shorterSentences(value(ease(min(length, aimWords), weight))-value(now), length, sentences),
		shorterWords(value(ease(length, min(weight, aimSyllables)))-value(now), words, func(w word) bool { return syllables(w) >= 4 }))
}

const (
	easyLIX = 40
	hardLIX = 70
	aimLong = 25.0 // long words in 100
)

func byLIX(words []word, sentences [][]word, lang language) outcome {
	long := 0
	for _, w := range words {
		if isLong(w) {
			long++
		}
	}
	length := float64(len(words)) / float64(len(sentences))
	share := 100 * float64(long) / float64(len(words))
	value := func(lix float64) float64 { return falling(lix, easyLIX, hardLIX) }
	now := value(length + share)
	return taken(now, fmt.Sprintf("LIX %.0f, %s; 40 and below is easy to normal", length+share, lang.name),
		shorterSentences(value(min(length, aimWords)+share)-now, length, sentences),
		shorterWords(value(length+min(share, aimLong))-now, words, isLong))
}

func isLong(w word) bool { return !w.number && utf8.RuneCountInString(w.text) > 6 }

func byCharacters(words []word, sentences [][]word, lang language) outcome {
	best, worst := 40.0, 100.0
	if lang == japanese {
		best, worst = 50, 120
	}
	length := float64(len(words)) / float64(len(sentences))
	now := falling(length, best, worst)
	return taken(now, fmt.Sprintf("%.0f characters in a sentence, %s; %.0f and below is easy", length, lang.name, best),
		advice{1 - now, fmt.Sprintf("Split long sentences: they average %.0f characters, aim for at most %.0f. Begin with “%s”.", length, best, opening(longest(sentences)))})
}

func shorterSentences(gain, length float64, sentences [][]word) advice {
	most := longest(sentences)
	return advice{gain, fmt.Sprintf("Split long sentences: they average %.0f words, aim for %.0f. Begin with “%s” (%d words).", length, aimWords, opening(most), len(most))}
}

func longest(sentences [][]word) []word {
	return slices.MaxFunc(sentences, func(a, b []word) int { return len(a) - len(b) })
}

// shorterWords names those of the words that are difficult and most frequent.
func shorterWords(gain float64, words []word, difficult func(word) bool) advice {
	counts := map[string]int{}
	for _, w := range words {
		if difficult(w) {
			counts[w.text]++
		}
	}
	named := make([]string, 0, len(counts))
	for w := range counts {
		named = append(named, w)
	}
	slices.SortFunc(named, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	text := "Use shorter, more common words."
	if len(named) > 0 {
		for i := range named {
			named[i] = excerpt(named[i], 40)
		}
		text = fmt.Sprintf("Use shorter, more common words where you can, for example for “%s”.", strings.Join(named[:min(len(named), 3)], "”, “"))
	}
	return advice{gain, text}
}

// syllables counts those of an English word: groups of vowels, without endings
// that are not spoken. It is a rule of thumb that has "employer" with two. A
// number counts as one.
func syllables(w word) int {
	if w.number {
		return 1
	}
	text := strings.TrimSuffix(w.text, "'s")
	groups, vowel := 0, false
	for i := range len(text) {
		v := isVowel(text[i])
		if v && !vowel {
			groups++
		}
		vowel = v
	}
	n := len(text)
	switch {
	case n > 2 && strings.HasSuffix(text, "e") && !isVowel(text[n-2]) && !syllabicL(text[:n-1]):
		groups-- // make, but not table
	case n > 3 && strings.HasSuffix(text, "ed") && !isVowel(text[n-3]) && text[n-3] != 't' && text[n-3] != 'd':
		groups-- // asked, but not wanted
	case n > 3 && strings.HasSuffix(text, "es") && strings.IndexByte("aeiouysxzcgh", text[n-3]) < 0 && !syllabicL(text[:n-2]):
		groups-- // makes, but not boxes and tables
	}
	return max(groups, 1)
}

// syllabicL says whether text ends in an l that makes a syllable of its own with
// the e behind it, as in table.
func syllabicL(text string) bool {
	n := len(text)
	return n > 2 && text[n-1] == 'l' && !isVowel(text[n-2])
}

func isVowel(c byte) bool { return strings.IndexByte("aeiouy", c) >= 0 }
