package plain

import (
	"regexp"
	"slices"
)

var (
	// image is what a client loads by itself when it shows a text: images of Markdown,
	// also those whose address stands elsewhere, and HTML that does the same.
	image   = regexp.MustCompile(`(?i)!\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])?|<(?:img|picture|source|video|audio|iframe|object|embed)\b[^>]*>?`)
	address = regexp.MustCompile(`(?i)(?:https?:)?//[^\s"'<>)]+`)
)

// WithoutImages leaves images out of a text, and what else loads by itself, unless all
// their addresses are known. A page can tell a model to put what it knows into such an
// address, which would go to whoever serves it as soon as the text is shown.
func WithoutImages(text string, known func(address string) bool) string {
	return image.ReplaceAllStringFunc(text, func(found string) string {
		addresses := address.FindAllString(found, -1)
		if len(addresses) > 0 && !slices.ContainsFunc(addresses, func(a string) bool { return !known(a) }) {
			return found
		}
		if alt := image.FindStringSubmatch(found)[1]; alt != "" {
			return "(image: " + alt + ")"
		}
		return ""
	})
}
