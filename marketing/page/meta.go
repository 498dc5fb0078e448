package page

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/internal/plain"
)

// The names under which pages give their dates, the most used first.
var (
	published = []string{
		"article:published_time", "datepublished", "date", "dc.date", "dc.date.issued", "dcterms.created", "dcterms.date",
		"pubdate", "publishdate", "citation_publication_date", "parsely-pub-date", "og:published_time",
	}
	modified  = []string{"article:modified_time", "datemodified", "dcterms.modified", "last-modified", "og:updated_time"}
	metaNames = func() map[string]bool {
		names := set("description og:title og:description twitter:title twitter:description author article:author content-language og:locale")
		for _, name := range append(append([]string{}, published...), modified...) {
			names[name] = true
		}
		return names
	}()
)

const maxData = 20 // scripts of JSON-LD

// head reads what an element says about the page.
func (r *reader) head(name string, attr map[string]string, in element) {
	if in.foreign {
		return
	}
	switch name {
	case "html":
		if r.lang == "" {
			r.lang = attr["lang"]
		}
	case "base":
		if r.base != nil && r.open["base"] == 0 {
			if u, err := r.base.Parse(strings.TrimSpace(attr["href"])); err == nil {
				r.base = u
				r.open["base"]++ // only the first counts
			}
		}
	case "meta":
		for _, key := range []string{"property", "name", "itemprop", "http-equiv"} {
			n := strings.ToLower(strings.TrimSpace(attr[key]))
			if metaNames[n] && r.meta[n] == "" {
				r.meta[n] = plain.Cut(attr["content"], 10*maxField)
			}
		}
	case "script":
		t, _, _ := strings.Cut(attr["type"], ";")
		if strings.EqualFold(strings.TrimSpace(t), "application/ld+json") && len(r.data) < maxData {
			r.data = append(r.data, "")
		}
	case "time":
		_, marked := attr["pubdate"]
		switch when := attr["datetime"]; {
		case when == "" || in.hidden || in.around:
		case attr["itemprop"] == "dateModified":
			r.modified = or(r.modified, when)
		case marked || attr["itemprop"] == "datePublished" || in.article > 0 || in.main:
			r.published = or(r.published, when)
		}
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (r *reader) metas(names []string) []string {
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = r.meta[name]
	}
	return values
}

// notURL returns text that is not an address.
func notURL(text string) string {
	if u, err := url.Parse(strings.TrimSpace(text)); err == nil && u.Scheme != "" && u.Host != "" {
		return ""
	}
	return text
}

// The forms in which pages write times. Those without a zone give only the day.
var (
	timeForms = []string{
		time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z0700", "2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 UTC", time.RFC1123Z, "Mon, 02 Jan 2006 15:04:05 GMT",
	}
	dayForms = []string{
		time.DateOnly, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", "2006/01/02", "20060102",
		"January 2, 2006", "Jan 2, 2006", "2 January 2006", "2 Jan 2006",
	}
)

// firstDate returns the first of the texts that is a date, see [Page].
func firstDate(texts ...string) string {
	for _, text := range texts {
		if text = plain.Line(text); text == "" || len(text) > 50 {
			continue
		}
		for _, form := range timeForms {
			if t, err := time.Parse(form, text); err == nil && t.Year() >= 1000 {
				return t.UTC().Format(time.RFC3339)
			}
		}
		for _, form := range dayForms {
			if t, err := time.Parse(form, text); err == nil && t.Year() >= 1000 {
				return t.Format(time.DateOnly)
			}
		}
	}
	return ""
}

// linkedData is what the page's JSON-LD says about the page, in the terms of
// schema.org.
type linkedData struct{ author, published, modified string }

func (r *reader) linkedData() linkedData {
	var nodes []any
	for _, script := range r.data {
		var v any
		if json.Unmarshal([]byte(script), &v) == nil {
			nodes = append(nodes, v)
		}
	}
	var found, article linkedData
	for i := 0; i < len(nodes) && i < 1000; i++ {
		switch v := nodes[i].(type) {
		case []any:
			nodes = append(nodes, v...)
		case map[string]any:
			nodes = append(nodes, v["@graph"], v["mainEntity"])
			found.add(v)
			if kinds := strings.Join(texts(v["@type"]), " "); strings.Contains(kinds, "Article") || strings.Contains(kinds, "BlogPosting") {
				article.add(v)
			}
		}
	}
	return linkedData{or(article.author, found.author), or(article.published, found.published), or(article.modified, found.modified)}
}

func (d *linkedData) add(object map[string]any) {
	date := func(name string) string { return firstDate(texts(object[name])...) }
	d.author = or(d.author, strings.Join(texts(object["author"]), ", "))
	d.published = or(d.published, date("datePublished"))
	d.modified = or(d.modified, date("dateModified"))
}

// texts returns a value that is a text, a thing with a name, or a list of such.
func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var all []string
	for _, item := range list {
		if thing, ok := item.(map[string]any); ok {
			item = thing["name"]
		}
		if text, ok := item.(string); ok && len(all) < 10 {
			all = append(all, text)
		}
	}
	return all
}

var languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$`)

func (r *reader) language(text string) string {
	for _, tag := range []string{r.lang, r.meta["content-language"], r.meta["og:locale"]} {
		tag = strings.ReplaceAll(strings.TrimSpace(tag), "_", "-")
		if languageTag.MatchString(tag) && len(tag) <= 35 {
			return tag
		}
	}
	return guessLanguage(text)
}
