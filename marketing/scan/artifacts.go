package scan

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"
)

// maxAnswers is how many questions the structured data takes.
const maxAnswers = 10

// pageURL returns the address under which the page wants to be known, or "".
func pageURL(d *document) string {
	address := ""
	switch {
	case len(d.canonicals) == 1:
		address = d.canonical
	case isWeb(d.address):
		address = written(d.address)
	}
	if len(address) > maxURL {
		return ""
	}
	return address
}

// image returns the address of the page's picture, or "".
func image(d *document) string {
	u := d.resolve(d.meta["og:image"])
	if u == nil || len(written(u)) > maxURL {
		return ""
	}
	return written(u)
}

// published returns the date that the page's markup gives, or "".
func published(d *document) string {
	for _, name := range []string{"article:published_time", "date"} {
		if isDate(d.meta[name]) {
			return d.meta[name]
		}
	}
	return d.dated
}

func modified(d *document) string {
	for _, name := range []string{"article:modified_time", "og:updated_time"} {
		if isDate(d.meta[name]) {
			return d.meta[name]
		}
	}
	return ""
}

func summary(d *document) string {
	return line(cmp.Or(d.meta["description"], d.meta["og:description"]), maxLong)
}

// llmsTxt returns a file of the form that llmstxt.org gives: a heading, a quoted
// summary, and a list of links; or "" for a page that has no name.
func llmsTxt(d *document) string {
	page := cmp.Or(d.h1, d.meta["og:title"], d.title)
	site := cmp.Or(d.meta["og:site_name"], d.title, page)
	if site == "" {
		return ""
	}
	var w strings.Builder
	w.WriteString("# " + markdownText(site) + "\n")
	if s := summary(d); s != "" {
		w.WriteString("\n> " + markdownText(s) + "\n")
	}
	own := pageURL(d)
	var links []link
	if own != "" {
		links = append(links, link{cmp.Or(page, site), own})
	}
	for _, l := range d.links {
		if l.url != own {
			links = append(links, l)
		}
	}
	for i, l := range links {
		if i == 0 {
			w.WriteString("\n## Pages\n\n")
		}
		w.WriteString("- [" + markdownText(l.name) + "](" + markdownTarget.Replace(l.url) + ")\n")
	}
	return w.String()
}

var (
	markdownSigns = strings.NewReplacer(`\`, `\\`, "`", "\\`", "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`)
	// markdownTarget escapes what would end an address.
	markdownTarget = strings.NewReplacer("(", "%28", ")", "%29")
)

// markdownText returns a text of the page that stays a text in Markdown.
func markdownText(text string) string { return markdownSigns.Replace(line(text, maxLong)) }

// thing is a thing of schema.org.
type thing struct {
	Type          string   `json:"@type,omitempty"`
	Name          string   `json:"name,omitempty"`
	Headline      string   `json:"headline,omitempty"`
	Description   string   `json:"description,omitempty"`
	Text          string   `json:"text,omitempty"`
	URL           string   `json:"url,omitempty"`
	Image         string   `json:"image,omitempty"`
	Language      string   `json:"inLanguage,omitempty"`
	Published     string   `json:"datePublished,omitempty"`
	Modified      string   `json:"dateModified,omitempty"`
	Author        *thing   `json:"author,omitempty"`
	Brand         *thing   `json:"brand,omitempty"`
	Price         string   `json:"price,omitempty"`
	Currency      string   `json:"priceCurrency,omitempty"`
	Offers        *thing   `json:"offers,omitempty"`
	PartOf        *thing   `json:"isPartOf,omitempty"`
	Answer        *thing   `json:"acceptedAnswer,omitempty"`
	MainEntity    []*thing `json:"mainEntity,omitempty"`
	MainEntityURL string   `json:"mainEntityOfPage,omitempty"`
}

// jsonLD returns a script with what the page says and does not yet say in
// JSON-LD, or "".
func jsonLD(d *document) string {
	var things []*thing
	add := func(t *thing, unless map[string]bool) {
		if t != nil && !d.data.has(unless) {
			things = append(things, t)
		}
	}
	site := siteOf(d)
	if site != nil && isHome(d) {
		organization := *site
		organization.Type = "Organization"
		add(&organization, organizationTypes)
		add(site, set(`WebSite`))
	}
	switch kind := strings.ToLower(d.meta["og:type"]); {
	case strings.HasPrefix(kind, "product"), price(d) != nil:
		add(product(d), productTypes)
	case strings.HasPrefix(kind, "article"), d.article && published(d) != "":
		add(article(d, site), articleTypes)
	case !isHome(d):
		add(webPage(d, site), knownPages)
	}
	add(faqPage(d), set(`FAQPage QAPage`))
	if len(things) == 0 {
		return ""
	}
	// The encoder escapes "<", ">" and "&", so that no text can end the script.
	data, err := json.MarshalIndent(struct {
		Context string   `json:"@context"`
		Graph   []*thing `json:"@graph"`
	}{"https://schema.org", things}, "", "  ")
	if err != nil {
		return "" // texts alone: they can always be written
	}
	return "<script type=\"application/ld+json\">\n" + string(data) + "\n</script>"
}

func isHome(d *document) bool {
	return isWeb(d.address) && strings.Trim(d.address.Path, "/") == "" && d.address.RawQuery == ""
}

// siteOf returns the site, if the page says what it is called.
func siteOf(d *document) *thing {
	name := line(d.meta["og:site_name"], maxShown)
	if name == "" || !isWeb(d.address) {
		return nil
	}
	root := url.URL{Scheme: d.address.Scheme, Host: d.address.Host, Path: "/"}
	return &thing{Type: "WebSite", Name: name, URL: written(&root)}
}

func price(d *document) *thing {
	for _, prefix := range []string{"product", "og"} {
		amount, currency := d.meta[prefix+":price:amount"], d.meta[prefix+":price:currency"]
		if amount != "" && currency != "" {
			return &thing{Type: "Offer", Price: line(amount, 40), Currency: line(currency, 10), URL: pageURL(d)}
		}
	}
	return nil
}

func nameOf(d *document) string {
	return line(cmp.Or(d.h1, d.meta["og:title"], d.title), maxShown)
}

func product(d *document) *thing {
	t := &thing{Type: "Product", Name: nameOf(d), Description: summary(d), URL: pageURL(d), Image: image(d), Offers: price(d)}
	if brand := line(d.meta["product:brand"], maxShown); brand != "" {
		t.Brand = &thing{Type: "Brand", Name: brand}
	}
	return orNothing(t)
}

// article gives the author no type: the page doesn't say whether it is a person.
func article(d *document, site *thing) *thing {
	t := &thing{
		Type: "Article", Headline: nameOf(d), Description: summary(d), Image: image(d), Language: d.lang,
		Published: published(d), Modified: modified(d), PartOf: site, MainEntityURL: pageURL(d),
	}
	if author := line(d.meta["author"], maxShown); author != "" {
		t.Author = &thing{Name: author}
	}
	return orNothing(t)
}

func webPage(d *document, site *thing) *thing {
	return orNothing(&thing{
		Type: "WebPage", Name: nameOf(d), Description: summary(d), URL: pageURL(d), Image: image(d), Language: d.lang, PartOf: site,
	})
}

// orNothing is for a page that says no name.
func orNothing(t *thing) *thing {
	if t.Name == "" && t.Headline == "" {
		return nil
	}
	return t
}

// faqPage returns the page's questions with the text right below each.
func faqPage(d *document) *thing {
	if len(d.faq) < 2 {
		return nil
	}
	t := &thing{Type: "FAQPage"}
	for _, a := range d.faq[:min(len(d.faq), maxAnswers)] {
		t.MainEntity = append(t.MainEntity, &thing{Type: "Question", Name: a.question, Answer: &thing{Type: "Answer", Text: a.text}})
	}
	return t
}
