package marketing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// clean returns the brand with one clean line for each text, and without items
// of which nothing is left.
func (b brand) clean() brand {
	for _, text := range []*string{&b.BrandName, &b.Website, &b.Industry, &b.Offer, &b.Audience, &b.Voice} {
		*text = oneLine(*text)
	}
	for _, list := range []*[]string{&b.Goals, &b.Competitors, &b.Keywords, &b.Facts} {
		var lines []string
		for _, item := range *list {
			if line := oneLine(item); line != "" {
				lines = append(lines, line)
			}
		}
		*list = lines
	}
	return b
}

// lines returns a clean brand, one line for each field that is known and one with
// the names of those that are not. A field takes up to size bytes.
func (b brand) lines(size int) []string {
	var lines, missing []string
	add := func(label, text string) {
		if text == "" {
			missing = append(missing, label)
			return
		}
		lines = append(lines, label+": "+text)
	}
	text := func(label, value string) { add(label, cut(value, size)) }
	list := func(label string, items []string) { add(label, joinItems(items, size)) }
	text("brandName", b.BrandName)
	text("website", b.Website)
	text("industry", b.Industry)
	text("offer", b.Offer)
	text("audience", b.Audience)
	text("voice", b.Voice)
	list("goals", b.Goals)
	list("competitors", b.Competitors)
	list("keywords", b.Keywords)
	list("facts", b.Facts)
	if len(missing) > 0 {
		lines = append(lines, "Not known yet: "+strings.Join(missing, ", "))
	}
	return lines
}

// joinItems puts items on a line of about size bytes and says how many are left
// out.
func joinItems(items []string, size int) string {
	var line string
	for i, item := range items {
		switch {
		case i == 0:
			line = cut(item, size)
		case len(line)+len(item)+2 <= size:
			line += "; " + item
		default:
			return fmt.Sprintf("%s (%d more in get_brand)", line, len(items)-i)
		}
	}
	return line
}

// report is the newest content in one state.
type report struct {
	label  string
	pieces []reported // the most relevant first, then the newest
	since  time.Time  // pieces begun before were not looked at; zero when all were
}

type reported struct {
	piece
	note    string // of the decision about the newest version
	history []decision
	created time.Time
	changed time.Time // when it came into its state
	score   int       // how relevant it is
}

// maxRead is how many pieces in one state a brief looks at.
const maxRead = 250

// reportContent returns the newest content, the most urgent states first, and in
// each state what scores highest.
func reportContent(ctx context.Context, store storage.Documents, customer storage.CustomerID, score func(piece) int) ([]report, error) {
	reports := []report{
		{label: stateRevisionRequested}, {label: stateDraft}, {label: stateApproved}, {label: stateRejected},
	}
	for i := range reports {
		r := &reports[i]
		documents, err := store.Documents(ctx, customer, storage.DocumentQuery{
			Kind: contentKind, Status: r.label, Page: storage.Page{Limit: maxRead},
		})
		if err != nil {
			return nil, err
		}
		if len(documents) == maxRead {
			r.since = documents[maxRead-1].CreatedAt
		}
		for _, d := range documents {
			p, data, err := pieceOf(d)
			if err != nil {
				return nil, err
			}
			shown := reported{piece: p, history: data.History, created: d.CreatedAt, changed: d.UpdatedAt, score: score(p)}
			if n := len(data.History); n > 0 && data.History[n-1].Version == p.Version {
				shown.note = data.History[n-1].Note
			}
			r.pieces = append(r.pieces, shown)
		}
		slices.SortStableFunc(r.pieces, func(a, b reported) int { return b.score - a.score })
	}
	return reports, nil
}

// clean cleans the pieces that are shown.
func (r *report) clean() {
	for i := range min(len(r.pieces), maxReported) {
		p := &r.pieces[i]
		p.Agent, p.Type, p.Title, p.note = oneLine(p.Agent), oneLine(p.Type), oneLine(p.Title), oneLine(p.note)
	}
}

// text returns the report in lines of about 4*size bytes together, and says how
// much is left out.
func (r report) text(size int) string {
	count := fmt.Sprint(len(r.pieces))
	if !r.since.IsZero() {
		count += " or more"
	}
	text := fmt.Sprintf("%s (%s)", r.label, count)
	for i, p := range r.pieces {
		line := fmt.Sprintf("\n- %s: %q, %s by %s, version %d, since %s",
			p.ID, cut(p.Title, size), cut(p.Type, size), cut(p.Agent, size), p.Version, p.changed.UTC().Format(time.DateOnly))
		if p.note != "" {
			line += ", note: " + cut(p.note, size)
		}
		if i > 0 && len(text)+len(line) > 4*size || i == maxReported || i == maxUnrelated && p.score == 0 {
			return fmt.Sprintf("%s\n- the rest is left out: list_content {\"state\": %q}", text, r.label)
		}
		text += line
	}
	return text
}

// How many pieces of one state a brief shows.
const (
	maxReported  = 5
	maxUnrelated = 2 // when those that follow have nothing to do with the task
)
