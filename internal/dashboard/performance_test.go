package dashboard

import "testing"

func TestTrends(t *testing.T) {
	snapshot := func(leads, engagement float64, deltas ...any) any {
		return map[string]any{"kpis": map[string]any{"leads": leads, "engagementRate": engagement, "nobody's": 1.0}, "deltas": deltas}
	}
	delta := func(kpi string, change float64, big bool) any {
		return map[string]any{"kpi": kpi, "change": change, "significant": big}
	}
	list := trends([]any{
		snapshot(3, 0.035, delta("leads", -4.5, true), delta("engagementRate", 0.004, false), delta("runs", 0, true)),
		snapshot(7.5, 0.031),
	})
	if len(list) != 2 {
		t.Fatalf("trends: %+v", list)
	}
	leads, engagement := list[0], list[1]
	if leads.Now != "3" || leads.Delta != "−4.5" || !leads.Big || leads.Line == "" {
		t.Errorf("leads: %+v", leads)
	}
	if engagement.Now != "3.5 %" || engagement.Delta != "+0.4 points" || engagement.Big {
		t.Errorf("engagement: %+v", engagement)
	}
	if list := trends([]any{nil}); len(list) != 0 {
		t.Errorf("a snapshot that is none: %+v", list)
	}
}
