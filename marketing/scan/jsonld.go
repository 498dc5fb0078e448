package scan

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/heycmo/heycmo-go/internal/plain"
)

// linkedData is what the JSON-LD scripts of a page say.
type linkedData struct {
	scripts, parsed int
	types           map[string]bool // without their prefix
	author, date    bool
}

// read takes in the text of one script.
func (l *linkedData) read(script string) {
	l.scripts++
	var root any
	if json.Unmarshal([]byte(script), &root) != nil {
		return
	}
	switch root.(type) {
	case map[string]any, []any:
	default:
		return
	}
	l.parsed++
	for queue := []any{root}; len(queue) > 0; {
		value := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		switch value := value.(type) {
		case []any:
			queue = append(queue, value...)
		case map[string]any:
			for name, v := range value {
				l.property(name, v)
				queue = append(queue, v)
			}
		}
	}
}

func (l *linkedData) property(name string, value any) {
	switch name {
	case "@type":
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, t := range list {
			if t, ok := t.(string); ok {
				l.types[t[strings.LastIndexAny(t, "/:#")+1:]] = true
			}
		}
	case "author", "creator", "publisher", "brand", "manufacturer":
		l.author = l.author || !blank(value)
	case "datePublished", "dateModified", "uploadDate", "dateCreated":
		s, ok := value.(string)
		l.date = l.date || ok && isDate(s)
	}
}

// blank reports whether a value says nothing.
func blank(value any) bool {
	switch value := value.(type) {
	case string:
		return plain.Line(value) == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return true
}

// has reports whether the page has something of one of the types.
func (l *linkedData) has(types map[string]bool) bool {
	for t := range l.types {
		if types[t] {
			return true
		}
	}
	return false
}

func set(names string) map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		m[name] = true
	}
	return m
}

var (
	organizationTypes = set(`Organization Corporation NGO EducationalOrganization OnlineStore OnlineBusiness NewsMediaOrganization
		ProfessionalService LocalBusiness Restaurant Store Hotel Person`)
	knownPages   = set(`WebPage AboutPage ContactPage CollectionPage ItemPage ProfilePage FAQPage QAPage MedicalWebPage`)
	articleTypes = set(`Article NewsArticle BlogPosting TechArticle ScholarlyArticle Report AnalysisNewsArticle`)
	productTypes = set(`Product ProductGroup IndividualProduct ProductModel`)

	// richTypes are the types of schema.org that say what a page is about.
	richTypes = union(articleTypes, productTypes, set(`FAQPage QAPage HowTo Recipe Event Course Dataset SoftwareApplication WebApplication MobileApplication VideoObject
		JobPosting LocalBusiness Restaurant Store Hotel Review Book Movie Service ProfilePage ClaimReview VacationRental
		MedicalWebPage Vehicle Quiz`))

	// knownTypes are those, and types of schema.org that say who and where.
	knownTypes = union(richTypes, organizationTypes, knownPages, set(`WebSite SearchResultsPage Blog BreadcrumbList ItemList
		Offer AggregateOffer AggregateRating ImageObject Place Brand DiscussionForumPosting CreativeWork`))
)

func union(sets ...map[string]bool) map[string]bool {
	all := map[string]bool{}
	for _, s := range sets {
		maps.Copy(all, s)
	}
	return all
}
