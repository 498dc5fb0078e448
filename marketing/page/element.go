package page

import "strings"

// The names below are those of the HTML Standard, with the meaning that it gives
// them where the text depends on it.

func set(names string) map[string]bool {
	s := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		s[name] = true
	}
	return s
}

var (
	// blocks begin and end lines.
	blocks = set(`address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption
		figure footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li main menu nav ol optgroup option p pre search
		section summary table tbody tfoot thead title tr ul`)
	// voids have no content and no end.
	voids = set(`area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr`)
	// scopes keep end tags inside from reaching outside.
	scopes   = set(`caption html table td template th object`)
	headings = set(`h1 h2 h3 h4 h5 h6`)
	// unread are elements whose content is not text of the page.
	unread = set(`audio canvas datalist embed head iframe map math noembed noframes noscript object rp rt script select style svg
		template textarea title video`)
	// surroundings are the roles of what stands beside the text (WAI-ARIA).
	surroundings = set(`navigation banner contentinfo complementary search menu menubar toolbar dialog alertdialog`)
	// hiddenClasses are the usual names for what is not to be seen.
	hiddenClasses = set(`sr-only visually-hidden visuallyhidden screen-reader-text`)

	// inHead are the elements that don't end the head.
	inHead = set(`base basefont bgsound head link meta noframes noscript script style template title`)

	wantedAttributes = set(`alt aria-hidden aria-label class content datetime hidden href http-equiv itemprop lang name open
		property pubdate role style type`)
)

type implication struct {
	ends  []string
	until map[string]bool
}

// implied tells which open elements end where an element begins, and where the
// search for them stops.
var implied = func() map[string]implication {
	rules := map[string]implication{}
	paragraph := implication{strings.Fields("p"), set("button caption html object table td template th")}
	for name := range set(`address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer
		form h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol p pre search section summary table ul`) {
		rules[name] = paragraph
	}
	rules["li"] = implication{strings.Fields("li p"), set("ul ol menu table td template th")}
	rules["dt"] = implication{strings.Fields("dt dd p"), set("dl table td template th")}
	rules["dd"] = rules["dt"]
	rules["td"] = implication{strings.Fields("td th p"), set("tr table template")}
	rules["th"] = rules["td"]
	rules["tr"] = implication{strings.Fields("tr td th p"), set("table template")}
	for _, name := range []string{"tbody", "thead", "tfoot"} {
		rules[name] = implication{strings.Fields("tbody thead tfoot tr td th p"), set("table template")}
	}
	rules["option"] = implication{strings.Fields("option"), set("select datalist")}
	rules["optgroup"] = implication{strings.Fields("option optgroup"), set("select")}
	rules["a"] = implication{strings.Fields("a"), set("td th table template")}
	rules["button"] = implication{strings.Fields("button"), set("td th table template")}
	return rules
}()

func isHidden(attr map[string]string) bool {
	if hidden, ok := attr["hidden"]; ok && !strings.EqualFold(hidden, "until-found") {
		return true
	}
	if strings.EqualFold(attr["aria-hidden"], "true") {
		return true
	}
	for class := range strings.FieldsSeq(attr["class"]) {
		if hiddenClasses[class] {
			return true
		}
	}
	for declaration := range strings.SplitSeq(attr["style"], ";") {
		property, value, _ := strings.Cut(strings.ToLower(declaration), ":")
		value, _, _ = strings.Cut(strings.TrimSpace(value), "!")
		switch strings.TrimSpace(property) + ":" + strings.TrimSpace(value) {
		case "display:none", "visibility:hidden", "visibility:collapse", "opacity:0", "font-size:0", "font-size:0px":
			return true
		}
	}
	return false
}
