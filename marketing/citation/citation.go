// Package citation finds out, without a model, whether and how an answer engine's answer
// cites a brand.
//
//	found := citation.Find(answer, citation.Brand{Terms: []string{"Acme"}, Domains: []string{"acme.com"}})
//	if found.Appeared {
//		fmt.Println(found.Type, found.Position)
//	}
package citation

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/heycmo/heycmo-go/internal/plain"
)

// Brand is what to look for.
type Brand struct {
	// Terms are the brand's names. A name counts as a whole word, in any case.
	Terms []string
	// Domains are its web sites, without "www."; their subdomains count too.
	Domains []string
}

// Type says how an answer cites a brand.
type Type string

// The types.
const (
	// Primary: it is named first in the list of the answer, or in its first sentence.
	Primary Type = "primary"
	// Mentioned: it is named elsewhere.
	Mentioned Type = "mentioned"
	// CitedSource: it is not named, but one of its pages is linked.
	CitedSource Type = "cited-source"
)

// Found is what there is of the brand in an answer.
type Found struct {
	Appeared bool
	// Position is the brand's place in the first list that names it, from 1; 0: in none.
	Position int
	Type     Type // empty when it did not appear
}

var (
	item = regexp.MustCompile(`^\s*(?:[-*•]|\d{1,2}[.)])\s+(.+)$`)
	link = regexp.MustCompile(`https?://[^\s<>()\[\]"']+`)
)

// Find looks for the brand in an answer, in plain text or Markdown.
func Find(answer string, b Brand) Found {
	var f Found
	place := 0
	for line := range strings.Lines(answer) {
		m := item.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		switch {
		case m == nil && strings.TrimSpace(line) == "":
		case m == nil && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t"):
			place = 0 // what follows is another list
		case m != nil && !strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "\t"):
			place++
			if f.Position == 0 && b.named(m[1]) {
				f.Position = place
			}
		}
	}
	switch {
	case f.Position == 1, b.named(firstSentence(answer)):
		f.Type = Primary
	case b.named(answer):
		f.Type = Mentioned
	case b.linked(answer):
		f.Type = CitedSource
	}
	f.Appeared = f.Type != ""
	return f
}

// firstSentence is the text up to the first end of a sentence or line.
func firstSentence(text string) string {
	text = strings.TrimSpace(text)
	for i, r := range text {
		if r == '\n' || (r == '.' || r == '!' || r == '?') && (i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\n') {
			return text[:i]
		}
	}
	return text
}

// named reports whether one of the terms stands in the text as whole words. Links don't
// count.
func (b Brand) named(text string) bool { return plain.Has(link.ReplaceAllString(text, " "), b.Terms) }

// linked reports whether the text links to one of the domains.
func (b Brand) linked(text string) bool {
	return slices.ContainsFunc(link.FindAllString(text, -1), func(address string) bool {
		u, err := url.Parse(address)
		if err != nil {
			return false
		}
		host := strings.ToLower(u.Hostname())
		return slices.ContainsFunc(b.Domains, func(domain string) bool {
			domain = strings.TrimPrefix(strings.ToLower(domain), "www.")
			return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
		})
	})
}

// Changed reports whether a result is worth telling against the one before: the brand
// appeared or went, or came into or left the first three of a list.
func Changed(before, now Found) bool {
	top := func(f Found) bool { return f.Position >= 1 && f.Position <= 3 }
	return before.Appeared != now.Appeared || top(before) != top(now)
}
