package scan

import (
	"cmp"
	"math"
	"slices"
)

// part is a dimension of a score.
type part struct{ id, title string }

var seoParts = []part{
	{"meta", "Meta tags"},
	{"openGraph", "Open Graph"},
	{"structuredData", "Structured data"},
	{"headings", "Headings"},
	{"content", "Content"},
	{"links", "Links and images"},
	{"crawling", "Crawling and indexing"},
	{"mobile", "Mobile and address"},
}

var geoParts = []part{
	{"answers", "Questions and answers"},
	{"evidence", "Facts and sources"},
	{"authorship", "Author and dates"},
	{"data", "Structured data"},
	{"structure", "Lists, tables and sections"},
	{"reach", "Text that engines can read"},
}

// engineWeights are how much of an engine's score each of geoParts makes, in
// percent.
var engineWeights = struct{ chatGPT, perplexity, gemini, googleAI []int }{
	//           answers evidence authorship data structure reach
	chatGPT:    []int{25, 20, 10, 5, 15, 25},
	perplexity: []int{20, 30, 15, 5, 10, 20},
	gemini:     []int{20, 15, 15, 25, 10, 15},
	googleAI:   []int{20, 15, 15, 15, 15, 20},
}

// grades are the least GEO scores of each.
var grades = []struct {
	least int
	grade string
}{{90, "A"}, {80, "B"}, {70, "C"}, {60, "D"}, {0, "F"}}

// urgent is how many points make a fix urgent.
const urgent = 6

// sum adds up checks: points reached, in hundredths, out of those there are.
type sum struct{ reached, weight int }

func (s *sum) add(weight, percent int) {
	s.reached += weight * percent
	s.weight += weight
}

func (s sum) percent() int {
	if s.weight == 0 {
		return 0
	}
	return (s.reached + s.weight/2) / s.weight
}

// score runs the checks and fills in all that follows from them.
func (r *Report) score(d *document) {
	var seo, geo sum
	open := map[string]bool{}
	inSEO, inGEO := map[string]*sum{}, map[string]*sum{}
	r.Checks = Checklist{Urgent: []Item{}, Recommended: []Item{}, Done: []Item{}}
	for _, c := range checks {
		percent, found := c.judge(d)
		percent = min(max(percent, 0), 100)
		seo.add(c.seo, percent)
		geo.add(c.geo, percent)
		partOf(inSEO, c.seoPart).add(c.seo, percent)
		partOf(inGEO, c.geoPart).add(c.geo, percent)
		r.Checks.add(d, c, percent, found, open)
	}
	r.Checks.sort()
	r.SEOScore, r.GEOScore = seo.percent(), geo.percent()
	r.SEOBand, r.GEOBand = bandOf(r.SEOScore), bandOf(r.GEOScore)
	r.SEOParts, r.GEOParts = partsOf(seoParts, inSEO), partsOf(geoParts, inGEO)
	for _, g := range grades {
		if r.GEOScore >= g.least {
			r.Grade = g.grade
			break
		}
	}
	engine := func(weights []int) int {
		total := 0 // in ten-thousandths of a point
		for i, weight := range weights {
			s := inGEO[geoParts[i].id]
			total += weight * s.reached * 100 / s.weight
		}
		return (total + 5000) / 10000
	}
	r.Engines = Engines{
		ChatGPT:    engine(engineWeights.chatGPT),
		Perplexity: engine(engineWeights.perplexity),
		Gemini:     engine(engineWeights.gemini),
		GoogleAI:   engine(engineWeights.googleAI),
	}
}

func partOf(sums map[string]*sum, id string) *sum {
	if sums[id] == nil {
		sums[id] = &sum{}
	}
	return sums[id]
}

func partsOf(parts []part, sums map[string]*sum) []Part {
	out := make([]Part, len(parts))
	for i, p := range parts {
		s := sums[p.id]
		out[i] = Part{ID: p.id, Title: p.title, Score: s.percent(), Weight: s.weight}
	}
	return out
}

func bandOf(score int) Band {
	switch {
	case score >= 80:
		return Green
	case score >= 60:
		return Amber
	}
	return Red
}

// add puts a check into its group; open are the checks so far that failed.
func (l *Checklist) add(d *document, c check, percent int, found string, open map[string]bool) {
	item := Item{ID: c.id, Title: c.title, Found: found, Why: c.why}
	if percent == 100 {
		l.Done = append(l.Done, item)
		return
	}
	open[c.id] = true
	if open[c.with] {
		item.With = c.with
	}
	item.Fix = c.fix
	if c.markup != nil {
		item.Markup = c.markup(d)
	}
	item.SEOPoints, item.GEOPoints = missing(c.seo, percent), missing(c.geo, percent)
	if found == noText {
		item.Fix, item.Markup = "Nothing in itself: it counts as soon as the page has text.", ""
	} else if item.Points() >= urgent {
		l.Urgent = append(l.Urgent, item)
		return
	}
	l.Recommended = append(l.Recommended, item)
}

// missing returns the points that a check has left, to one decimal.
func missing(weight, percent int) float64 {
	return math.Round(float64(weight*(100-percent))/10) / 10
}

// sort puts the most valuable first; what brings the same stays in order. A page
// that engines may not index has nothing of the other fixes before that one.
func (l *Checklist) sort() {
	value := func(i Item) float64 {
		if i.ID == "indexable" {
			return 100
		}
		return i.Points()
	}
	slices.SortStableFunc(l.Urgent, func(a, b Item) int { return cmp.Compare(value(b), value(a)) })
	slices.SortStableFunc(l.Recommended, func(a, b Item) int { return cmp.Compare(b.Points(), a.Points()) })
}
