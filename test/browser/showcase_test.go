package browser

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/heycmo/heycmo-go/storage"
)

// TestShowcase takes the pictures of the README: the pages of a company as there are many.
func TestShowcase(t *testing.T) {
	if *shots == "" {
		t.Skip("it takes pictures, with -screenshots")
	}
	h := newHost(t, nil)
	h.tool("update_brand", map[string]any{"brandName": "Halden Ledger", "website": "https://halden-ledger.example", "offer": "Month-end close in one day."})
	for _, title := range []string{"Close in one day: how Norrfoods did it", "What eight days of close cost", "Why we show our price"} {
		h.tool("save_content", map[string]any{"agent": "seo-writer", "type": "article", "title": title, "body": "The close took eight days.\n\nIt takes one now.", "channel": "blog"})
	}
	past(t, h)
	h.tool("start_workflow", map[string]any{"workflow": "content-production", "input": map[string]any{"task": "What a month-end close costs"}, "wait": 5})
	for _, l := range []look{looks[0], {"phone-dark", 390, 800, true, true}} {
		b := newTab(t, l, h.server.URL)
		b.open(h.link())
		b.press("main button")
		b.run(chromedp.WaitVisible(".chart", chromedp.ByQuery))
		b.check("showcase-overview")
		b.open("/dashboard/performance")
		b.check("showcase-performance")
	}
}

// past gives the customer a month of use and ten weeks of figures.
func past(t *testing.T, h *host) {
	t.Helper()
	ledger, _ := storage.RoleOf[storage.Ledger](h.store)
	now := time.Now().UTC()
	for day := range 30 {
		at := now.AddDate(0, 0, -day)
		for i, tool := range []string{"ask_cmo", "save_content", "scan_page", "get_content", "list_events"} {
			n := int64((day*7+i*5)%5 + (5-i)*((day+i)%3)/2)
			if n == 0 || at.Weekday() == time.Sunday {
				continue
			}
			r := storage.Reservation{
				CustomerID: h.customer, ID: fmt.Sprintf("%d-%d", day, i), Metric: "tool_calls", Source: tool, Units: n,
				Period: time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC), CreatedAt: at, Until: at.Add(time.Hour),
			}
			if _, err := ledger.Reserve(t.Context(), r, -1); err != nil {
				t.Fatal(err)
			}
			if err := ledger.Settle(t.Context(), []storage.Use{{CustomerID: h.customer, ID: r.ID, Used: n, Done: true}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for week := range 10 {
		at := now.AddDate(0, 0, -7*(9-week))
		kpis := map[string]float64{
			"saved": float64(3 + week*2/3), "approved": float64(2 + week/2), "rejected": float64(2 - week/5), "leads": float64(4 + week*week/6), "brandVoice": 0.58 + float64(week)*0.03,
			"quality": 0.66 + float64(week%4)*0.03, "citability": 0.5 + float64(week)*0.035, "cited": 0.2 + float64(week)*0.03, "engagementRate": 0.031 + float64(week%3)*0.004, "conversions": float64(11 + week*3),
		}
		snapshot := map[string]any{"id": storage.NewID(), "period": "week", "capturedAt": storage.FormatTime(at), "kpis": kpis}
		if week == 9 {
			snapshot["deltas"] = []map[string]any{
				{"kpi": "leads", "before": 14, "now": kpis["leads"], "change": kpis["leads"] - 14, "significant": true}, {"kpi": "cited", "before": 0.44, "now": kpis["cited"], "change": 0.03, "significant": false},
			}
		}
		data, err := json.Marshal(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.store.CreateDocument(t.Context(), storage.Document{
			CustomerID: h.customer, Kind: "performance_snapshot", ID: snapshot["id"].(string), Status: "week", Data: data, CreatedAt: at, UpdatedAt: at,
		}); err != nil {
			t.Fatal(err)
		}
	}
}
