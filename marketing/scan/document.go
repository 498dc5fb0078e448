package scan

import (
	"bytes"
	"cmp"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"github.com/heycmo/heycmo-go/internal/plain"
)

// Bounds on what is kept of a page. None of them is near what a score needs.
const (
	maxMarkup  = 8 << 20 // bytes that are read
	maxKept    = 200     // of each kind of thing that is counted
	maxListed  = 20      // links and answers for the artifacts
	maxAnchor  = 1000    // bytes of a link's text
	maxHeading = 4000    // bytes of a heading that are looked at
)

// Lengths in words.
const (
	minPassage   = 8 // a shorter text is a label
	minAnswer    = 20
	maxAnswer    = 80
	maxReadable  = 120
	topPassages  = 3 // where a direct answer has to stand
	maxFAQAnswer = 1000
)

// document is what there is on a page, without a judgement.
type document struct {
	address *url.URL // of the page; never nil
	base    *url.URL // what links are relative to

	title   string
	lang    string
	charset bool
	meta    map[string]string // the first of each name that is not blank
	noindex bool
	nosnip  bool

	canonicals map[string]bool
	canonical  string
	authorLink bool
	dated      string // the first date in the markup
	byline     bool

	data linkedData

	h1        string
	headings  int // h2 to h6
	questions int
	answered  int // questions with a direct answer below
	faq       []answer

	words     int
	passages  int // of at least minPassage words
	readable  int // of those, the ones of readable length
	topAnswer bool
	figures   map[string]bool

	quotes, items, headCells, rows int
	images, described              int
	article                        bool

	internal map[string]bool
	external map[string]bool // hosts
	links    []link
}

type answer struct{ question, text string }

type link struct{ name, url string }

// parse reads a page. It looks at each token once and builds no tree, so that
// time and memory grow with the size of the page alone, however it is nested.
func parse(address string, markup []byte) *document {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		u = &url.URL{}
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	d := &document{
		address: u, base: u,
		meta:       map[string]string{},
		canonicals: map[string]bool{},
		data:       linkedData{types: map[string]bool{}},
		figures:    map[string]bool{},
		internal:   map[string]bool{},
		external:   map[string]bool{},
	}
	r := &reader{document: d, open: map[string]int{}, attrs: map[string]string{}}
	z := html.NewTokenizer(bytes.NewReader(markup[:min(len(markup), maxMarkup)]))
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken: // the end: a reader of bytes has no other errors
			r.endAnchor()
			r.endBlock()
			return d
		case html.TextToken:
			r.text(z.Text())
		case html.SelfClosingTagToken, html.StartTagToken:
			name, more := z.TagName()
			tag := string(name)
			clear(r.attrs)
			for more {
				var key, value []byte
				key, value, more = z.TagAttr()
				if _, given := r.attrs[string(key)]; !given && wanted[string(key)] {
					r.attrs[string(key)] = string(value)
				}
			}
			if tag == "svg" && kind == html.SelfClosingTagToken {
				continue // the one of these elements that can be empty this way
			}
			r.start(tag)
		case html.EndTagToken:
			name, _ := z.TagName()
			r.end(string(name))
		}
	}
}

var (
	wanted = set(`lang xml:lang name property content charset http-equiv rel href src alt type datetime itemprop role`)

	// inline are the elements that don't end a block of text.
	inline = set(`a abbr acronym b bdi bdo big br cite code data del dfn em font i img ins kbd label mark meter nobr picture q
		rp rt ruby s samp small source span strike strong sub sup time tt u var wbr link meta svg template`)

	// headingEnds are the elements that a heading which was not closed ends at.
	headingEnds = set(`p ul ol dl table section article main figure form nav footer body`)

	metaNames = set(`description viewport author date
		og:title og:description og:image og:type og:site_name og:updated_time
		article:published_time article:modified_time article:author
		product:price:amount product:price:currency og:price:amount og:price:currency product:brand`)

	dateProperties = set(`datePublished dateModified uploadDate dateCreated`)
	bylines        = set(`author creator publisher brand manufacturer`)
)

// reader goes through the tokens of a page.
type reader struct {
	*document
	attrs map[string]string // of the tag being read
	open  map[string]int    // how many of each of templates, svg, nav and footer are open

	raw     string          // the element whose text comes as it is, if that is next
	block   strings.Builder // the text since the last block began
	heading string          // the heading whose text that is, or ""
	asked   string          // the question that waits for its answer
	apart   bool            // something else stands between the two
	signed  bool            // the block names a time or an author
	anchor  *link           // the link being read
	name    strings.Builder // its text
}

func (r *reader) start(tag string) {
	r.raw = ""
	switch tag {
	case "script", "style", "title", "textarea", "iframe", "noembed", "noframes", "noscript", "xmp", "plaintext":
		r.raw = tag
		return
	}
	if tag == "template" || tag == "svg" {
		r.open[tag]++
	}
	if r.isHidden() {
		return
	}
	r.boundary(tag, true)
	r.facts()
	switch tag {
	case "nav", "footer":
		r.open[tag]++
	case "main":
		r.open["nav"], r.open["footer"] = 0, 0 // they were not closed
	case "html":
		if lang := strings.TrimSpace(cmp.Or(r.attrs["lang"], r.attrs["xml:lang"])); r.lang == "" && isLanguage(lang) {
			r.lang = lang
		}
	case "base":
		if u := r.resolve(r.attrs["href"]); u != nil && r.base == r.address {
			r.base = u
		}
	case "meta":
		r.metaTag()
	case "link":
		r.linkTag()
	case "img":
		alt, described := r.attrs["alt"]
		r.images++
		if described || r.attrs["role"] == "presentation" {
			r.described++
		}
		r.anchorText(alt)
		if r.heading != "" {
			r.block.WriteString(alt)
		}
	case "a":
		r.startAnchor()
	case "article":
		r.article = true
	}
	if r.inFurniture() {
		return
	}
	switch tag {
	case "time":
		r.signed = true
	case "blockquote", "q", "cite":
		r.quotes++
	case "li":
		r.items++
		r.apart = true
	case "th":
		r.headCells++
	case "tr":
		r.rows++
	}
}

func (r *reader) end(tag string) {
	r.raw = ""
	if !r.isHidden() {
		if tag == "a" {
			r.endAnchor()
		}
		r.boundary(tag, false)
	}
	switch tag {
	case "template", "svg", "nav", "footer":
		r.open[tag] = max(r.open[tag]-1, 0)
	}
}

// boundary ends the block of text and the heading that end where an element
// begins or ends.
func (r *reader) boundary(tag string, begins bool) {
	if inline[tag] {
		if tag == "br" || tag == "img" {
			r.block.WriteByte(' ')
		}
		return
	}
	switch {
	case isHeading(tag), tag == "summary", tag == "dt":
		r.endBlock()
		r.heading = ""
		if begins {
			r.heading = tag
		}
	case r.heading == "":
		r.endBlock()
	case headingEnds[tag]:
		r.endBlock()
		r.heading = ""
	default:
		r.block.WriteByte(' ')
	}
}

func isHeading(tag string) bool {
	return len(tag) == 2 && tag[0] == 'h' && '1' <= tag[1] && tag[1] <= '6'
}

func (r *reader) isHidden() bool { return r.open["template"] > 0 || r.open["svg"] > 0 }

// inFurniture reports whether what is read surrounds the content.
func (r *reader) inFurniture() bool { return r.open["nav"] > 0 || r.open["footer"] > 0 }

func (r *reader) text(text []byte) {
	switch r.raw {
	case "":
	case "title":
		if r.title == "" && !r.isHidden() {
			r.title = plain.Line(string(text))
		}
		return
	case "script":
		if !r.isHidden() && isLinkedData(r.attrs["type"]) {
			r.data.read(string(text))
		}
		return
	default:
		return
	}
	if r.isHidden() {
		return
	}
	r.anchorText(string(text))
	r.block.Write(text)
}

func isLinkedData(mediaType string) bool {
	mediaType, _, _ = strings.Cut(mediaType, ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), "application/ld+json")
}

// endBlock takes in the block of text that ends here.
func (r *reader) endBlock() {
	text, signed := r.block.String(), r.signed
	r.block.Reset()
	r.signed = false
	if text == "" || r.inFurniture() {
		return
	}
	if r.heading != "" {
		r.endHeading(text)
		return
	}
	n := words(text)
	r.words += n
	figures(text, func(figure string) {
		if len(r.figures) < maxKept {
			r.figures[figure] = true
		}
	})
	if n < minPassage || signed && n < minAnswer { // a label, or a byline
		r.apart = r.apart || n > 0
		return
	}
	r.passages++
	direct := minAnswer <= n && n <= maxAnswer
	if r.passages <= topPassages && direct {
		r.topAnswer = true
	}
	if minAnswer <= n && n <= maxReadable {
		r.readable++
	}
	if r.asked != "" {
		if n <= maxAnswer {
			r.answered++
		}
		if !r.apart && len(r.faq) < maxListed {
			if text = plain.Line(text); len(text) <= maxFAQAnswer {
				r.faq = append(r.faq, answer{cut(r.asked, maxShown), text})
			}
		}
		r.asked = ""
	}
}

func (r *reader) endHeading(text string) {
	r.words += words(text)
	if len(text) > maxHeading {
		text = text[:maxHeading]
	}
	text = plain.Line(text)
	if text == "" {
		return
	}
	switch {
	case r.heading == "h1" && r.h1 == "":
		r.h1 = text
	case r.heading != "h1" && isHeading(r.heading):
		r.headings++
	}
	r.asked = ""
	if isQuestion(text) {
		r.questions++
		r.asked, r.apart = text, false
	}
}
