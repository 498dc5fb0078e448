package marketing_test

import (
	"slices"
	"testing"

	"github.com/heycmo/heycmo-go/marketing"
)

func TestPatterns(t *testing.T) {
	week := func(voice, quality, failed, approved, rejected, leads float64) marketing.KPIs {
		return marketing.KPIs{BrandVoice: &voice, Quality: &quality, Failed: &failed, Approved: &approved, Rejected: &rejected, Leads: &leads}
	}
	still := week(0.7, 0.8, 0, 5, 0, 10)
	for name, c := range map[string]struct {
		last marketing.KPIs
		want []string
	}{
		"a voice that falls below the bar": {week(0.55, 0.5, 0, 5, 0, 10), []string{"critical brandVoice"}},
		"a voice that falls above it":      {week(0.65, 0.5, 0, 5, 0, 10), nil},
		"more refusals":                    {week(0.7, 0.5, 0, 2, 3, 10), []string{"high rejected"}},
		"too few decisions":                {week(0.7, 0.5, 0, 1, 1, 10), nil},
		"runs that fail":                   {week(0.7, 0.5, 0.2, 5, 0, 10), []string{"high failed"}},
		"nothing moves":                    {still, []string{"medium quality"}},
		"more leads":                       {week(0.7, 0.5, 0, 5, 0, 14), []string{"low leads"}},
		"two more leads":                   {week(0.7, 0.5, 0, 5, 0, 12), nil},
		"a better voice":                   {week(0.8, 0.5, 0, 5, 0, 10), []string{"low brandVoice"}},
		"all at once":                      {week(0.5, 0.8, 0.5, 1, 4, 20), []string{"critical brandVoice", "high rejected", "high failed", "medium quality", "low leads"}},
	} {
		got := marketing.Patterns(still, still, still, c.last)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	unknown := still
	unknown.BrandVoice, unknown.Quality = nil, nil
	if got := marketing.Patterns(unknown, still, still, week(0.5, 0.8, 0, 5, 0, 10)); got != nil {
		t.Errorf("what isn't known in every week: %q", got)
	}
	if got := marketing.Patterns(still, still); got != nil {
		t.Errorf("two weeks: %q", got)
	}
}

func TestSensibleProposals(t *testing.T) {
	got := marketing.Sensible(map[string]float64{"format_weights.blog": 0.9},
		marketing.Proposed{Category: "format_weights", Key: "blog", Value: 0.1, Confidence: 0.4},
		marketing.Proposed{Category: "format_weights", Key: "email", Value: 9, Confidence: 0.9},
		marketing.Proposed{Category: "format_weights", Key: "email", Value: 0.1, Confidence: 1}, // twice
		marketing.Proposed{Category: "prices", Key: "all", Value: 0.1, Confidence: 1},
		marketing.Proposed{Category: "topic_focus", Key: "Not a key", Value: 0.1, Confidence: 1},
		marketing.Proposed{Category: "topic_focus", Key: "news", Value: 0.5, Confidence: 1}, // no change
	)
	if want := []string{"format_weights.email 0.7", "format_weights.blog 0.7"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
