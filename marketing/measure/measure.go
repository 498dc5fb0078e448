// Package measure takes figures of a text: how easy it is to read, whether it
// uses its keywords, whether its length suits its form, how near it is to the
// brand's voice, and how well it can be quoted.
//
//	result := measure.Of(measure.Piece{Type: "article", Title: title, Body: markdown, Keywords: []string{"month-end close"}})
//	fmt.Println(*result.Values.Readability, result.Improve[0])
//
// The same piece always gives the same figures. Nothing is read or sent, and no
// model is asked. A figure that can't be taken honestly is nil, never 0, and its
// note says why. There is no average of them: they are not on one scale, no
// source gives their weights, and one number would hide which of them to mend.
//
// Markdown is stripped before anything is counted. In scripts that put no spaces
// between words every letter is a token, and two count as a word.
//
// # Readability
//
// English: Flesch's reading ease, 206.835 − 1.015·(words / sentences) −
// 84.6·(syllables / words) (R. Flesch, "A new readability yardstick", Journal of
// Applied Psychology 32(3), 1948), with syllables counted by groups of vowels.
// The figure is reading ease / 60: Flesch calls 60 to 70 standard, and easier is
// not better for every reader.
//
// Other languages in Latin, Cyrillic and Greek script: LIX, words / sentences +
// 100·(words of more than 6 letters) / words (C. H. Björnsson, Läsbarhet, 1968).
// The figure is 1 up to LIX 40, where Björnsson's difficult texts begin, and 0
// from 70 on. Languages that join words, such as German and Finnish, score lower
// by nature: compare texts of one language.
//
// Chinese and Japanese have no such formula in common use. What is measured is
// the mean length of sentences in characters: 1 up to 40 (Chinese) or 50
// (Japanese), and 0 from 100 or 120 on, limits of our own. Other scripts, and
// texts below 30 words, are not measured.
//
// # Keywords
//
// The first keyword is what the piece is about. It should be in the title (0.3),
// among the first 100 words (0.25), in one subheading (0.15), and often enough
// but not too often (0.3). These are the places that Yoast SEO's assessments look
// at, and that Google's Search Essentials name ("prominent locations on the
// page"); the weights are ours. Often enough is 0.5 to 3 % of the words, the range
// of Yoast's keyphrase density, and never less than once. Above it, and above
// three times, the whole figure falls by the same ratio: Google's spam policies
// rule stuffing out, and in the GEO study below it cost visibility. Parts that a
// form lacks don't count, such as the title of a post. With more than one keyword
// the first makes 0.7 of the figure and the share of the others that occur 0.3.
//
// Without keywords of its own, an article, a page or a post is measured by that
// one of the brand's keywords which it fits best. A word also counts with the
// endings s, es, e, n and en.
//
// # Length
//
// 1 inside the range of the piece's form, below it length / least, above it most /
// length. What exceeds a platform's own limit can't be published, so that is 0.
// See [FormOf] for the forms, ranges and limits.
//
// # Brand voice
//
// How far the text is from pieces that the customer approved, in four respects:
// letter sequences (the cosine distance of character 3-grams, which E. Stamatatos,
// "A survey of modern authorship attribution methods", JASIST 60(3), 2009, finds
// among the most telling; 0.4), the most frequent words of the samples (as in J.
// Burrows, "'Delta'", Literary and Linguistic Computing 17(3), 2002, but with the
// Hellinger distance, since a few samples give no deviations to divide by; 0.3),
// the lengths of sentences (G. U. Yule, Biometrika 30, 1939; Hellinger distance of
// their distribution; 0.2), and marks such as exclamation marks, emoji and words
// in capitals (0.1).
//
// Distances mean little by themselves, so each is held against how far the
// samples are from each other: every sample, cut to the length of the text, from
// the rest of them. Where the text is no farther than they are the part is 1;
// beyond it is exp(1 − distance / theirs)². Weights and curve are ours. At least
// 3 samples in the text's language with 300 words together, and 50 words of text,
// must be there; Burrows found texts as short as 100 words of use.
//
// A word in quotation marks after never, avoid or don't in the description of the
// voice ("never “leverage” or “synergy”") is one the brand doesn't use. Each that
// occurs takes a fifth off.
//
// # Citability
//
// For articles and pages of 50 words and more: what answer engines quote. In P.
// Aggarwal et al., "GEO: Generative Engine Optimization" (KDD 2024,
// arXiv:2311.09735, table 1) quotations raised a source's part of the answer by
// about 41 %, statistics by 32 % and cited sources by 28 %, each by itself. They
// share 0.7 of the figure in about that ratio: quotations (one for each 500 words,
// at most 3) 0.29, numbers (one for each 100 words, at least 2) 0.22, sources (links
// to other sites and named sources, one for each 300 words, at most 5) 0.19. The
// rest is our judgement of what is easy to lift out: short answers under the
// headings 0.12, questions as headings (one in three) 0.10, a list or table 0.08.
// Later studies found smaller effects where many do the same: the figure says how
// much there is to quote, not how often it will be.
package measure

import (
	"cmp"
	"math"
	"slices"
)

// Piece is what is measured. Only the body must be there.
type Piece struct {
	Title   string
	Body    string // in Markdown; a post as it will be posted
	Type    string // such as article, social_post, email; see [FormOf]
	Channel string // such as blog, linkedin, newsletter

	// Keywords are what the piece should be found for, the most important first.
	Keywords []string
	// BrandKeywords stand in when there are no Keywords.
	BrandKeywords []string

	// Samples are texts in the brand's voice, in Markdown.
	Samples []string
	// Voice describes the brand's voice.
	Voice string
	// Website is the brand's address; links to it are no sources.
	Website string
}

// Values are the figures, from 0 to 1 in steps of 0.01. Nil ones could not be
// taken.
type Values struct {
	Readability *float64 `json:"readability,omitempty" jsonschema:"how easy it is to read"`
	Keywords    *float64 `json:"keywords,omitempty" jsonschema:"whether it uses its keywords where they count, without stuffing"`
	Length      *float64 `json:"length,omitempty" jsonschema:"whether its length suits its form and channel"`
	BrandVoice  *float64 `json:"brandVoice,omitempty" jsonschema:"how near it is to the pieces that the customer approved"`
	Citability  *float64 `json:"citability,omitempty" jsonschema:"how much there is in it for answer engines to quote"`
}

// Quality is how well made the text is: the least of readability, keywords and length,
// as far as they were taken; nil when none was. It is no average, for the reasons given
// above: a text is as good as what is worst about it, and that is what to mend.
func (v Values) Quality() *float64 {
	var least *float64
	for _, x := range []*float64{v.Readability, v.Keywords, v.Length} {
		if x != nil && (least == nil || *x < *least) {
			least = x
		}
	}
	return least
}

// Notes say what each figure rests on, or why there is none.
type Notes struct {
	Readability string `json:"readability"`
	Keywords    string `json:"keywords"`
	Length      string `json:"length"`
	BrandVoice  string `json:"brandVoice"`
	Citability  string `json:"citability"`
}

// Result is what [Of] finds.
type Result struct {
	Values Values `json:"values"`
	Notes  Notes  `json:"notes"`
	// Improve says what to change, in sentences, what gains most first. It has at
	// most [MaxImprove].
	Improve []string `json:"improve"`
}

// MaxImprove is how many sentences a [Result] has at most.
const MaxImprove = 5

// Of measures a piece in time that grows with its length.
func Of(p Piece) Result {
	form := FormOf(p.Type, p.Channel)
	d := parse(p.Body, form == FormPost || form == FormAd)
	lang := languageOf(d.words)

	outcomes := []outcome{
		readability(d, lang),
		keywords(p, form, d),
		length(p, form, d),
		brandVoice(p, form, d, lang),
		citability(p, form, d),
	}
	var all []advice
	for _, o := range outcomes {
		all = append(all, o.advice...)
	}
	slices.SortStableFunc(all, func(a, b advice) int { return cmp.Compare(b.gain, a.gain) })
	improve := []string{}
	for _, a := range all[:min(len(all), MaxImprove)] {
		improve = append(improve, a.text)
	}
	return Result{
		Values:  Values{outcomes[0].value, outcomes[1].value, outcomes[2].value, outcomes[3].value, outcomes[4].value},
		Notes:   Notes{outcomes[0].note, outcomes[1].note, outcomes[2].note, outcomes[3].note, outcomes[4].note},
		Improve: improve,
	}
}

// outcome is one measure of a piece.
type outcome struct {
	value  *float64
	note   string
	advice []advice
}

// advice is a sentence for the writer, and how much the measure would gain.
type advice struct {
	gain float64
	text string
}

// notTaken is the outcome of a measure that can't be taken.
func notTaken(reason string, more ...advice) outcome {
	return outcome{note: "not measured: " + reason, advice: more}
}

func taken(value float64, note string, more ...advice) outcome {
	return outcome{value: new(round(value)), note: note, advice: slices.DeleteFunc(more, func(a advice) bool { return a.gain < minGain })}
}

// minGain is below what nobody should change a text for.
const minGain = 0.02

// round returns a figure in steps of 0.01, so that it's the same on every machine.
func round(value float64) float64 {
	return math.Round(100*min(max(value, 0), 1)) / 100
}

// falling is 1 up to the first limit, 0 from the second on, and a line between.
func falling(x, best, worst float64) float64 {
	return min(max((worst-x)/(worst-best), 0), 1)
}
