package scan

import (
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/internal/plain"
)

// facts takes in the date and the author that an element may carry.
func (r *reader) facts() {
	for _, name := range []string{"datetime", "content"} {
		given := r.attrs[name]
		if r.dated == "" && isDate(given) && (name == "datetime" || dateProperties[r.attrs["itemprop"]]) {
			r.dated = strings.TrimSpace(given)
		}
	}
	r.byline = r.byline || bylines[r.attrs["itemprop"]]
}

func (r *reader) metaTag() {
	content := plain.Line(r.attrs["content"])
	if r.attrs["charset"] != "" || strings.EqualFold(r.attrs["http-equiv"], "content-type") && strings.Contains(strings.ToLower(content), "charset=") {
		r.charset = true
	}
	for _, attr := range []string{"name", "property"} {
		name := strings.ToLower(strings.TrimSpace(r.attrs[attr]))
		switch name {
		case "robots", "googlebot":
			r.robots(strings.ToLower(content))
		default:
			if metaNames[name] && content != "" && r.meta[name] == "" {
				r.meta[name] = content
			}
		}
	}
}

func (r *reader) robots(rules string) {
	for rule := range strings.SplitSeq(strings.ReplaceAll(rules, " ", ""), ",") {
		switch rule {
		case "noindex", "none":
			r.noindex = true
		case "nosnippet", "max-snippet:0":
			r.nosnip = true
		}
	}
}

func (r *reader) linkTag() {
	for rel := range strings.FieldsSeq(strings.ToLower(r.attrs["rel"])) {
		switch rel {
		case "canonical":
			if u := r.resolve(r.attrs["href"]); u != nil && len(r.canonicals) < maxKept {
				r.canonical = written(u)
				r.canonicals[r.canonical] = true
			}
		case "author":
			r.authorLink = true
		}
	}
}

// isLanguage reports whether tag has the form of a language tag (BCP 47).
func isLanguage(tag string) bool {
	if len(tag) > 35 {
		return false
	}
	for i, part := range strings.Split(tag, "-") {
		for _, r := range part {
			letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
			if !letter && (i == 0 || r < '0' || r > '9') {
				return false
			}
		}
		if i == 0 && (len(part) < 2 || len(part) > 3) || len(part) < 1 || len(part) > 8 {
			return false
		}
	}
	return true
}

// isDate reports whether text is a date of ISO 8601, with or without a time.
func isDate(text string) bool {
	text = strings.TrimSpace(text)
	if len(text) > len("2006-01-02") {
		if text[10] != 'T' && text[10] != ' ' || len(text) > 40 {
			return false
		}
		text = text[:10]
	}
	_, err := time.Parse("2006-01-02", text)
	return err == nil
}
