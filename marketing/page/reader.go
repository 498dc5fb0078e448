package page

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/heycmo/heycmo-go/internal/plain"
)

// reader goes through the tokens of a page once. It keeps the open elements in a
// stack rather than building a tree, so that no markup can make it deep or slow.
type reader struct {
	z    *html.Tokenizer
	self string   // the page's own address
	base *url.URL // what links are relative to; nil when there is none

	stack    []element
	open     map[string]int // how many of the stack's elements have this name
	overflow int            // elements that were too deep for the stack

	line   bytes.Buffer // the line that is being read
	begun  place        // where it began
	item   bool         // the next line is the first of a list item
	blocks []block

	articles int
	links    []Link
	known    map[string]int // addresses of links, and their index

	title               string
	lang                string
	meta                map[string]string // of the names in metaNames
	data                []string          // scripts of JSON-LD
	published, modified string            // of time elements
}

// element is an open element and what holds inside of it.
type element struct {
	name         string
	block, scope bool // the name is one of blocks, of scopes
	place
	hidden  bool
	foreign bool // inside of svg or math
	pre     bool
	link    int // index of the link in links, plus 1
}

// place is where in a page a line stands.
type place struct {
	around  bool // beside the page's text: navigation and the like
	main    bool
	article int // number of the outermost article, from 1 up
	level   int // of the heading, 1 to 6
	item    bool
}

// maxDepth is how deep elements are told apart. Browsers stop at 512.
const maxDepth = 512

func newReader(pageURL string, page []byte) *reader {
	r := &reader{
		z: html.NewTokenizer(bytes.NewReader(page)), open: map[string]int{}, known: map[string]int{}, meta: map[string]string{},
	}
	if u, err := url.Parse(pageURL); err == nil && u.IsAbs() {
		u.Fragment, u.RawFragment = "", ""
		r.base, r.self = u, u.String()
	}
	return r
}

func (r *reader) run() {
	for {
		switch r.z.Next() {
		case html.ErrorToken:
			r.pop(0)
			r.flush()
			return
		case html.TextToken:
			r.text(r.z.Text())
		case html.StartTagToken:
			r.start(false)
		case html.SelfClosingTagToken:
			r.start(true)
		case html.EndTagToken:
			name, _ := r.z.TagName()
			r.end(string(name))
		}
	}
}

// top is the innermost element; at the beginning it is nameless.
func (r *reader) top() element {
	if len(r.stack) == 0 {
		return element{}
	}
	return r.stack[len(r.stack)-1]
}

func (r *reader) start(selfClosing bool) {
	tag, more := r.z.TagName()
	name := string(tag)
	var attr map[string]string
	for more {
		var key, value []byte
		key, value, more = r.z.TagAttr()
		if k := string(key); wantedAttributes[k] {
			if attr == nil {
				attr = map[string]string{}
			}
			if _, twice := attr[k]; !twice {
				attr[k] = string(value)
			}
		}
	}
	e := r.top()
	if e.foreign {
		r.z.NextIsNotRawText()
	} else {
		r.closeImplied(name)
		e = r.top()
	}
	block := blocks[name] && !e.foreign && (name != "br" || e.level == 0)
	if block {
		r.flush()
	}
	if block && e.link > 0 {
		r.links[e.link-1].Text += " "
	}
	r.head(name, attr, e)
	switch {
	case name == "br" && e.level > 0, name == "wbr", name == "img":
		r.write(" ", e)
	case (name == "td" || name == "th") && r.line.Len() > 0 && !e.hidden:
		r.write(" | ", e)
	}
	if name == "img" && e.link > 0 && r.links[e.link-1].Text == "" {
		r.links[e.link-1].Text = linkText(attr["alt"])
	}
	if voids[name] || e.foreign && selfClosing {
		return
	}
	e.name, e.block, e.scope = name, blocks[name] && !e.foreign, scopes[name]
	r.enter(&e, attr)
	if len(r.stack) >= maxDepth {
		r.overflow++
		return
	}
	r.stack = append(r.stack, e)
	r.open[name]++
}

// enter sets what holds inside of an element.
func (r *reader) enter(e *element, attr map[string]string) {
	role := strings.ToLower(attr["role"])
	_, dialogOpen := attr["open"]
	switch e.name {
	case "html", "body": // some hide these until a script has run
		return
	case "svg", "math":
		e.foreign, e.hidden = true, true
	case "pre":
		e.pre = true
	case "dialog":
		e.hidden = e.hidden || !dialogOpen
	case "button": // in a heading it is the title of what it unfolds
		e.hidden = e.hidden || e.level == 0
	case "main":
		e.main = true
	case "nav", "aside":
		e.around = true
	case "header", "footer":
		e.around = e.around || !e.main && e.article == 0
	case "h1", "h2", "h3", "h4", "h5", "h6":
		e.level = int(e.name[1] - '0')
		// The page's own heading may stand in the header.
		e.around = e.around && (e.level > 1 || r.open["nav"]+r.open["aside"] > 0)
	case "li":
		r.item = true
	case "a":
		r.enterLink(e, attr)
	}
	e.main = e.main || role == "main"
	if (e.name == "article" || role == "article") && e.article == 0 {
		r.articles++
		e.article = r.articles
	}
	e.around = e.around || surroundings[role]
	e.hidden = e.hidden || unread[e.name] || isHidden(attr)
}

func (r *reader) enterLink(e *element, attr map[string]string) {
	href, ok := attr["href"]
	if !ok || e.hidden || isHidden(attr) {
		return
	}
	address := r.resolve(href)
	if address == "" || address == r.self {
		return
	}
	i, ok := r.known[address]
	if !ok {
		if len(r.links) == MaxLinks {
			return
		}
		i = len(r.links)
		r.known[address] = i
		r.links = append(r.links, Link{URL: address, Text: linkText(attr["aria-label"])})
	}
	// Text is read once, that of the first link which has any.
	if r.links[i].Text == "" {
		e.link = i + 1
	}
}

// resolve returns the absolute address of a link to a page, or "".
func (r *reader) resolve(href string) string {
	u, err := url.Parse(strings.TrimSpace(href))
	if err != nil {
		return ""
	}
	if r.base != nil {
		u = r.base.ResolveReference(u)
	}
	u.Fragment, u.RawFragment, u.User = "", "", nil
	address := u.String()
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(address) > maxURL || plain.Line(address) != address {
		return ""
	}
	return address
}

func linkText(text string) string { return plain.Cut(plain.Line(text), 200) }

// closeImplied ends the elements that end where this one begins.
func (r *reader) closeImplied(name string) {
	if r.open["head"] > 0 && r.open["template"] == 0 && !inHead[name] {
		r.end("head")
	}
	// A heading ends the heading that it stands in.
	if top := r.top().name; headings[name] && headings[top] {
		r.pop(len(r.stack) - 1)
	}
	rule, ok := implied[name]
	if !ok || !r.anyOpen(rule.ends) {
		return
	}
	found := -1
	for i := len(r.stack) - 1; i >= max(0, len(r.stack)-maxNear); i-- {
		if n := r.stack[i].name; slices.Contains(rule.ends, n) {
			found = i
		} else if rule.until[n] {
			break
		}
	}
	if found >= 0 {
		r.pop(found)
	}
}

func (r *reader) anyOpen(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return r.open[name] > 0 })
}

// maxNear is how far up an element without an end is looked for, which keeps the
// time linear.
const maxNear = 64

func (r *reader) end(name string) {
	if blocks[name] && !r.top().foreign {
		r.flush()
	}
	if r.overflow > 0 {
		r.overflow--
		return
	}
	if r.open[name] == 0 {
		return
	}
	// The end of an inline element can't end a block, and no end reaches out of
	// a cell or the like.
	scope := scopes[name]
	inline := !scope && !blocks[name] && !unread[name] && name != "button"
	lowest := 0
	if inline {
		lowest = max(0, len(r.stack)-maxNear)
	}
	for i := len(r.stack) - 1; i >= lowest; i-- {
		e := &r.stack[i]
		if e.name == name {
			r.pop(i)
			return
		}
		if inline && e.block || !scope && e.scope {
			return
		}
	}
}

// pop ends all elements from this depth on.
func (r *reader) pop(depth int) {
	for _, e := range r.stack[depth:] {
		r.open[e.name]--
		if e.block {
			r.flush()
		}
		if e.name == "li" {
			r.item = false
		}
		if e.link > 0 {
			l := &r.links[e.link-1]
			l.Text = linkText(l.Text)
		}
	}
	r.stack = r.stack[:depth]
}

func (r *reader) text(text []byte) {
	e := r.top()
	switch {
	case e.name == "title" && !e.foreign:
		if r.title == "" {
			r.title = plain.Cut(string(text), 10*maxField)
		}
	case e.name == "script" && e.hidden:
		if n := len(r.data); n > 0 && r.data[n-1] == "" {
			r.data[n-1] = string(text)
		}
	case e.hidden:
	case e.pre:
		for i, line := range bytes.Split(text, []byte("\n")) {
			if i > 0 {
				r.flush()
			}
			r.write(string(line), e)
		}
	default:
		r.write(string(text), e)
	}
}

// write adds to the line.
func (r *reader) write(text string, e element) {
	if e.hidden || text == "" {
		return
	}
	if r.line.Len() == 0 {
		if strings.TrimSpace(text) == "" {
			return
		}
		r.begun = e.place
		r.begun.item = r.item && e.level == 0
	}
	r.line.WriteString(text)
	if e.link > 0 {
		if l := &r.links[e.link-1]; len(l.Text) < 1000 {
			l.Text += plain.Cut(text, 1000)
		}
	}
}

// flush ends the line.
func (r *reader) flush() {
	if r.line.Len() == 0 {
		return
	}
	text := strings.TrimSuffix(plain.Line(r.line.String()), " |")
	r.line.Reset()
	if text != "" {
		r.blocks = append(r.blocks, block{text, r.begun})
		r.item = false
	}
}
