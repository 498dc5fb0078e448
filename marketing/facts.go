package marketing

import (
	"context"
	"fmt"
	"strings"

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
	pieces []reported // newest first
	older  bool       // there is more that was not looked at
}

type reported struct {
	piece
	note string // of the decision about the newest version
}

// reportContent returns the newest content that is wanted, the most urgent
// states first.
func reportContent(ctx context.Context, store storage.Documents, customer storage.CustomerID, wanted func(piece) bool) ([]report, error) {
	reports := []report{
		{label: stateRevisionRequested}, {label: stateDraft}, {label: stateApproved}, {label: stateRejected},
	}
	for i := range reports {
		r := &reports[i]
		documents, err := store.Documents(ctx, customer, storage.DocumentQuery{
			Kind: contentKind, Status: r.label, Page: storage.Page{Limit: storage.MaxLimit},
		})
		if err != nil {
			return nil, err
		}
		r.older = len(documents) == storage.MaxLimit
		for _, d := range documents {
			p, data, err := pieceOf(d)
			if err != nil {
				return nil, err
			}
			if !wanted(p) {
				continue
			}
			shown := reported{piece: p}
			if n := len(data.History); n > 0 && data.History[n-1].Version == p.Version {
				shown.note = data.History[n-1].Note
			}
			r.pieces = append(r.pieces, shown)
		}
	}
	return reports, nil
}

func (r *report) clean() {
	for i := range r.pieces {
		p := &r.pieces[i]
		p.Title, p.note = oneLine(p.Title), oneLine(p.note)
	}
}

// text returns the report in lines of about 4*size bytes together, and says how
// much is left out.
func (r report) text(size int) string {
	count := fmt.Sprint(len(r.pieces))
	if r.older {
		count += " or more"
	}
	text := fmt.Sprintf("%s (%s)", r.label, count)
	for i, p := range r.pieces {
		line := fmt.Sprintf("\n- %s: %q, %s, version %d", p.ID, cut(p.Title, size), p.Type, p.Version)
		if p.note != "" {
			line += ", note: " + cut(p.note, size)
		}
		if i > 0 && len(text)+len(line) > 4*size || i == maxReported {
			return fmt.Sprintf("%s\n- the rest is left out: list_content {\"state\": %q}", text, r.label)
		}
		text += line
	}
	return text
}

// maxReported is how many pieces of one state a brief shows.
const maxReported = 5
