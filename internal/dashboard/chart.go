package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
)

// The charts are SVG with texts for those who don't see them; colours are classes, so that
// they follow the light.

// bar is a day of a chart.
type bar struct {
	Day   time.Time
	Parts map[string]int64 // by name
}

// chart is a chart of days with a table of the same.
type chart struct {
	SVG     template.HTML
	Names   []string // in order, the largest first
	Days    []bar
	Total   int64
	Most    int64 // of a day
	Classes map[string]int
}

// First and Last are the days at the ends.
func (c chart) First() time.Time { return c.Days[0].Day }

// Last is described at First.
func (c chart) Last() time.Time { return c.Days[len(c.Days)-1].Day }

const (
	shownNames = 4
	others     = "others"
)

// stacked draws days as stacked bars.
func stacked(days []bar, what string) chart {
	sums := map[string]int64{}
	var total int64
	for _, d := range days {
		for name, n := range d.Parts {
			sums[name] += n
			total += n
		}
	}
	names := []string{}
	for name := range sums {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(sums[b], sums[a]), strings.Compare(a, b)) })
	if len(names) > shownNames+1 {
		for _, d := range days {
			for _, name := range names[shownNames:] {
				if n := d.Parts[name]; n > 0 {
					d.Parts[others] += n
					delete(d.Parts, name)
				}
			}
		}
		names = append(names[:shownNames:shownNames], others)
	}
	var high int64 = 1
	for _, d := range days {
		var sum int64
		for _, n := range d.Parts {
			sum += n
		}
		high = max(high, sum)
	}
	const width, height, gap = 600.0, 140.0, 3.0
	step := width / float64(max(len(days), 1))
	var w strings.Builder
	fmt.Fprintf(&w, `<svg class="chart" viewBox="0 0 600 142" role="img" aria-label="%s: %d in %d days, at most %d a day">`, template.HTMLEscapeString(what), total, len(days), high)
	fmt.Fprintf(&w, `<line class="axis" x1="0" y1="%g" x2="600" y2="%g"/>`, height, height)
	classes := map[string]int{}
	for i, name := range names {
		classes[name] = i + 1
	}
	for i, d := range days {
		y := height
		for _, name := range names {
			n := d.Parts[name]
			if n == 0 {
				continue
			}
			size := float64(n) / float64(high) * (height - 10)
			y -= size
			fmt.Fprintf(&w, `<rect class="c%d" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s, %s: %d</title></rect>`,
				classes[name], float64(i)*step+gap/2, y, step-gap, size, d.Day.Format("2 Jan"), template.HTMLEscapeString(name), n)
		}
	}
	w.WriteString("</svg>")
	return chart{template.HTML(w.String()), names, days, total, high, classes} //nolint:gosec // texts of others are escaped
}

// ring draws a score from 0 to 100.
func ring(score any, title string) template.HTML {
	n, ok := score.(float64)
	if !ok {
		return ""
	}
	n = min(max(n, 0), 100)
	class := "low"
	switch {
	case n >= 80:
		class = "high"
	case n >= 60:
		class = "middle"
	}
	const around = 2 * 3.14159265 * 40
	return template.HTML(fmt.Sprintf( //nolint:gosec // texts of others are escaped
		`<svg class="ring %s" viewBox="0 0 100 100" role="img" aria-label="%s: %.0f of 100"><circle class="track" cx="50" cy="50" r="40"/>`+
			`<circle class="arc" cx="50" cy="50" r="40" stroke-dasharray="%.1f %.1f" transform="rotate(-90 50 50)"/><text x="50" y="57" text-anchor="middle">%.0f</text></svg>`,
		class, template.HTMLEscapeString(title), n, n/100*around, around, n))
}

// line draws values from the oldest to the newest.
func line(values []float64, title string) template.HTML {
	if len(values) < 2 {
		return ""
	}
	low, high := slices.Min(values), slices.Max(values)
	if high == low {
		high, low = high+1, low-1
	}
	var points []string
	for i, v := range values {
		points = append(points, fmt.Sprintf("%.1f,%.1f", 4+float64(i)/float64(len(values)-1)*112, 32-(v-low)/(high-low)*28))
	}
	return template.HTML(fmt.Sprintf( //nolint:gosec // texts of others are escaped
		`<svg class="line" viewBox="0 0 120 36" role="img" aria-label="%s: %g at first, %g now"><polyline points="%s"/></svg>`,
		template.HTMLEscapeString(title), values[0], values[len(values)-1], strings.Join(points, " ")))
}
