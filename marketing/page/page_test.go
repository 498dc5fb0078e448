package page_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/internal/plain"
	"github.com/heycmo/heycmo-go/marketing/page"
)

var update = flag.Bool("update", false, "write the golden files anew")

const address = "https://shop.example/a/b?c=d#e"

// TestGolden holds what is read on each page of testdata against a file.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.html")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	for _, file := range files {
		html, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := page.Extract(address, html)
		text := p.Text
		p.Text = ""
		about, err := json.MarshalIndent(p, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join([]string{string(about), "", text, ""}, "\n")
		golden := strings.TrimSuffix(file, ".html") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Errorf("%v: make it with -update and look at it", err)
		} else if got != string(want) {
			t.Errorf("%s is not what %s says; if it should be, run with -update\n%s", file, golden, got)
		}
	}
}

func TestText(t *testing.T) {
	for _, test := range []struct{ html, want string }{
		{"", ""},
		{"just text", "just text"},
		{"a <b>b</b>c\n\n d<br>e", "a bc d\ne"},
		{"<p>a<p>b</p></p>c", "a\nb\nc"},
		{"<h1>A<br>b</h1><h2>B<p>c", "# A b\n## B\n## c"},
		{"<ul><li>a<li><p>b</p><p>c</p><ul><li>d</ul></ul>e", "- a\n- b\nc\n- d\ne"},
		{"<table><tr><th>a<th>b<tr><td>1<td></table>c", "a | b\n1\nc"},
		{"<dl><dt>a<dd>b</dl>", "a\nb"},
		{"<pre>a\n  b\n\nc</pre>", "a\nb\nc"},
		{"&lt;p&gt; &amp;amp; &#x1F600; &nosuch;", "<p> &amp; 😀 &nosuch;"},
		{"<!-- a --><![CDATA[b]]><?php c ?>d", "d"},
		// Not text of the page.
		{"<script>a</script><style>b</style><noscript>c</noscript><template><p>d</template>e", "e"},
		{"<svg><title>a</title><text>b</text></svg>c<svg><title/></svg>d", "cd"},
		{"<iframe>a</iframe><textarea><p>b</textarea><select><option>c</select><button>d</button>e", "e"},
		{"<h3><button>a</button></h3>b", "### a\nb"},
		{"<dialog>a</dialog><dialog open>b</dialog>", "b"},
		// Hidden.
		{"<p hidden>a<p>b", "b"},
		{"<p hidden=until-found>a", "a"},
		{"<li hidden>a<li>b", "- b"},
		{"<div aria-hidden=true>a<div>b</div></div>c", "c"},
		{"<div style='color:red;DISPLAY : none !important'>a</div><i style='visibility:hidden'>b</i><i style=font-size:0>c</i>d", "d"},
		{"<a class='x sr-only' href=#m>a</a>b", "b"},
		{"<body style='opacity:0'>a", "a"},
		// Beside the text.
		{"<nav>a</nav><header>b<h1>c</h1></header><aside>d</aside><div role=search>e</div>f<footer>g</footer>", "# c\nf"},
		{"<nav>a</nav><footer>b</footer>", "a\nb"},
		{"a<main><header>b</header>" + strings.Repeat("c", 9) + "<nav>d</nav><footer>e</footer></main>f", "b\nccccccccc\ne"},
		{"aaaaaaaaa<main>b</main>", "aaaaaaaaa\nb"},
		{"<div role=main>abc</div>d", "abc"},
		{"<main>a<article>bcd</article>e</main>", "bcd"},
		{"<main>abcd<article>b</article>e</main>", "abcd\nb\ne"},
		{"<main><article>b</article><article>c</article></main>", "b\nc"},
		{"<article>a<article>b</article></article>c", "a\nb"},
		// Broken.
		{"<nav>a<div>b</nav>c", "c"},
		{"<div><aside>a</div>b", "b"},
		{"<b><aside>a</b>b</aside>c", "c"},
		{"<table><tr><td></div></table></table></td></p>a", "a"},
		{"<head><title>t</title><p>a", "a"},
		{"<head><meta charset=x>a<body>b", "b"},
		{"<title>a<p>b", ""},
		{"<p <p>a</p", "a"},
		{"<a href='/x>a</a>", ""},
		{"</p></li></h1>a", "a"},
		{"<PLAINTEXT>a<p>b", "a<p>b"},
		// What can't be seen.
		{"a\u200bb\u00adc&#x200d;d&#xE0041;\U000E0042e&#x202e;f\x1b[2Jg\x00h&zwnj;i&ZeroWidthSpace;j", "abcdef[2Jghij"},
		{"a\xffb\xc3", "a�b�"},
		{"a&nbsp;b\u2028c\u0085d", "a b c d"},
	} {
		if got := page.Extract(address, []byte(test.html)).Text; got != test.want {
			t.Errorf("%q: %q, want %q", test.html, got, test.want)
		}
	}
}

func TestLinks(t *testing.T) {
	link := func(text, url string) page.Link { return page.Link{Text: text, URL: url} }
	for _, test := range []struct {
		html string
		want []page.Link
	}{
		{"<a href=x>a</a>", []page.Link{link("a", "https://shop.example/a/x")}},
		{"<a href=' //other.example/ü?q=ä#f '> a <b>b</b>\n", []page.Link{link("a b", "https://other.example/%C3%BC?q=ä")}},
		{"<a href=/x></a><a href=/x#y>a</a><a href=/x>b</a>", []page.Link{link("a", "https://shop.example/x")}},
		{"<a href=/x><h3>a</h3><p>b</p></a>", []page.Link{link("a b", "https://shop.example/x")}},
		{"<a href=/x><img alt='a b'></a><a href=/y aria-label=c>d</a>", []page.Link{link("a b", "https://shop.example/x"), link("c", "https://shop.example/y")}},
		{"<a href=/x>a<a href=/y>b", []page.Link{link("a", "https://shop.example/x"), link("b", "https://shop.example/y")}},
		{"<base href=https://b.example/d/><base href=https://c.example/><a href=x>a</a>", []page.Link{link("a", "https://b.example/d/x")}},
		{"<a href=http://u:p@b.example/>a</a>", []page.Link{link("a", "http://b.example/")}},
		{"<nav><a href=/n>n</a></nav><main>m</main>", []page.Link{link("n", "https://shop.example/n")}},
		{"<a href=#x>a</a><a href='/a/b?c=d'>a</a><a>b</a><a href=javascript:x>c</a><a href=mailto:a@b.example>d</a><a href=data:,x>e</a><a href='http://[::1'>f</a><a href=/x hidden>g</a><a href='/?\U000E0041'>h</a><a href=/" + strings.Repeat("x", 1000) + ">i</a>", nil},
	} {
		if got := page.Extract(address, []byte(test.html)).Links; !reflect.DeepEqual(got, test.want) {
			t.Errorf("%.200q: %q, want %q", test.html, got, test.want)
		}
	}
	many := strings.Repeat("<a href=?", 1) + strings.Repeat("x", 3)
	var html strings.Builder
	for i := range 500 {
		html.WriteString(many + strings.Repeat("y", i) + ">a</a>")
	}
	if n := len(page.Extract(address, []byte(html.String())).Links); n != page.MaxLinks {
		t.Errorf("%d links", n)
	}
	if got := page.Extract("", []byte("<a href=/x>a</a><a href=https://b.example/>b</a>")).Links; len(got) != 1 {
		t.Errorf("without an address: %q", got)
	}
}

func TestAbout(t *testing.T) {
	const ld = "<script type='application/ld+json'>"
	for _, test := range []struct {
		html string
		want page.Page
	}{
		{"<html lang=de_AT><title> A\n b &amp; c</title><title>d</title><meta name=Description content=' e  f '><meta name=author content=Ada>",
			page.Page{Title: "A b & c", Description: "e f", Author: "Ada", Language: "de-AT"}},
		{"<meta property=og:title content=a><meta property=og:description content=b><meta property=og:locale content=en_US><meta name=author content=https://x.example/ada>",
			page.Page{Title: "a", Description: "b", Language: "en-US"}},
		{"<html lang='\"><script>'><meta http-equiv=content-language content=fr>", page.Page{Language: "fr"}},
		{"<meta property=article:published_time content=2026-01-15T12:30:00+02:00><meta property=article:modified_time content='2026-02-01'>",
			page.Page{Published: "2026-01-15T10:30:00Z", Modified: "2026-02-01"}},
		{"<meta name=date content=nonsense><meta itemprop=datePublished content='2026-01-15T12:30:00'>", page.Page{Published: "2026-01-15"}},
		{ld + `{"@graph":[{"@type":"WebPage","datePublished":"2020-01-01","author":"x"},{"@type":["NewsArticle"],"datePublished":"2026-01-15","dateModified":"2026-01-16T00:00:00Z","author":[{"name":"Ada"},{"name":"Bob"}]}]}</script>`,
			page.Page{Author: "Ada, Bob", Published: "2026-01-15", Modified: "2026-01-16T00:00:00Z"}},
		{ld + `{"datePublished":` + "</script>" + ld + "null</script>" + ld + `[[{"datePublished":"15 January 2026"}]]</script>`, page.Page{Published: "2026-01-15"}},
		{"<main><time datetime=2026-01-15></time><time datetime=2026-01-16></time><time itemprop=dateModified datetime=2026-01-17></time></main>", page.Page{Published: "2026-01-15", Modified: "2026-01-17"}},
		{"<footer><time datetime=2026-01-15></time></footer><time datetime=2026-01-16></time>", page.Page{}},
	} {
		got := page.Extract(address, []byte(test.html))
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q: %+v, want %+v", test.html, got, test.want)
		}
	}
}

func TestGuessedLanguage(t *testing.T) {
	for text, want := range map[string]string{
		"これは日本語の文章です。漢字とかなが混ざっています。":              "ja",
		"这是一个中文网页，没有语言标签，但是文字足够多，可以判断。":           "zh",
		"이 페이지에는 언어 태그가 없지만 글자로 알 수 있습니다.":        "ko",
		"Η σελίδα δεν λέει τη γλώσσα της πουθενά": "el",
		"This page doesn't say its language":      "",
		"Эта страница не говорит о своём языке":   "",
		"هذه الصفحة لا تذكر لغتها في أي مكان":     "",
		"日本": "",
	} {
		if got := page.Extract(address, []byte(text)).Language; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, " ": 0, "...": 0, "one": 1, "one two": 2, "don't": 1, "don’t stop'": 2, "well-known": 2, "3.5 1,000 a.b": 4,
		"a — b": 2, "naïve café": 2, "e\u0301te\u0301": 1, "Привет, мир!": 2, "مرحبا بالعالم": 2, "हिन्दी भाषा": 2,
		"日本語": 3, "これはペン": 5, "Go言語": 3, "iPhone用": 2, "한국어 문장": 2, "😀": 0, "x😀y": 2,
		"สวัสดี": 1, "สวัสดีครับทุกคน": 3, "ไทย abc": 2, "\xff\xff": 0, "a\xff": 1, "a'": 1,
	} {
		if got := page.Words(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestBounds(t *testing.T) {
	p := page.Extract(address, []byte("<title>"+strings.Repeat("t", 5000)+"</title>"+strings.Repeat("<h1>é é</h1>", 100_000)))
	if len(p.Text) > page.MaxText || !p.Truncated || p.WordCount != 200_000 || len(p.Headings) != page.MaxHeadings || len(p.Title) > 500 {
		t.Errorf("text %d, truncated %t, words %d, headings %d, title %d", len(p.Text), p.Truncated, p.WordCount, len(p.Headings), len(p.Title))
	}
}

// nasty are pages of about so many bytes that are made to be slow or deep.
func nasty(size int) map[string]string {
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	return map[string]string{
		"100,000 nested tags": strings.Repeat("<div>", 100_000) + "deep" + strings.Repeat("</div>", 100_000) + "after",
		"nested lists":        fill("<ul><li>"),
		"nested formatting":   fill("<b><a href=x><p>"),
		"nested tables":       fill("<table><tr><td>"),
		"paragraphs":          fill("<p>"),
		"far paragraphs":      "<p><object>" + strings.Repeat("<b>", 500) + fill("<div></div>"),
		"ends of nothing":     fill("</p></div>"),
		"ends that can't":     "<x><div>" + strings.Repeat("<i>", 500) + fill("</x>"),
		"ends outside a cell": "<div><td>" + strings.Repeat("<i>", 500) + fill("</div>"),
		"attributes":          "<p " + fill("a=b "),
		"a long class":        "<p class='" + fill("x ") + "'>a",
		"links":               fill("<a href=?>x</a>"),
		"one link":            "<a href=/x>" + fill("text "),
		"entities":            fill("&lt;&#"),
		"an open comment":     "<!--" + fill("- "),
		"many open comments":  fill("<!-- <"),
		"an open script":      "<script>" + fill("</scrip"),
		"deep JSON":           "<script type=application/ld+json>" + fill("["),
		"wide JSON":           "<script type=application/ld+json>[" + fill("[],") + "[]]</script>",
		"one line":            fill("word "),
		"lines":               fill("a<br>"),
		"less than":           fill("<"),
		"svg":                 fill("<svg><title>"),
		"articles":            fill("<article>a</article>"),
		"headings":            fill("<h1>a"),
		"zero-width":          fill("\u200b"),
		"Thai":                fill("ก"),
		"apostrophes":         fill("a'"),
	}
}

func TestNasty(t *testing.T) {
	for name, html := range nasty(256 << 10) {
		began := time.Now()
		p := page.Extract(address, []byte(html))
		if took := time.Since(began); took > 15*time.Second { // some hundred times what it takes
			t.Errorf("%s: it took %v", name, took)
		}
		if name == "100,000 nested tags" && p.Text != "deep\nafter" {
			t.Errorf("%s: %q", name, p.Text)
		}
	}
}

// BenchmarkNasty reads as much as the fetch client ever returns.
func BenchmarkNasty(b *testing.B) {
	for name, html := range nasty(5 << 20) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(html)))
			for b.Loop() {
				page.Extract(address, []byte(html))
			}
		})
	}
}

// BenchmarkShop reads an ordinary page, as it is and with 5 MB of markup.
func BenchmarkShop(b *testing.B) {
	html, err := os.ReadFile("testdata/shop.html")
	if err != nil {
		b.Fatal(err)
	}
	for name, n := range map[string]int{"once": 1, "5MB": 5 << 20 / len(html)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(n * len(html)))
			for b.Loop() {
				page.Extract(address, bytes.Repeat(html, n))
			}
		})
	}
}

func FuzzExtract(f *testing.F) {
	files, err := filepath.Glob("testdata/*.html")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		html, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(address, html)
	}
	f.Add("http://[::1", []byte("<base href='http://['><a href='//x'>a\U000E0041</a><h1>\u200b</h1><li>"))
	f.Add("", []byte("<svg><title/><script/><td>\xff<table><a><table></a></p>"))
	f.Fuzz(func(t *testing.T, address string, html []byte) {
		p := page.Extract(address, html)
		if !reflect.DeepEqual(p, page.Extract(address, html)) {
			t.Error("the same page is read in two ways")
		}
		all := []string{p.Title, p.Description, p.Author, p.Language, p.Published, p.Modified}
		for _, h := range p.Headings {
			if h.Level < 1 || h.Level > 6 || h.Text == "" {
				t.Errorf("heading %+v", h)
			}
			all = append(all, h.Text)
		}
		seen := map[string]bool{}
		for _, l := range p.Links {
			if seen[l.URL] || !strings.HasPrefix(l.URL, "http://") && !strings.HasPrefix(l.URL, "https://") {
				t.Errorf("link %q", l)
			}
			seen[l.URL] = true
			all = append(all, l.Text, l.URL)
		}
		all = append(all, strings.Split(p.Text, "\n")...)
		for _, text := range all {
			if plain.Line(text) != text || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, plain.Invisible...) }) {
				t.Errorf("text %q", text)
			}
		}
		if len(p.Text) > page.MaxText || len(p.Links) > page.MaxLinks || len(p.Headings) > page.MaxHeadings || p.WordCount < 0 {
			t.Errorf("%d bytes, %d links, %d headings, %d words", len(p.Text), len(p.Links), len(p.Headings), p.WordCount)
		}
	})
}
