package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
)

// performanceView are the newest snapshots of a period.
type performanceView struct {
	Period  string
	Periods []string
	Count   int // of snapshots
	At      any // when the newest was taken
	Trends  []trend
}

// trend is a figure over time.
type trend struct {
	Title string
	Now   string
	Delta string // since the one before; empty: none
	Big   bool   // the change is more than chance
	Line  template.HTML
}

// kpis are the figures of get_performance_trend that are shown; a share is one of 1.
var kpis = []struct {
	name, title string
	share       bool
}{
	{"saved", "Pieces begun", false},
	{"approved", "Approved", false},
	{"rejected", "Rejected or sent back", false},
	{"leads", "Leads", false},
	{"brandVoice", "Brand voice", true},
	{"quality", "Quality", true},
	{"citability", "Citability", true},
	{"cited", "Cited by answer engines", true},
	{"engagementRate", "Engagement", true},
	{"ctr", "Click-through rate", true},
	{"conversions", "Conversions", false},
	{"runs", "Runs", false},
	{"failed", "Failed", true},
	{"minutes", "Minutes of a run", false},
}

func (h *Handler) performance(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	d := performanceView{Period: cmp.Or(r.URL.Query().Get("period"), "week"), Periods: []string{"day", "week", "month"}}
	out, err := h.tool(r, v, "get_performance_trend", map[string]any{"period": d.Period, "limit": 12})
	if err != nil {
		return reply{}, err
	}
	snapshots, _ := out["snapshots"].([]any)
	if d.Count = len(snapshots); d.Count > 0 {
		newest, _ := snapshots[0].(map[string]any)
		d.At, d.Trends = newest["capturedAt"], trends(snapshots)
	}
	return reply{page: "performance", title: "Performance", data: d}, nil
}

// trends reads the figures of snapshots, of which the newest comes first.
func trends(snapshots []any) (list []trend) {
	newest, _ := snapshots[0].(map[string]any)
	deltas, _ := newest["deltas"].([]any)
	for _, k := range kpis {
		var values []float64 // the oldest first
		for _, s := range slices.Backward(snapshots) {
			one, _ := s.(map[string]any)
			figures, _ := one["kpis"].(map[string]any)
			if f, ok := figures[k.name].(float64); ok {
				values = append(values, f)
			}
		}
		if len(values) == 0 {
			continue
		}
		last := values[len(values)-1]
		t := trend{Title: k.title, Now: fmt.Sprintf("%g", last), Line: line(values, k.title)}
		if k.share {
			t.Now = percent(last)
		}
		for _, d := range deltas {
			one, _ := d.(map[string]any)
			change, _ := one["change"].(float64)
			if one["kpi"] != k.name || change == 0 {
				continue
			}
			t.Delta = difference(change, k.share)
			t.Big, _ = one["significant"].(bool)
		}
		list = append(list, t)
	}
	return list
}

// difference shows a change; that of a share is in percentage points.
func difference(change float64, share bool) string {
	sign := "+"
	if change < 0 {
		sign, change = "−", -change
	}
	if share {
		return sign + strconv.FormatFloat(100*change, 'f', 1, 64) + " points"
	}
	return sign + fmt.Sprintf("%g", change)
}
