package marketing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/marketing/channel"
	"github.com/heycmo/heycmo-go/storage"
)

// outsideChannels are those of whose figures nothing is known until one is connected, with
// the platform that has them.
var outsideChannels = []struct{ name, platform string }{
	{"google_analytics", "google_analytics"}, {"search_console", "google_search_console"},
	{"linkedin", "linkedin"}, {"x", "x"}, {"instagram", "instagram"}, {"facebook", "facebook"}, {"email", ""},
}

// outside reads what customers' platforms know of the last time. What can't be read leaves
// a channel without figures, and says why.
func (t *team) outside(ctx context.Context, customer storage.CustomerID, length time.Duration) ([]channelFigures, error) {
	var list []channelFigures
	for _, c := range outsideChannels {
		one := channelFigures{Channel: c.name, Metrics: map[string]float64{}}
		var err error
		switch {
		case c.name == "email":
			err = t.mailFigures(ctx, customer, length, &one)
		case !t.reaches(c.platform):
			err = connect.ErrNotConnected
		case c.name == "google_analytics":
			err = t.tableFigures(&one, func(from, until time.Time) (channel.Table, error) {
				return channel.Analytics(ctx, channel.AnalyticsQuery{From: from, Until: until, Metrics: analyticsMetrics, Limit: 1})
			}, length)
		case c.name == "search_console":
			err = t.tableFigures(&one, func(from, until time.Time) (channel.Table, error) {
				return channel.Search(ctx, channel.SearchQuery{From: from, Until: until, Limit: 1})
			}, length)
		default:
			err = t.socialFigures(ctx, customer, c.platform, length, &one)
		}
		text, ok := agent.CallerText(err)
		switch {
		case errors.Is(err, connect.ErrNotConnected):
			one.Summary = "Not connected, so nothing is known."
		case ok:
			one.Summary = "Nothing is known: " + text
		case err != nil:
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func (t *team) tableFigures(to *channelFigures, read func(from, until time.Time) (channel.Table, error), length time.Duration) error {
	from, until := t.days(max(int(length/(24*time.Hour)), 1))
	table, err := read(from, until)
	if err != nil {
		return err
	}
	to.Summary = fmt.Sprintf("%s from %s to %s.", table.Of, from.Format(time.DateOnly), until.Format(time.DateOnly))
	if len(table.Rows) == 0 {
		to.Summary += " There are no figures."
		return nil
	}
	for i, v := range table.Rows[0].Figures[:min(len(table.Rows[0].Figures), len(table.Metrics))] {
		to.Metrics[table.Metrics[i]] = rounded(v)
	}
	return nil
}

// socialFigures adds the figures of posts up that were published in the time.
func (t *team) socialFigures(ctx context.Context, customer storage.CustomerID, platform string, length time.Duration, to *channelFigures) error {
	found, err := t.postAnalytics(ctx, customer, platform, 25)
	if err != nil {
		return err
	}
	posts := slices.DeleteFunc(found.Posts, func(p postFigures) bool {
		at, err := time.Parse(time.RFC3339, p.PublishedAt)
		return err != nil || at.Before(t.now().Add(-length)) || p.Error != ""
	})
	switch {
	case len(found.Notes) > 0:
		return agent.Errorf("%s", found.Notes[0])
	case len(posts) == 0:
		to.Summary = "No posts of this time are known."
		return nil
	}
	to.Metrics["posts"] = float64(len(posts))
	seen, engaged := 0.0, 0.0
	for _, p := range posts {
		for name, n := range map[string]*float64{"impressions": p.Impressions, "reactions": p.Reactions, "comments": p.Comments, "shares": p.Shares} {
			if n == nil {
				continue
			}
			to.Metrics[name] += *n
			if name != "impressions" && p.Impressions != nil {
				engaged += *n
			}
		}
		if p.Impressions != nil {
			seen += *p.Impressions
		}
	}
	if seen > 0 {
		to.Metrics["engagementRate"] = rounded(engaged / seen)
	}
	to.Summary = fmt.Sprintf("%d posts of this time.", len(posts))
	return nil
}

func (t *team) mailFigures(ctx context.Context, customer storage.CustomerID, length time.Duration, to *channelFigures) error {
	sent, ended := 0.0, 0.0
	err := eachEvent(ctx, t.store, customer, t.now().Add(-length), func(e storage.Event) {
		switch e.Type {
		case "mail.sent":
			sent++
		case "address.suppressed":
			ended++
		}
	})
	if err == nil && sent+ended == 0 {
		return connect.ErrNotConnected
	}
	to.Metrics["sent"], to.Metrics["unsubscribed"] = sent, ended
	to.Summary = fmt.Sprintf("%g mails of campaigns went out, %g people ended them. Opens and clicks aren't tracked.", sent, ended)
	return err
}

// fromOutside puts what platforms know into the figures of a snapshot.
func (k *kpis) fromOutside(list []channelFigures) {
	seen, engaged := 0.0, 0.0
	for _, c := range list {
		switch c.Channel {
		case "google_analytics":
			k.Conversions = known(c.Metrics, "keyEvents")
		case "search_console":
			k.CTR = known(c.Metrics, "ctr")
		default:
			if rate := known(c.Metrics, "engagementRate"); rate != nil {
				seen += c.Metrics["impressions"]
				engaged += *rate * c.Metrics["impressions"]
			}
		}
	}
	if seen > 0 {
		k.Engagement = new(rounded(engaged / seen))
	}
}

func known(metrics map[string]float64, name string) *float64 {
	if v, ok := metrics[name]; ok {
		return &v
	}
	return nil
}
