package notify

import (
	"embed"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"
)

// Message is a notice in words.
type Message struct {
	// Subject is one line of at most 160 characters.
	Subject string
	// Body is plain text. A paragraph is one line that isn't wrapped, a URL stands on
	// a line of its own, and lines end with "\n".
	Body string
}

// How many characters of a value a message shows.
const (
	maxName = 60
	maxNote = 200
)

//go:embed texts
var files embed.FS

// texts holds a template for each kind, named "<kind>.txt", and what they share.
var texts = template.Must(template.ParseFS(files, "texts/*"))

// Message puts the notice into plain English. Values can't change its form: a name
// or note is one line without control characters, cut at 60 or 200 characters. An
// unknown kind, an empty Product and a URL that isn't one are errors that wrap
// [ErrPermanent].
func (n Notice) Message() (Message, error) {
	text := texts.Lookup(string(n.Kind) + ".txt")
	words := map[string]string{
		"Product": line(n.Product, maxName),
		"Plan":    line(n.PlanName, maxName),
		"Brand":   line(n.BrandName, maxName),
		"Note":    line(n.Note, maxNote),
		"URL":     n.URL,
		"Day":     "",
		"Time":    "",
	}
	switch {
	case text == nil:
		return Message{}, fmt.Errorf("notify: kind %q is not known: %w", n.Kind, ErrPermanent)
	case words["Product"] == "":
		return Message{}, fmt.Errorf("notify: Product is empty: %w", ErrPermanent)
	case n.URL != "" && !isWebAddress(n.URL):
		return Message{}, fmt.Errorf("notify: URL is not an http or https address: %w", ErrPermanent)
	}
	if until := n.Until.UTC(); !until.IsZero() {
		words["Day"] = until.Format("2 January 2006")
		// The day alone would be another one where the customer lives.
		words["Time"] = until.Format("2 January 2006, 15:04 UTC")
	}
	var b strings.Builder
	if err := text.Execute(&b, words); err != nil {
		return Message{}, fmt.Errorf("notify: %w", err)
	}
	// What a notice doesn't have leaves empty lines.
	subject, body, _ := strings.Cut(gaps.ReplaceAllString(b.String(), "\n\n"), "\n")
	return Message{Subject: subject, Body: strings.TrimSpace(body) + "\n"}, nil
}

var gaps = regexp.MustCompile(`\n{3,}`)

// line makes one line of a text from outside. It drops what could begin a header or
// a paragraph, and what turns the direction of the text around it.
func line(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return s
}

// isWebAddress reports whether s is a URL that is safe on a line of its own.
func isWebAddress(s string) bool {
	u, err := url.Parse(s)
	hidden := func(r rune) bool { return r <= ' ' || r > '~' }
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.ContainsFunc(s, hidden)
}
