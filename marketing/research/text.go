package research

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/internal/plain"
)

// A quotation is what stands between quotation marks, if it is long enough to be more
// than a word that is called so.
var quotation = regexp.MustCompile(`"([^"]{20,})"|“([^”]{20,})”|„([^“”]{20,})[“”]|«([^»]{20,})»`)

func quotes(text string) []string {
	var list []string
	for _, found := range quotation.FindAllStringSubmatch(text, -1) {
		for _, quote := range found[1:] {
			if quote != "" {
				list = append(list, strings.TrimRight(quote, ".,;:!?… "))
			}
		}
	}
	return list
}

// squeezed is text as quotations are compared: letters and digits alone.
func squeezed(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

func short(text string, characters int) string {
	text = plain.Line(text)
	if utf8.RuneCountInString(text) <= characters {
		return text
	}
	return string([]rune(text)[:characters]) + plain.Ellipsis
}

// markdown is text as it stands in a dossier: one line that is nothing but text,
// whatever it holds.
func markdown(text string) string { return escapes.Replace(plain.Line(text)) }

var escapes = strings.NewReplacer("\\", "\\\\", "[", "\\[", "]", "\\]", "<", "&lt;", "`", "\\`", "*", "\\*", "_", "\\_")
