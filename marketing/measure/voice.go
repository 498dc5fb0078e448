package measure

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// What must be there for a voice to be measured, and how much of it is looked
// at.
const (
	minVoiceWords   = 50
	minSamples      = 3
	minSampleWords  = 300
	maxSamples      = 10
	maxSampleTokens = 2000
	maxCommon       = 60 // most frequent words
)

func brandVoice(p Piece, form Form, d document, lang language) outcome {
	banned := bannedIn(p.Voice, d.words)
	words := count(d.words)
	switch {
	case form == FormInternal:
		return notTaken("what the team writes for itself needs no brand voice")
	case words < minVoiceWords:
		return notTaken(fmt.Sprintf("%d words are too few, it takes %d", words, minVoiceWords), banned...)
	}
	samples, total := samplesIn(p.Samples, form, lang)
	if len(samples) < minSamples || total < minSampleWords {
		return notTaken(fmt.Sprintf("it takes %d approved pieces in the same language with %d words together, and there are %d with %d",
			minSamples, minSampleWords, len(samples), total), banned...)
	}
	c := compare(styleOf(d.blocks), samples)
	value := c.value() * math.Pow(0.8, float64(len(banned)))
	note := fmt.Sprintf("held against %d approved pieces with %s words: letters %.2f, common words %.2f, sentences %.2f, marks %.2f",
		len(samples), thousands(total), c.near[grams], c.near[common], c.near[sentences], c.near[marks])
	if len(banned) > 0 {
		note += fmt.Sprintf("; words that the voice rules out: %d", len(banned))
	}
	return taken(value, note, append(banned, c.advice()...)...)
}

func samplesIn(texts []string, form Form, lang language) (samples []style, total int) {
	for _, text := range texts {
		d := parse(text, form == FormPost || form == FormAd)
		words := d.words
		if len(words) == 0 || languageOf(words) != lang {
			continue
		}
		samples = append(samples, styleOf(firstBlocks(d.blocks, maxSampleTokens)))
		total += count(words)
		if len(samples) == maxSamples {
			break
		}
	}
	return samples, total
}

// style is what is compared of a text. All of it are shares, so that texts of
// different length compare.
type style struct {
	blocks   []block
	tokens   int
	sentence float64 // mean number of tokens
	words    map[string]float64
	features [4][]float64
}

// The features of a style.
const (
	grams     = iota // sequences of 3 letters; a vector of length 1
	common           // words that are common in the samples
	sentences        // classes of sentence lengths
	marks            // for each token
)

// gramBuckets is how many buckets the sequences of letters are hashed into, so
// that a text without end takes no more room (K. Weinberger et al., "Feature
// hashing", ICML 2009).
const gramBuckets = 4096

// sentenceBounds are the upper ends of the classes of sentence lengths.
var sentenceBounds = []int{4, 8, 12, 16, 20, 26, 34, 50}

func styleOf(blocks []block) style {
	s := style{blocks: blocks, words: map[string]float64{}}
	s.features[grams] = make([]float64, gramBuckets)
	s.features[marks] = make([]float64, len(markNames))
	s.features[sentences] = make([]float64, len(sentenceBounds)+1)
	for _, b := range blocks {
		addGrams(s.features[grams], b.text)
		addMarks(s.features[marks], b)
		s.tokens += len(b.words)
		for _, w := range b.words {
			s.words[w.text]++
		}
	}
	all := document{blocks: blocks}.sentences()
	for _, sentence := range all {
		class, _ := slices.BinarySearch(sentenceBounds, len(sentence))
		s.features[sentences][class]++
		s.sentence += float64(len(sentence))
	}
	s.sentence /= max(float64(len(all)), 1)
	scale(s.features[sentences], max(float64(len(all)), 1))
	scale(s.features[marks], max(float64(s.tokens), 1))
	unit(s.features[grams])
	return s
}

// pick sets the shares of common words, and of all others as the last.
func (s *style) pick(frequent []string) {
	shares := make([]float64, len(frequent)+1)
	rest := float64(s.tokens)
	for i, w := range frequent {
		shares[i] = s.words[w]
		rest -= s.words[w]
	}
	shares[len(frequent)] = rest
	scale(shares, max(float64(s.tokens), 1))
	s.features[common] = shares
}

// firstBlocks returns the beginning of a text with at most n tokens, in whole
// sentences as far as there are any.
func firstBlocks(blocks []block, n int) []block {
	var first []block
	for _, b := range blocks {
		if len(b.words) > n {
			end := n
			for i := n; i > n/2; i-- {
				if b.words[i-1].last {
					end = i
					break
				}
			}
			if end == 0 {
				return first
			}
			at := strings.Index(b.text, b.words[0].raw)
			for _, w := range b.words[:end] {
				at += strings.Index(b.text[at:], w.raw) + len(w.raw)
			}
			b.text, b.words = b.text[:at], b.words[:end]
			return append(first, b)
		}
		first = append(first, b)
		n -= len(b.words)
	}
	return first
}

// addGrams counts the sequences of 3 characters.
func addGrams(counts []float64, text string) {
	a, b := ' ', ' '
	for _, c := range text {
		switch {
		case unicode.IsSpace(c):
			c = ' '
		case unicode.IsDigit(c):
			c = '0'
		default:
			c = unicode.ToLower(c)
		}
		if c == ' ' && b == ' ' {
			continue
		}
		h := uint32(2166136261) // FNV-1a over the three
		for _, r := range [...]rune{a, b, c} {
			h = (h ^ uint32(r)) * 16777619 //nolint:gosec // G115: a rune in a text is never negative
		}
		counts[(h^h>>16)%gramBuckets]++
		a, b = b, c
	}
}

// unit gives the vector length 1.
func unit(v []float64) {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	if sum == 0 {
		return
	}
	scale(v, math.Sqrt(sum))
}

func scale(v []float64, by float64) {
	for i := range v {
		v[i] /= by
	}
}

// markNames are the marks that are counted, in the plural.
var markNames = []string{"exclamation marks", "question marks", "emoji", "dashes", "words in capitals"}

func addMarks(counts []float64, b block) {
	for _, r := range b.text {
		switch {
		case r == '!' || r == '！':
			counts[0]++
		case r == '?' || r == '？':
			counts[1]++
		case r >= 0x1F300 && r <= 0x1FAFF || r >= 0x2600 && r <= 0x27BF:
			counts[2]++
		case r == '–' || r == '—':
			counts[3]++
		}
	}
	for _, w := range b.words {
		if len(w.raw) > 3 && !w.number && w.raw == strings.ToUpper(w.raw) && w.raw != strings.ToLower(w.raw) {
			counts[4]++
		}
	}
}

// comparison is how near a text is to samples in each feature, from 0 to 1.
type comparison struct {
	text, usual style
	near        [4]float64
}

// featureWeights add up to 1.
var featureWeights = [4]float64{0.4, 0.3, 0.2, 0.1}

// leastDistances are those below which samples can hardly be told apart; without
// them, samples that are all the same would allow nothing else.
var leastDistances = [4]float64{0.05, 0.05, 0.1, 0.004}

func (c comparison) value() float64 {
	sum := 0.0
	for i, near := range c.near {
		sum += featureWeights[i] * near
	}
	return sum
}

// compare holds the text's distances from the samples against theirs from each
// other.
func compare(text style, samples []style) comparison {
	frequent := frequentWords(samples)
	text.pick(frequent)
	for i := range samples {
		samples[i].pick(frequent)
	}
	c := comparison{text: text, usual: mean(samples, -1)}
	var own [4]float64
	for i, s := range samples {
		cut := styleOf(firstBlocks(s.blocks, max(text.tokens, minVoiceWords)))
		cut.pick(frequent)
		for j, d := range distances(cut, mean(samples, i)) {
			own[j] += d / float64(len(samples))
		}
	}
	for i, d := range distances(text, c.usual) {
		c.near[i] = min(1, math.Exp(2*(1-d/max(own[i], leastDistances[i]))))
	}
	return c
}

// mean returns the average of all samples but the one at without.
func mean(samples []style, without int) style {
	var m style
	for i, v := range samples[0].features {
		m.features[i] = make([]float64, len(v))
	}
	n := 0.0
	for i, s := range samples {
		if i == without {
			continue
		}
		n++
		m.sentence += s.sentence
		for f, v := range s.features {
			for j, x := range v {
				m.features[f][j] += x
			}
		}
	}
	m.sentence /= n
	for _, v := range m.features {
		scale(v, n)
	}
	unit(m.features[grams])
	return m
}

// frequentWords returns the most frequent words of the samples that are in at
// least half of them, so that the subject of one doesn't count.
func frequentWords(samples []style) []string {
	texts, shares := map[string]int{}, map[string]float64{}
	for _, s := range samples {
		for w, n := range s.words {
			texts[w]++
			shares[w] += n / float64(s.tokens)
		}
	}
	maps.DeleteFunc(shares, func(w string, _ float64) bool { return 2*texts[w] < len(samples) })
	words := slices.SortedFunc(maps.Keys(shares), func(a, b string) int {
		return cmp.Or(cmp.Compare(shares[b], shares[a]), strings.Compare(a, b))
	})
	return words[:min(len(words), maxCommon)]
}

// distances are those of two styles in each feature.
func distances(a, b style) [4]float64 {
	cosine, off := 0.0, 0.0
	for i, x := range a.features[grams] {
		cosine += x * b.features[grams][i]
	}
	for i, x := range a.features[marks] {
		off += math.Abs(x - b.features[marks][i])
	}
	return [4]float64{
		grams: 1 - cosine, common: hellinger(a.features[common], b.features[common]),
		sentences: hellinger(a.features[sentences], b.features[sentences]), marks: off,
	}
}

// hellinger returns the distance of two distributions, from 0 to 1.
func hellinger(a, b []float64) float64 {
	affinity := 0.0
	for i, x := range a {
		affinity += math.Sqrt(x * b[i])
	}
	return math.Sqrt(max(0, 1-affinity))
}

func (c comparison) advice() []advice {
	missing := func(feature int) float64 { return featureWeights[feature] * (1 - c.near[feature]) }
	var all []advice
	wanted := "shorter"
	if c.text.sentence < c.usual.sentence {
		wanted = "longer"
	}
	if math.Abs(c.text.sentence-c.usual.sentence) >= 2 {
		all = append(all, advice{missing(sentences),
			fmt.Sprintf("Write %s sentences: they average %.0f words, in approved pieces %.0f.", wanted, c.text.sentence, c.usual.sentence)})
	}
	has, usual := c.text.features[marks], c.usual.features[marks]
	worst := 0
	for i := range markNames {
		if has[i]-usual[i] > has[worst]-usual[worst] {
			worst = i
		}
	}
	if has[worst] > usual[worst] {
		all = append(all, advice{missing(marks),
			fmt.Sprintf("Use fewer %s: %.1f for each 100 words, in approved pieces %.1f.", markNames[worst], 100*has[worst], 100*usual[worst])})
	}
	return append(all, advice{missing(grams) + missing(common),
		"Choose the words and turns of phrase of the approved pieces: this one sounds unlike them."})
}

// Prohibitions in a description of a voice: the word for it, and what follows in
// the sentence.
var (
	prohibition = regexp.MustCompile(`(?i)(?:^|\PL)(?:never|avoid|don['’]t|do not|niemals|nie|vermeiden?|jamais|évite[rz]?|nunca|evitar?|mai|nooit|aldrig)\PL[^.!?\n]*`)
	quoted      = regexp.MustCompile(`[“"„«]([^“”"„«»]{1,60})[”"“»]`)
)

// bannedIn returns an advice for each word that the description rules out and
// the text has.
func bannedIn(description string, words []word) []advice {
	var all []advice
	seen := map[string]bool{}
	for _, rule := range prohibition.FindAllString(normal(description), maxKeywords) {
		for _, m := range quoted.FindAllStringSubmatch(rule, maxKeywords) {
			wanted := split(m[1])
			if len(wanted) == 0 || len(wanted) > maxKeywordWords || seen[m[1]] || len(seen) >= maxKeywords {
				continue
			}
			seen[m[1]] = true
			if occurrences(wanted, words) > 0 {
				all = append(all, advice{0.2, fmt.Sprintf("Don't use “%s”: the brand's voice rules it out.", excerpt(m[1], 60))})
			}
		}
	}
	return all
}
