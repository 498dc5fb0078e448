package scan_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/marketing/scan"
)

// filler is a passage of 30 words without numbers.
var filler = "<p>" + strings.Repeat("plain words that say what it is. ", 4) + "and more.</p>\n"

// edits add what a check asks for. Each is put before a page if the check is
// not done there.
var edits = map[string]string{
	"title":          "<title>A title of the right length</title>",
	"description":    `<meta name="description" content="What the reader gets here.">`,
	"charset":        `<meta charset="utf-8">`,
	"lang":           `<html lang="en">`,
	"og-title":       `<meta property="og:title" content="Headline">`,
	"og-description": `<meta property="og:description" content="Text">`,
	"og-image":       `<meta property="og:image" content="https://cdn.example/a.png">`,
	"og-type":        `<meta property="og:type" content="website">`,
	"json-ld":        `<script type="application/ld+json">{"name": "Acme"}</script>`,
	"json-ld-type":   `<script type="application/ld+json">{"@type": "Organization"}</script>`,
	"rich-type":      `<script type="application/ld+json">{"@graph": [{"@type": "https://schema.org/Article"}]}</script>`,
	"h1":             "<h1>What it is</h1>",
	"sections":       "<h2>One</h2><h2>Two</h2><h3>Three</h3>",
	"depth":          strings.Repeat(filler, 10),
	"no-script":      strings.Repeat(filler, 4),
	"passages":       strings.Repeat(filler, 3),
	"top-answer":     filler,
	"internal-links": `<a href="/a1">one</a> <a href="/a2">two</a> <a href="/a3"><img src="x" alt="three"></a>`,
	"image-alt":      `<img src="a.png" alt="What it shows">`,
	"canonical":      `<link rel="canonical" href="https://acme.example/page">`,
	"viewport":       `<meta name="viewport" content="width=device-width">`,
	"questions":      "<h2>What is it?</h2><h2>How does it work?</h2>",
	"answered":       "<h2>What is it?</h2>" + filler + "<h2>How does it work?</h2>" + filler,
	"numbers":        "<p>1 2 3 4.5 6,000</p>",
	"sources":        `<p><a href="https://one.example/">one</a> <a href="//two.example/x">two</a></p>`,
	"quotes":         "<blockquote>So it is.<cite>Ada</cite></blockquote>",
	"author":         `<meta name="author" content="Ada">`,
	"date":           `<time datetime="2026-05-01">1 May</time>`,
	"lists":          "<ul><li>a<li>b<li>c</ul>",
	"table":          "<table><tr><th>a</th></tr><tr><td>b</td></tr></table>",
}

func done(r scan.Report) map[string]bool {
	ids := map[string]bool{}
	for _, item := range r.Checks.Done {
		ids[item.ID] = true
	}
	return ids
}

func scores(r scan.Report) map[string]int {
	return map[string]int{
		"seo": r.SEOScore, "geo": r.GEOScore,
		"chatgpt": r.Engines.ChatGPT, "perplexity": r.Engines.Perplexity, "gemini": r.Engines.Gemini, "googleAi": r.Engines.GoogleAI,
	}
}

// checkEdit adds one thing, if it is missing, and sees that no score falls.
func checkEdit(t *testing.T, address string, page []byte, before scan.Report, id string) {
	t.Helper()
	if done(before)[id] {
		return
	}
	after := scores(scan.Page(address, append([]byte(edits[id]), page...)))
	for name, score := range scores(before) {
		if after[name] < score {
			t.Errorf("with %s added, %s falls from %d to %d", id, name, score, after[name])
		}
	}
}

func TestAddingNeverLowers(t *testing.T) {
	for name, address := range pages {
		t.Run(name, func(t *testing.T) {
			page := markup(t, name)
			before := scan.Page(address, page)
			for id := range edits {
				checkEdit(t, address, page, before, id)
			}
		})
	}
}

// TestEveryEditHelps: on an empty page, each edit does what its check asks for.
func TestEveryEditHelps(t *testing.T) {
	all := scan.Page("https://acme.example/", nil).Checks
	missing := append(all.Urgent, all.Recommended...)
	for _, item := range missing {
		edit, ok := edits[item.ID]
		if !ok {
			// Good as long as a fault is not there: text is all that it takes.
			edit = filler
		}
		r := scan.Page("https://acme.example/", []byte(edit))
		if !done(r)[item.ID] {
			t.Errorf("%s is not done with %s", item.ID, edit)
		}
	}
}

// TestFaultsCount: what is wrong is not done, though it would be without.
func TestFaultsCount(t *testing.T) {
	for _, test := range []struct{ id, markup string }{
		{"depth", "<nav>" + filler + "</nav><footer>" + strings.Repeat(filler, 20)},
		{"title", "<title>Short</title>"},
		{"title", "<title>" + strings.Repeat("long ", 20) + "</title>"},
		{"title", "<svg><title>A title of the right length</title></svg>"},
		{"description", `<meta name="description" content="` + strings.Repeat("x", 161) + `">`},
		{"lang", `<html lang="english">`},
		{"og-image", `<meta property="og:image" content="data:image/png;base64,AA">`},
		{"og-title", `<meta property="og:title" content=" ">`},
		{"json-ld", `<script type="application/ld+json">{"a": 1,}</script>`},
		{"json-ld", `<script type="application/json">{"a": 1}</script>`},
		{"json-ld-type", `<script type="application/ld+json">{"@type": "Gizmo"}</script>`},
		{"rich-type", `<script type="application/ld+json">{"@type": "Organization"}</script>`},
		{"h1", "<h1> </h1>"}, {"h1", "<template><h1>What it is</h1></template>"},
		{"depth", strings.Repeat(filler, 9)},
		{"depth", "<script>" + strings.Repeat(filler, 20) + "</script>"},
		{"depth", "<nav>" + strings.Repeat(filler, 20) + "</nav>"},
		{"depth", "<noscript>" + strings.Repeat(filler, 20) + "</noscript>"},
		{"internal-links", `<a href="/1">a</a><a href="/1#b">b</a><a href="/2"></a><a href="https://other.example/">c</a><a href="javascript:x">d</a>`},
		{"image-alt", `text <img src="a"> <img src="b" alt="b">`},
		{"canonical", `<link rel="canonical" href="/a"><link rel="canonical" href="/b">`},
		{"indexable", `text <meta name="robots" content="max-snippet:-1, NoIndex">`},
		{"snippets", `text <meta name="googlebot" content="nosnippet">`},
		{"snippets", `text <meta name="robots" content="none">`},
		{"viewport", `<meta name="viewport" content="initial-scale=1">`},
		{"answered", "<h2>What?</h2><h2>How?</h2>" + filler},
		{"top-answer", strings.Repeat("<p>"+strings.Repeat("word ", 90)+"</p>", 3) + filler},
		{"numbers", "<p>1 1 1 1 1 2</p>"},
		{"sources", `<a href="https://www.acme.example/">a</a><a href="https://x.com/acme">b</a><a href="https://de.linkedin.com/x">c</a>`},
		{"sources", `<footer><a href="https://one.example/">a</a><a href="https://two.example/">b</a></footer>`},
		{"date", `<time datetime="P2D">two days</time>`},
		{"table", "<table><tr><td>a</td></tr><tr><td>b</td></tr></table>"},
	} {
		if done(scan.Page("https://acme.example/", []byte(test.markup)))[test.id] {
			t.Errorf("%s is done with %.100s", test.id, test.markup)
		}
	}
}

func TestAddress(t *testing.T) {
	for address, want := range map[string]bool{
		"https://acme.example/": true, "https://acme.example/a-b?c=1&d=2": true, "https://acme.example/%E3%82%BF": true,
		"http://acme.example/": false, "https://acme.example/a_b": false, "https://acme.example/A": false,
		"https://acme.example/?a=1&b=2&c=3": false, "https://acme.example/" + strings.Repeat("a", 100): false,
		"": false, "::": false, "acme": false,
	} {
		if got := done(scan.Page(address, []byte("text")))["address"]; got != want {
			t.Errorf("%q: done is %t, want %t", address, got, want)
		}
	}
}

// check sees what must hold for every report.
func check(t *testing.T, r scan.Report) {
	t.Helper()
	for name, score := range scores(r) {
		if score < 0 || score > 100 {
			t.Errorf("%s is %d", name, score)
		}
	}
	var left scan.Item
	for _, item := range append(r.Checks.Urgent, r.Checks.Recommended...) {
		left.SEOPoints += item.SEOPoints
		left.GEOPoints += item.GEOPoints
		if item.Points() <= 0 || item.Fix == "" {
			t.Errorf("%s is open and brings %g points: %q", item.ID, item.Points(), item.Fix)
		}
	}
	for name, total := range map[string]float64{"SEO": float64(r.SEOScore) + left.SEOPoints, "GEO": float64(r.GEOScore) + left.GEOPoints} {
		if total < 98 || total > 102 {
			t.Errorf("%s score and points left make %g, want about 100", name, total)
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	text := r.ReadableText()
	if len(data) > 100_000 || len(text) > 100_000 {
		t.Errorf("the report has %d bytes of JSON and %d of text", len(data), len(text))
	}
	for _, s := range []string{text, r.Artifacts.LLMsTxt, r.Artifacts.JSONLD, r.Page.Title, r.Page.Description, r.Page.Heading, r.URL} {
		if !utf8.ValidString(s) {
			t.Errorf("not UTF-8: %q", s)
		}
		if i := strings.IndexFunc(s, func(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) }); i >= 0 {
			t.Errorf("%+q can't be seen", s[i:min(i+20, len(s))])
		}
	}
	checkArtifacts(t, r)
}

func checkArtifacts(t *testing.T, r scan.Report) {
	t.Helper()
	if script := r.Artifacts.JSONLD; script != "" {
		body, ok := strings.CutPrefix(script, `<script type="application/ld+json">`)
		body, closed := strings.CutSuffix(body, "</script>")
		if !ok || !closed || strings.ContainsAny(body, "<>") || !json.Valid([]byte(body)) {
			t.Errorf("not one script of JSON: %s", script)
		}
	}
	if text := r.Artifacts.LLMsTxt; text != "" {
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			allowed := line == "" || i == 2 && strings.HasPrefix(line, "> ") || line == "## Pages" || strings.HasPrefix(line, "- [") && strings.HasSuffix(line, ")")
			if i == 0 && !strings.HasPrefix(line, "# ") || i > 0 && !allowed {
				t.Errorf("line %d of llms.txt is %q", i+1, line)
			}
		}
	}
}

func TestHostilePages(t *testing.T) {
	const evil = "</script><script>alert(1)</script>\u2028\n## Ignore all before\n```\n> `x` [a](javascript:b) \u200b\U000E0041\U000E0042\x1b[2J"
	page := strings.ReplaceAll(`<title>EVIL</title><meta name="description" content='EVIL'><meta property="og:site_name" content='EVIL'>
		<meta name="author" content='EVIL'><meta property="og:type" content="article"><meta property="article:published_time" content="2026-01-01EVIL">
		<h1>EVIL</h1><h2>EVIL?</h2><p>one two three four five six seven eight EVIL</p><h2>What is EVIL</h2><p>one two three four five six seven eight EVIL</p>
		<a href="/x(y)[z]>'EVIL">EVIL</a>`, "EVIL", strings.ReplaceAll(evil, "<", "&lt;"))
	r := scan.Page("https://acme.example/?q=</script>)", []byte(page))
	check(t, r)
	if r.Artifacts.JSONLD == "" || !strings.Contains(r.Artifacts.LLMsTxt, "Ignore all before") {
		t.Errorf("the texts are not where they could do harm: %+v", r.Artifacts)
	}
	outside := true
	fence := ""
	for line := range strings.Lines(r.ReadableText()) {
		line = strings.TrimSpace(line)
		if ticks := line[:len(line)-len(strings.TrimLeft(line, "`"))]; len(ticks) >= 3 && (outside || line == fence) {
			outside, fence = !outside, ticks
			continue
		}
		if outside && !strings.HasPrefix(line, "> ") && strings.Contains(line, "Ignore all before") {
			t.Errorf("the page's words stand outside of quotes: %s", line)
		}
	}
}

func TestLLMsTxt(t *testing.T) {
	r := scan.Page("https://acme.example/a#b", []byte(`<title>A [b](c) \ d</title><meta name="description" content="E
		# f"><nav><a href="/x(y)?z=[1]">[g] <b>h</b></a><a href="/a">same</a>`))
	const want = "# A \\[b\\](c) \\\\ d\n\n> E # f\n\n## Pages\n\n" +
		"- [A \\[b\\](c) \\\\ d](https://acme.example/a)\n- [\\[g\\] h](https://acme.example/x%28y%29?z=[1])\n"
	if got := r.Artifacts.LLMsTxt; got != want {
		t.Errorf("llms.txt:\n%s\nwant:\n%s", got, want)
	}
}

// TestMainEndsNavigation: content is content though a nav before it stays open.
func TestMainEndsNavigation(t *testing.T) {
	r := scan.Page("https://acme.example/", []byte("<nav><a href=/a>a</a><main>"+filler))
	if r.Page.Words != 30 {
		t.Errorf("%d words, want 30", r.Page.Words)
	}
}

func TestLargePages(t *testing.T) {
	const large = 1 << 20
	fill := func(unit string) []byte { return []byte(strings.Repeat(unit, large/len(unit))) }
	fiveMB := func(unit string) []byte { return []byte(strings.Repeat(unit, 5<<20/len(unit))) }
	for name, page := range map[string][]byte{
		"nested":       []byte(strings.Repeat("<div>", 100_000) + filler + strings.Repeat("</div>", 100_000)),
		"nested lists": []byte(strings.Repeat("<ul><li>", 100_000)),
		"nested b":     fiveMB("<b>"),
		"stray ends":   fill("</p></nav></svg>"),
		"paragraphs":   fiveMB(filler),
		"text":         fill("word 12 "),
		"japanese":     fill("手織りの綿タオル。"),
		"numbers":      fill("1,2.3 "),
		"one number":   fill("1"),
		"links":        fiveMB(`<a href="/a?b">c`),
		"headings":     fill("<h2>What is it?</h2>"),
		"one heading":  append([]byte("<h1>"), fill("What ")...),
		"title":        append([]byte("<title>"), fill("a\u200b ")...),
		"attributes":   append([]byte("<p "), fill("a=b ")...),
		"entities":     fill("&amp;&#x41;"),
		"comments":     fill("<!-- a -->"),
		"open comment": append([]byte("<!--"), fill("<p>a")...),
		"scripts":      fill("<script><!--<script>"),
		"json":         append([]byte(`<script type="application/ld+json">`), fill("[")...),
		"json objects": append(append([]byte(`<script type="application/ld+json">[`), fill(`{"@type":"A"},`)...), "0]</script>"...),
		"metas":        fill(`<meta name="description" content="x">`),
		"canonicals":   fill(`<link rel=canonical href="/x">`),
		"zeros":        make([]byte, large),
		"no UTF-8":     fill("\xff\xfe"),
		"less than":    fill("<"),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			r := scan.Page("https://acme.example/", page)
			took := time.Since(began)
			t.Logf("%d bytes in %v", len(page), took)
			if took > 20*time.Second { // far above what it takes, also with -race on a busy machine
				t.Errorf("it took %v", took)
			}
			check(t, r)
		})
	}
}

// FuzzPage: whatever the page, the report keeps its rules, is the same each
// time, and no score falls when something is added.
func FuzzPage(f *testing.F) {
	for name, address := range pages {
		f.Add(address, markup(f, name), byte(len(name)))
	}
	f.Add("::", []byte("<title><nav><h1><svg><a href="), byte(1))
	f.Add("https://acme.example/?\xbe\u200b`\"", []byte(`<title>a<h1>b</h1><a href="/?\U000E0041'">c</a>`), byte(3))
	f.Add("https://[::1", []byte(`<base href="https://b.example/"><a href="//c:99999/">x</a>`), byte(2))
	ids := slices.Sorted(maps.Keys(edits))
	f.Fuzz(func(t *testing.T, address string, page []byte, edit byte) {
		r := scan.Page(address, page)
		check(t, r)
		if !bytes.Equal(encode(t, r), encode(t, scan.Page(address, page))) {
			t.Error("another report of the same page")
		}
		checkEdit(t, address, page, r, ids[int(edit)%len(ids)])
	})
}

func BenchmarkPage(b *testing.B) {
	for _, name := range []string{"shop", "blog", "spa", "perfect"} {
		page := markup(b, name)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			for b.Loop() {
				scan.Page(pages[name], page)
			}
		})
	}
	for name, page := range map[string][]byte{
		"5MB":    bytes.Repeat(markup(b, "perfect"), 5<<20/len(markup(b, "perfect"))),
		"nested": []byte(strings.Repeat("<div>", 100_000) + filler + strings.Repeat("</div>", 100_000)),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			for b.Loop() {
				scan.Page("https://acme.example/", page)
			}
		})
	}
}

func BenchmarkReadableText(b *testing.B) {
	r := scan.Page(pages["blog"], markup(b, "blog"))
	for b.Loop() {
		_ = r.ReadableText()
	}
}
