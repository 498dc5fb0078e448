package marketing

import (
	"context"
	"fmt"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/workflow"
)

const reportKind = "analytics_report"

type reportIn struct {
	Period string `json:"period,omitempty" jsonschema:"last_7_days, which is the default, or last_30_days"`
}

// channelFigures is what is known of a channel.
type channelFigures struct {
	Channel string             `json:"channel" jsonschema:"its name"`
	Metrics map[string]float64 `json:"metrics" jsonschema:"figures by name"`
	Summary string             `json:"summary" jsonschema:"the same in a sentence, or why nothing is known"`
}

type insight struct {
	Insight    string `json:"insight" jsonschema:"what the figures show, with them"`
	Severity   string `json:"severity" jsonschema:"positive, negative or neutral"`
	Actionable bool   `json:"actionable" jsonschema:"whether something can be done about it"`
}

type adjustedWeight struct {
	Category string  `json:"category" jsonschema:"format_weights, posting_times, topic_focus, voice_refinement or channel_strategy"`
	Key      string  `json:"key" jsonschema:"what is weighed, in lower-case letters, digits, _ or -, such as blog"`
	Previous float64 `json:"previousValue" jsonschema:"its weight so far, from 0 to 1; 0.5 when it has none"`
	Proposed float64 `json:"proposedValue" jsonschema:"the weight that you propose, from 0 to 1"`
	Why      string  `json:"rationale" jsonschema:"why, with the figures"`
}

// study is what the analyst makes of the figures.
type study struct {
	Report          string           `json:"report" jsonschema:"the narrative in Markdown, one page at most: what happened, why, what to do"`
	Insights        []insight        `json:"insights" jsonschema:"at most 10"`
	Recommendations []string         `json:"recommendations" jsonschema:"what to do next, the most valuable first, at most 5"`
	AdjustedWeights []adjustedWeight `json:"adjustedWeights,omitempty" jsonschema:"changes of weights that the figures speak for; proposals only"`
}

type reportOut struct {
	ID     string `json:"id" jsonschema:"its id"`
	Period string `json:"period" jsonschema:"last_7_days or last_30_days"`
	study
	ChannelMetrics []channelFigures `json:"channelMetrics" jsonschema:"what is known of each channel"`
}

func (t *team) reportWorkflow() *agent.Workflow {
	return agent.NewWorkflow("analytics-report",
		"Puts together what is known of every channel, has the analyst study it, and stores the report with insights, recommendations and proposed weights.",
		t.analyse,
		&agent.WorkflowOptions{Title: "Analytics report", Input: func(s *jsonschema.Schema) {
			oneOf(s, "period", "last_7_days", "last_30_days")
		}})
}

func (t *team) analyse(c workflow.Context, in reportIn) (reportOut, error) {
	out := reportOut{Period: orElse(in.Period, "last_7_days")}
	length := 7 * 24 * time.Hour
	if out.Period == "last_30_days" {
		length = 30 * 24 * time.Hour
	}
	id, err := newID(c, "name the report")
	if err != nil {
		return out, err
	}
	out.ID = id
	out.ChannelMetrics, err = step(c, "collect the figures", func(ctx context.Context) ([]channelFigures, error) {
		now := t.now()
		k, err := t.collect(ctx, c.Customer(), now.Add(-length), now)
		if err != nil {
			return nil, err
		}
		others, err := t.outside(ctx, c.Customer(), length)
		return append(channelsOf(k), others...), err
	})
	if err != nil {
		return out, err
	}
	about, err := given(map[string]any{"period": out.Period, "channels": out.ChannelMetrics})
	if err != nil {
		return out, err
	}
	out.study, err = assign[study](c, t, chore{
		name: "study the figures", title: "Study the figures", agent: "analyst", given: about,
		task: "Study the figures below and say what they mean for the customer. Where nothing is known of a channel, say so and conclude nothing. Propose other weights only where the figures speak for them.",
	})
	if err != nil {
		return out, err
	}
	_, err = step(c, "store the report", func(ctx context.Context) (bool, error) {
		return true, t.keep(ctx, c.Customer(), reportKind, id, out.Period, t.now(), out, "report.stored", map[string]any{"id": id, "period": out.Period})
	})
	return out, err
}

// channelsOf shows the account's own figures as channels.
func channelsOf(k kpis) []channelFigures {
	own := channelFigures{Channel: "content", Metrics: map[string]float64{}}
	answers := channelFigures{Channel: "answer_engines", Metrics: map[string]float64{}, Summary: "No answers of engines were recorded."}
	for _, f := range k.figures() {
		switch {
		case f.value == nil:
		case f.name == "cited":
			answers.Metrics[f.name] = *f.value
			answers.Summary = fmt.Sprintf("The brand appears in %.0f %% of the answers.", 100**f.value)
		default:
			own.Metrics[f.name] = *f.value
		}
	}
	own.Summary = fmt.Sprintf("%g pieces begun, %g approved, %g rejected or sent back, %g leads logged.", *k.Saved, *k.Approved, *k.Rejected, *k.Leads)
	return []channelFigures{own, answers}
}
