package scan

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode/utf8"
)

// check is one question to a page. The points are those of its weight in the
// SEO and the GEO score, 100 each over all checks.
type check struct {
	id, title string
	seoPart   string
	seo       int
	geoPart   string
	geo       int
	why, fix  string
	// with is the check whose fix brings this one too; may be "".
	with string
	// markup returns lines for the fix; may be nil.
	markup func(*document) string
	// judge returns how much of it is there, 0 to 100, and what was found.
	judge func(*document) (percent int, found string)
}

// checks are all checks, in the order of a report.
var checks = slices.Concat(seoChecks, geoChecks)

// seoChecks are those with a weight in the SEO score.
var seoChecks = []check{
	{
		id: "title", title: "A title of 10 to 60 characters", seoPart: "meta", seo: 8,
		why: "The title is the first thing that people read in search results and the strongest hint at what the page is about.",
		fix: "Name the page's topic first and the brand last, in 10 to 60 characters, as on no other page of the site.",
		markup: func(d *document) string {
			return "<title>" + escaped(named(d), "[topic of the page] – [brand]") + "</title>"
		},
		judge: func(d *document) (int, string) { return length(d.title, 10, 60) },
	},
	{
		id: "description", title: "A meta description of at most 160 characters", seoPart: "meta", seo: 8,
		why: "Search engines often show it below the title: it is what makes people click.",
		fix: "Say in one or two sentences what the reader gets here and why from you, in 70 to 160 characters.",
		markup: func(d *document) string {
			return metaTag("name", "description", cut(d.meta["og:description"], 160), "[what the reader gets here, in at most 160 characters]")
		},
		judge: func(d *document) (int, string) { return length(d.meta["description"], 1, 160) },
	},
	{
		id: "charset", title: "A declared character encoding", seoPart: "meta", seo: 4,
		why:    "Without it, browsers and crawlers guess, and umlauts, accents and other scripts can turn to rubbish.",
		fix:    "Put this at the very top of the head.",
		markup: fixed(`<meta charset="utf-8">`),
		judge:  func(d *document) (int, string) { return present(d.charset, "declared") },
	},
	{
		id: "lang", title: "A declared language", seoPart: "meta", seo: 5,
		why:    "It tells engines, translators and screen readers which language the page is in.",
		fix:    "Give the html element the language's tag, such as en, de or pt-BR.",
		markup: fixed(`<html lang="[language]">`),
		judge:  func(d *document) (int, string) { return present(d.lang != "", d.lang) },
	},
	{
		id: "og-title", title: "An Open Graph title", seoPart: "openGraph", seo: 4,
		why:    "It is the headline of the card when somebody shares the page.",
		fix:    "Put it into the head; it may be livelier than the title.",
		markup: func(d *document) string { return metaTag("property", "og:title", named(d), "[headline of the card]") },
		judge:  func(d *document) (int, string) { return present(d.meta["og:title"] != "", "there") },
	},
	{
		id: "og-description", title: "An Open Graph description", seoPart: "openGraph", seo: 4,
		why: "It is the text of the card when somebody shares the page.",
		fix: "Put one or two sentences into the head; the meta description will do.",
		markup: func(d *document) string {
			return metaTag("property", "og:description", d.meta["description"], "[one or two sentences]")
		},
		judge: func(d *document) (int, string) { return present(d.meta["og:description"] != "", "there") },
	},
	{
		id: "og-image", title: "An Open Graph image", seoPart: "openGraph", seo: 4,
		why: "Shared links without a picture are passed over.",
		fix: "Make a picture of 1200 by 630 pixels and give its whole address.",
		markup: func(d *document) string {
			return metaTag("property", "og:image", "", "[https://… address of the picture]")
		},
		judge: func(d *document) (int, string) {
			given := d.meta["og:image"]
			if given != "" && image(d) == "" {
				return 0, "its address is not one of the web"
			}
			return present(given != "", "there")
		},
	},
	{
		id: "og-type", title: "An Open Graph type", seoPart: "openGraph", seo: 3,
		why:    "It says whether the page is an article, a product or a website, and the protocol requires it.",
		fix:    "Put it into the head: article for posts, product for products, website for the rest.",
		markup: fixed(`<meta property="og:type" content="[website, article or product]">`),
		judge:  func(d *document) (int, string) { return present(d.meta["og:type"] != "", "there") },
	},
	{
		id: "json-ld", title: "Structured data as JSON-LD", seoPart: "structuredData", seo: 8, geoPart: "data", geo: 6,
		why:    "It tells machines in plain terms who and what the page is about, without guessing from its design.",
		fix:    "Put a script of type application/ld+json into the page; the artifacts of this report have one to begin with. Test it with validator.schema.org.",
		markup: linkedMarkup,
		judge: func(d *document) (int, string) {
			if d.data.parsed == 0 && d.data.scripts > 0 {
				return 0, count(d.data.scripts, "script") + " that can't be read as JSON"
			}
			return present(d.data.parsed > 0, count(d.data.parsed, "script"))
		},
	},
	{
		id: "json-ld-type", title: "A type that schema.org knows", with: "json-ld", seoPart: "structuredData", seo: 7, geoPart: "data", geo: 4,
		why:   "Structured data without a known @type is passed over.",
		fix:   `Give each thing an "@type" that schema.org has, such as Organization, Article or Product, spelled the same way.`,
		judge: func(d *document) (int, string) { return present(d.data.has(knownTypes), "there") },
	},
	{
		id: "h1", title: "A main heading", seoPart: "headings", seo: 6,
		why: "It confirms to readers and engines that they are in the right place.",
		fix: "Put one h1 above the content that says what the page is about.",
		markup: func(d *document) string {
			return "<h1>" + escaped(line(d.title, maxShown), "[what the page is about]") + "</h1>"
		},
		judge: func(d *document) (int, string) { return present(d.h1 != "", "there") },
	},
	{
		id: "sections", title: "Sections with headings", seoPart: "headings", seo: 4, geoPart: "structure", geo: 5,
		why:    "Headings let people skim, and let engines quote the one section that answers a question.",
		fix:    "Split the text into at least three sections, and say in each heading what its section answers.",
		markup: fixed("<h2>[what the section answers]</h2>"),
		judge:  func(d *document) (int, string) { return outOf(d.headings, 3, "heading") },
	},
	{
		id: "depth", title: "At least 300 words of content", seoPart: "content", seo: 12,
		why:   "A page with hardly any text gives engines little to find it for. It is not the number that counts: say all that a buyer needs to know.",
		fix:   "Answer what customers ask before they buy: what it is, whom it is for, what it costs, how it works, what others say.",
		judge: func(d *document) (int, string) { return outOf(d.words, 300, "word") },
	},
	{
		id: "internal-links", title: "Links to other pages of the site", seoPart: "links", seo: 4,
		why:    "Crawlers find pages through links, and the words of a link say what the other page is about.",
		fix:    "Link to at least three pages of the site with a elements that have an address and telling words.",
		markup: fixed(`<a href="/[page]">[what is there]</a>`),
		judge:  func(d *document) (int, string) { return outOf(len(d.internal), 3, "page") },
	},
	{
		id: "image-alt", title: "Every image described", seoPart: "links", seo: 4,
		why:    "Engines and screen readers know images by their alt text.",
		fix:    `Say in each alt attribute what the image shows; leave it empty (alt="") for decoration.`,
		markup: fixed(`<img src="[address]" alt="[what the image shows]">`),
		judge: func(d *document) (int, string) {
			if d.images == 0 {
				return unless(d, false, "no images", "")
			}
			return d.described * 100 / d.images, fmt.Sprintf("%d of %s", d.described, count(d.images, "image"))
		},
	},
	{
		id: "canonical", title: "A canonical address", seoPart: "crawling", seo: 4,
		why: "It gathers what is known of a page that can be reached at several addresses, and keeps copies out of the results.",
		fix: "Put one link to the page's own address into the head.",
		markup: func(d *document) string {
			return `<link rel="canonical" href="` + escaped(pageURL(d), "[https://… address of the page]") + `">`
		},
		judge: func(d *document) (int, string) {
			if n := len(d.canonicals); n > 1 {
				return 0, fmt.Sprintf("%d different ones, of which engines may follow none", n)
			}
			return present(len(d.canonicals) == 1, "there")
		},
	},
	{
		id: "indexable", title: "Let search engines index the page", seoPart: "crawling", seo: 6,
		why:    "A page with noindex is left out of search results, whatever else it does well.",
		fix:    "Take noindex out of the robots meta tag, unless the page is meant to be hidden. Headers and robots.txt can forbid it too; this scan doesn't see them.",
		markup: fixed(`<meta name="robots" content="index, follow">`),
		judge: func(d *document) (int, string) {
			return unless(d, d.noindex, "nothing in the page forbids it", "noindex")
		},
	},
	{
		id: "viewport", title: "A viewport for phones", seoPart: "mobile", seo: 3,
		why:    "Google looks at the page as a phone does; without a viewport it is shown tiny.",
		fix:    "Put this into the head.",
		markup: fixed(`<meta name="viewport" content="width=device-width, initial-scale=1">`),
		judge: func(d *document) (int, string) {
			if given := d.meta["viewport"]; given != "" && !strings.Contains(given, "width") {
				return 0, "one without a width"
			}
			return present(d.meta["viewport"] != "", "there")
		},
	},
	{
		id: "address", title: "A short, readable https address", seoPart: "mobile", seo: 2,
		why:   "People and engines read addresses, and browsers warn of what is not https.",
		fix:   "Serve the page over https at a short path in lower-case words with hyphens, with at most two parameters. Redirect the old address.",
		judge: judgeAddress,
	},
}

func judgeAddress(d *document) (int, string) {
	u := d.address
	if d.words == 0 {
		return 0, noText
	}
	var faults []string
	if u.Scheme != "https" {
		faults = append(faults, "not https")
	}
	if utf8.RuneCountInString(u.Path) > 100 || strings.Contains(u.Path, "_") || u.Path != strings.ToLower(u.Path) {
		faults = append(faults, "a long path, or with capitals or underscores")
	}
	if strings.Count(u.RawQuery, "=") > 2 {
		faults = append(faults, "more than two parameters")
	}
	return max(0, 100-50*len(faults)), cmp.Or(strings.Join(faults, "; "), "short and https")
}

// length judges a text by its number of characters: the wrong length is half as
// good as the right one.
func length(text string, low, high int) (int, string) {
	n := utf8.RuneCountInString(text)
	switch {
	case n == 0:
		return 0, "missing"
	case n < low || n > high:
		return 50, count(n, "character")
	}
	return 100, count(n, "character")
}

func present(ok bool, found string) (int, string) {
	if !ok {
		return 0, "missing"
	}
	return 100, found
}

// outOf judges by a number of things that should be reached.
func outOf(n, enough int, thing string) (int, string) {
	return min(n, enough) * 100 / enough, count(n, thing)
}

// noText is found where there is nothing to judge.
const noText = "no text to judge"

// unless judges what is good as long as a fault is not there. A page without any
// text has earned nothing by that.
func unless(d *document, fault bool, good, bad string) (int, string) {
	switch {
	case fault:
		return 0, bad
	case d.words == 0:
		return 0, noText
	}
	return 100, good
}

func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// linkedMarkup is the least that structured data needs.
var linkedMarkup = fixed(`<script type="application/ld+json">
{"@context": "https://schema.org", "@type": "[Article, Product, …]", "name": "[its name]", "url": "[its address]"}
</script>`)

func fixed(markup string) func(*document) string { return func(*document) string { return markup } }

// escaped returns a text of the page for markup, or a placeholder.
func escaped(text, placeholder string) string { return html.EscapeString(cmp.Or(text, placeholder)) }

func metaTag(attr, name, content, placeholder string) string {
	return fmt.Sprintf(`<meta %s="%s" content="%s">`, attr, name, escaped(line(content, maxLong), placeholder))
}

// named returns what the page calls itself, if that is a title's length.
func named(d *document) string {
	for _, name := range []string{d.h1, d.meta["og:title"], d.title} {
		if n := utf8.RuneCountInString(name); 10 <= n && n <= 60 {
			return name
		}
	}
	return ""
}
