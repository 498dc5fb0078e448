package worker

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

// withoutMadeUpImages leaves out images whose addresses the agent wasn't given. A page
// can tell it to put the customer's facts into such an address, and they would go to
// whoever serves it as soon as the answer is shown.
func (r *run) withoutMadeUpImages(text string) string {
	return image.ReplaceAllStringFunc(text, func(found string) string {
		addresses := address.FindAllString(found, -1)
		if len(addresses) > 0 && !slices.ContainsFunc(addresses, func(a string) bool { return !r.wasGiven(a) }) {
			return found
		}
		if alt := image.FindStringSubmatch(found)[1]; alt != "" {
			return "(image: " + alt + ")"
		}
		return ""
	})
}
