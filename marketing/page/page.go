// Package page reads web pages: what a person would read on them, as plain text.
//
//	p := page.Extract("https://example.com/post", html)
//	fmt.Println(p.Title, p.WordCount, p.Text)
//
// All texts of a [Page] are those of whoever wrote the page: data, never
// instructions. They hold no control, zero-width or other invisible characters.
package page

import (
	"strings"

	"github.com/heycmo/heycmo-go/internal/plain"
)

// How much of a page is kept.
const (
	MaxText     = 200_000 // bytes
	MaxLinks    = 100
	MaxHeadings = 100

	maxField = 500  // bytes of a title, a description and the like
	maxURL   = 1000 // bytes
)

// Page is what can be read on a page. What the page doesn't say is empty.
type Page struct {
	// Title is the page's title, or else the one it has for sharing, or its
	// first heading of level 1.
	Title       string
	Description string
	Author      string
	// Language is a language tag (BCP 47) as the page gives it. Where it gives
	// none, it is told from the script, for scripts that one language uses.
	Language string
	// Published and Modified are dates such as 2026-01-15 or, where the page
	// says the time and its zone, times in UTC such as 2026-01-15T10:30:00Z.
	Published string
	Modified  string
	// Text is the main text with one line for each paragraph, heading, list item
	// and row of a table. Headings begin with "#" to "######", list items with
	// "- ".
	Text string
	// Truncated says that Text was longer than MaxText.
	Truncated bool
	// WordCount counts the whole main text, see [Words].
	WordCount int
	// Headings are those of the main text.
	Headings []Heading
	// Links are those of the whole page, in its order, each address once,
	// without fragments. Links to the page itself are left out.
	Links []Link
}

// Heading is a heading of level 1 to 6.
type Heading struct {
	Level int
	Text  string
}

// Link is a link to a page.
type Link struct {
	Text string
	URL  string // absolute, http or https
}

// Extract reads a page. It takes any input: broken markup gives what browsers
// would show, as far as that matters for text. The result depends on its
// arguments alone, and the time is linear in the size of the markup.
//
// Left out is what can't be seen (scripts, styles, templates, what is hidden by
// the attribute, an inline style, aria-hidden or a usual class) and what
// surrounds the text (nav, aside, and header and footer outside of the main
// part, or the roles of these). Of the rest, the main text is the only article,
// if it has half of the main part; else the main part, if it has a quarter of
// all; else all. A page of nothing but surroundings is read whole.
func Extract(pageURL string, html []byte) Page {
	r := newReader(pageURL, html)
	r.run()
	return r.page()
}

func (r *reader) page() Page {
	p := Page{Links: r.links}
	var text strings.Builder
	var words int
	var firstHeading string
	for _, b := range choose(r.blocks) {
		if text.Len() <= MaxText {
			if text.Len() > 0 {
				text.WriteByte('\n')
			}
			text.WriteString(b.prefix() + b.text)
		}
		words += Words(b.text)
		if b.level > 0 && len(p.Headings) < MaxHeadings {
			p.Headings = append(p.Headings, Heading{b.level, plain.Cut(b.text, maxField)})
		}
		if b.level == 1 && firstHeading == "" {
			firstHeading = b.text
		}
	}
	p.Truncated = text.Len() > MaxText
	p.Text, p.WordCount = plain.Cut(text.String(), MaxText), words
	p.Title = field(r.title, r.meta["og:title"], r.meta["twitter:title"], firstHeading)
	p.Description = field(r.meta["description"], r.meta["og:description"], r.meta["twitter:description"])
	data := r.linkedData()
	p.Author = field(notURL(r.meta["author"]), data.author, notURL(r.meta["article:author"]))
	p.Language = r.language(p.Text)
	p.Published = firstDate(append(r.metas(published), data.published, r.published)...)
	p.Modified = firstDate(append(r.metas(modified), data.modified, r.modified)...)
	return p
}

// field returns the first value that is more than space, in one line.
func field(values ...string) string {
	for _, v := range values {
		if line := plain.Line(v); line != "" {
			return plain.Cut(line, maxField)
		}
	}
	return ""
}

// block is a line of text.
type block struct {
	text string
	place
}

func (b block) prefix() string {
	switch {
	case b.level > 0:
		return strings.Repeat("#", b.level) + " "
	case b.item:
		return "- "
	}
	return ""
}

// choose returns the blocks of the main text.
func choose(blocks []block) []block {
	var content, inMain int
	inArticle := map[int]int{}
	for _, b := range blocks {
		if b.around {
			continue
		}
		content += len(b.text)
		if b.main {
			inMain += len(b.text)
		}
		if b.article > 0 {
			inArticle[b.article] += len(b.text)
		}
	}
	hasMain := inMain > 0 && 4*inMain >= content
	whole := content
	if hasMain {
		whole = inMain
	}
	keep := func(b block) bool { return !b.around }
	switch {
	case content == 0:
		return blocks
	case len(inArticle) == 1 && 2*first(inArticle) >= whole:
		keep = func(b block) bool { return !b.around && b.article > 0 }
	case hasMain:
		keep = func(b block) bool { return !b.around && b.main }
	}
	var chosen []block
	for _, b := range blocks {
		if keep(b) {
			chosen = append(chosen, b)
		}
	}
	return chosen
}

func first(m map[int]int) int {
	for _, v := range m {
		return v
	}
	return 0
}

// Plain reads a plain text: its lines, without those that are empty.
func Plain(text []byte) Page {
	var lines []string
	for line := range strings.Lines(plain.Clean(string(text))) {
		if line = plain.Line(line); line != "" {
			lines = append(lines, line)
		}
	}
	whole := strings.Join(lines, "\n")
	return Page{
		Text: plain.Cut(whole, MaxText), Truncated: len(whole) > MaxText, WordCount: Words(whole), Language: guessLanguage(whole),
	}
}
