package measure

import (
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// document is a text without its Markdown. Code is left out.
type document struct {
	blocks []block
	words  []word   // of all blocks
	links  []string // addresses with http or https, as written
	notes  int      // references to footnotes
}

type kind int

const (
	paragraph kind = iota
	heading
	item
	quotation
	tableRow
)

type block struct {
	kind  kind
	level int // of a heading
	text  string
	words []word
}

// running says whether the block has sentences.
func (b block) running() bool { return b.kind != heading && b.kind != tableRow }

// sentences returns those of the running text.
func (d document) sentences() [][]word {
	var all [][]word
	for _, b := range d.blocks {
		if !b.running() {
			continue
		}
		begin := 0
		for i, w := range b.words {
			if w.last {
				all = append(all, b.words[begin:i+1])
				begin = i + 1
			}
		}
	}
	return all
}

// normal returns text in valid UTF-8 and Unicode's normalization form C, with
// "\n" for every kind of line end.
func normal(text string) string {
	return norm.NFC.String(lineEnds.Replace(strings.ToValidUTF8(text, " ")))
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n", "\v", "\n", "\f", "\n")

// parse reads Markdown as far as a text's words depend on it (CommonMark 0.31 and
// the tables of GitHub), each line once. With hardBreaks every line is a
// paragraph, as in posts.
func parse(markdown string, hardBreaks bool) document {
	p := parser{hardBreaks: hardBreaks}
	for line := range strings.SplitSeq(withoutComments(normal(markdown)), "\n") {
		p.line(line)
	}
	p.flush()
	return documentOf(p.blocks, p.links, p.notes)
}

func documentOf(blocks []block, links []string, notes int) document {
	n := 0
	for _, b := range blocks {
		n += len(b.words)
	}
	words := make([]word, 0, n)
	for _, b := range blocks {
		words = append(words, b.words...)
	}
	return document{blocks, words, links, notes}
}

type parser struct {
	blocks     []block
	links      []string
	notes      int
	hardBreaks bool
	fence      byte // of the code that is open; 0 outside of code
	open       kind
	lines      []string
}

func (p *parser) line(line string) {
	trimmed := strings.TrimSpace(line)
	if strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~") {
		switch p.fence {
		case 0:
			p.flush()
			p.fence = trimmed[0]
		case trimmed[0]:
			p.fence = 0
		}
		return
	}
	if p.fence != 0 {
		return
	}
	switch {
	case trimmed == "":
		p.flush()
	case p.open == paragraph && len(p.lines) == 1 && !p.hardBreaks && (only(trimmed, "=") || only(trimmed, "-")):
		p.open = heading
		p.close(1 + strings.Count(trimmed[:1], "-"))
	case isBreak(trimmed):
		p.flush()
	case trimmed[0] == '#' && headingLevel(trimmed) > 0:
		p.flush()
		level := headingLevel(trimmed)
		p.begin(heading, strings.TrimRight(trimmed[level:], "# \t"))
		p.close(level)
	case trimmed[0] == '>':
		if p.open != quotation {
			p.flush()
		}
		p.begin(quotation, strings.TrimLeft(trimmed, "> \t"))
	case trimmed[0] == '|':
		p.flush()
		if !only(trimmed, "|-: \t") {
			p.begin(tableRow, strings.ReplaceAll(trimmed, "|", " | "))
			p.flush()
		}
	default:
		if marker := itemMarker(trimmed); marker > 0 {
			p.flush()
			p.begin(item, trimmed[marker:])
			return
		}
		if p.hardBreaks {
			p.flush()
		}
		if len(p.lines) == 0 {
			p.open = paragraph
		}
		p.lines = append(p.lines, trimmed)
	}
}

func (p *parser) begin(k kind, line string) {
	p.open = k
	p.lines = append(p.lines, line)
}

func (p *parser) flush() { p.close(0) }

func (p *parser) close(level int) {
	text := strings.TrimSpace(p.inline(strings.Join(p.lines, "\n")))
	if words := split(text); len(words) > 0 {
		p.blocks = append(p.blocks, block{kind: p.open, level: level, text: text, words: words})
	}
	p.open, p.lines = paragraph, p.lines[:0]
}

func only(line, chars string) bool { return line != "" && strings.Trim(line, chars) == "" }

// isBreak says whether the line is a rule between two parts.
func isBreak(line string) bool {
	marks := strings.ReplaceAll(line, " ", "")
	return len(marks) >= 3 && (only(marks, "-") || only(marks, "*") || only(marks, "_"))
}

func headingLevel(line string) int {
	level := len(line) - len(strings.TrimLeft(line, "#"))
	if level > 6 || level < len(line) && line[level] != ' ' && line[level] != '\t' {
		return 0
	}
	return level
}

// itemMarker returns the length of the mark that begins a list's item, or 0.
func itemMarker(line string) int {
	digits := len(line) - len(strings.TrimLeft(line, "0123456789"))
	end := digits + 1
	if end >= len(line) || line[end] != ' ' && line[end] != '\t' || digits > 9 {
		return 0
	}
	if digits == 0 && strings.IndexByte("-*+", line[0]) >= 0 || digits > 0 && (line[digits] == '.' || line[digits] == ')') {
		return end
	}
	return 0
}

func withoutComments(text string) string {
	var w strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<!--")
		_, after, closed := strings.Cut(rest, "-->")
		if !found || !closed {
			break
		}
		w.WriteString(before)
		text = after
	}
	w.WriteString(text)
	return w.String()
}

// inline returns what a reader sees of a block, and keeps its links.
func (p *parser) inline(raw string) string {
	var w strings.Builder
	s := scanner{text: raw}
	previous := ' '
	for s.at < len(raw) {
		rest := raw[s.at:]
		r, size := utf8.DecodeRuneInString(rest)
		shown := ""
		switch {
		case r == '\\' && len(rest) > 1 && strings.IndexByte("\\`*_{}[]()<>#+-.!|~\"'", rest[1]) >= 0:
			shown = rest[1:2]
			size = 2
		case strings.HasPrefix(rest, "!["):
			size = 2
			if alt, ok := s.until("]", 2); ok {
				size = alt + 1 // an image's text is for those who don't see it
				if strings.HasPrefix(rest[size:], "(") {
					if end, ok := s.until(")", size); ok {
						size = end + 1
					}
				}
			}
		case strings.HasPrefix(rest, "]("):
			size = 1
			if end, ok := s.until(")", 2); ok {
				p.addLink(rest[2:end])
				size = end + 1
			}
		case strings.HasPrefix(rest, "[^"):
			size = 2
			if name, _, ok := strings.Cut(rest[2:min(len(rest), maxFootnote)], "]"); ok {
				p.notes++
				size = len("[^]") + len(name)
			}
		case strings.HasPrefix(rest, "{{"):
			size = 2
			if end, ok := s.until("}}", 2); ok {
				_, shown, _ = strings.Cut(rest[2:end], "|")
				size = end + 2
			}
		case r == '<' && len(rest) > 1 && (isLetter(rest[1]) || strings.IndexByte("/!?", rest[1]) >= 0) && !isAddress(rest[1:]):
			size, shown = 1, "<"
			if end, ok := s.until(">", 1); ok {
				size, shown = end+1, " "
			}
		case isAddress(rest) && !isWordRune(previous):
			size = addressEnd(rest)
			p.addLink(rest[:size])
			shown = " "
		case r == '*' || r == '`' || r == '~' || r == '[' || r == ']':
		case r == '_':
			next, _ := utf8.DecodeRuneInString(rest[1:])
			if isWordRune(previous) && isWordRune(next) {
				shown = "_"
			}
		case r == '\n':
			shown = " "
		default:
			shown = rest[:size]
		}
		w.WriteString(shown)
		s.at += size
		previous = r
	}
	return html.UnescapeString(w.String())
}

const maxFootnote = 40

// scanner looks for what closes a mark. What is not there is looked for once
// only, so that a text of nothing but open marks takes linear time.
type scanner struct {
	text    string
	at      int
	missing map[string]bool
}

// until returns where the mark that closes what begins here is, counted from
// here.
func (s *scanner) until(mark string, from int) (int, bool) {
	if s.missing[mark] {
		return 0, false
	}
	i := strings.Index(s.text[s.at+from:], mark)
	if i < 0 {
		if s.missing == nil {
			s.missing = map[string]bool{}
		}
		s.missing[mark] = true
		return 0, false
	}
	return from + i, true
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isAddress(text string) bool {
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")
}

// addressEnd returns the length of the address that text begins with, without
// the punctuation of the sentence around it.
func addressEnd(text string) int {
	end := strings.IndexFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("<>\"'()[]`|，。、）」", r)
	})
	if end < 0 {
		end = len(text)
	}
	return len(strings.TrimRight(text[:end], ".,;:!?*_"))
}

// addLink keeps an address with http or https, without the title that may stand
// behind it.
func (p *parser) addLink(target string) {
	address, _, _ := strings.Cut(strings.TrimSpace(target), " ")
	if isAddress(address) {
		p.links = append(p.links, address)
	}
}

// host returns the host of an address without www, or "".
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
}
