package scan

import (
	"strings"
	"testing"
)

func TestWeights(t *testing.T) {
	seo, geo := map[string]int{}, map[string]int{}
	ids := map[string]bool{"": true}
	totalSEO, totalGEO := 0, 0
	for _, c := range checks {
		if ids[c.id] || !ids[c.with] || c.title == "" || c.why == "" || c.fix == "" || c.judge == nil {
			t.Errorf("check %q lacks something, is there twice, or comes before the one it goes with", c.id)
		}
		ids[c.id] = true
		seo[c.seoPart] += c.seo
		geo[c.geoPart] += c.geo
		totalSEO += c.seo
		totalGEO += c.geo
	}
	if totalSEO != 100 || totalGEO != 100 {
		t.Errorf("weights add up to %d and %d, want 100", totalSEO, totalGEO)
	}
	for part, want := range map[string]int{
		"meta": 25, "openGraph": 15, "structuredData": 15, "headings": 10, "content": 12, "links": 8, "crawling": 10, "mobile": 5,
	} {
		if seo[part] != want {
			t.Errorf("SEO %s weighs %d, want %d", part, seo[part], want)
		}
	}
	for part, want := range map[string]int{"answers": 22, "evidence": 20, "authorship": 16, "data": 16, "structure": 12, "reach": 14} {
		if geo[part] != want {
			t.Errorf("GEO %s weighs %d, want %d", part, geo[part], want)
		}
	}
	w := engineWeights
	for _, weights := range [][]int{w.chatGPT, w.perplexity, w.gemini, w.googleAI} {
		total := 0
		for _, weight := range weights {
			total += weight
		}
		if total != 100 || len(weights) != len(geoParts) {
			t.Errorf("an engine's weights %v add up to %d, want 100", weights, total)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, " – ": 0, "one": 1, "It's a well-known fact": 4, "1,299.00 €": 1, "a/b": 2, "für Élise": 2, "手織りの綿タオル": 4, "日本 Japan": 2,
		"زيت زيتون بكر": 3, "می\u200cخواهم": 1, "ภาษาไทย": 4,
	} {
		if got := words(text); got != want {
			t.Errorf("words(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestIsQuestion(t *testing.T) {
	for text, want := range map[string]bool{
		"How it works": true, "Is it safe?": true, "洗い方とは": true, "なぜ？": true, "كيف أطلب": true, "هل هو أصلي؟": true, "¿Qué es": true,
		"What’s new": true, "How": false, "Pricing": false, "Whatever you need": false, "": false,
	} {
		if got := isQuestion(text); got != want {
			t.Errorf("isQuestion(%q) = %t, want %t", text, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	for _, test := range []struct {
		text string
		size int
		want string
	}{
		{" a\n\tb ", 10, "a b"},
		{"a\u200bb\U000E0041c\x00d\u202ee", 10, "abcde"},
		{"abcdef", 6, "abcdef"}, {"abcdefg", 6, "abcde…"}, {"äöüßäöü", 6, "äöüßä…"}, {"ab cdef", 4, "ab…"},
		{"a\xffb", 5, "a\ufffdb"},
	} {
		if got := line(test.text, test.size); got != test.want {
			t.Errorf("line(%q, %d) = %q, want %q", test.text, test.size, got, test.want)
		}
	}
}

func TestForms(t *testing.T) {
	for text, want := range map[string]bool{
		"2026-05-01": true, " 2026-05-01T10:00:00Z": true, "2026-05-01 10:00": true,
		"2026-13-01": false, "yesterday": false, "": false, "2026-05-01x": false, "1 May 2026": false,
	} {
		if got := isDate(text); got != want {
			t.Errorf("isDate(%q) = %t, want %t", text, got, want)
		}
	}
	for tag, want := range map[string]bool{
		"en": true, "pt-BR": true, "zh-Hant-TW": true, "": false, "e": false, "english": false, "en_GB": false, "12": false, "en-": false,
	} {
		if got := isLanguage(tag); got != want {
			t.Errorf("isLanguage(%q) = %t, want %t", tag, got, want)
		}
	}
}

func TestFence(t *testing.T) {
	for text, want := range map[string]string{
		"a":           "  ```html\n  a\n  ```\n",
		"a\n```\nb\n": "  ````html\n  a\n  ```\n  b\n  ````\n",
	} {
		var w strings.Builder
		if writeFence(&w, "  ", "html", text); w.String() != want {
			t.Errorf("fence of %q: %q, want %q", text, w.String(), want)
		}
	}
}
