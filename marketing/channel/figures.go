package channel

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/internal/plain"
)

// Table is a report: a row for each combination of the dimensions' values.
type Table struct {
	// Of is what it is about: a property or a site.
	Of         string
	Dimensions []string
	Metrics    []string
	Rows       []Row
}

// Row is a line of a Table.
type Row struct {
	Values  []string  // of the dimensions: written by others
	Figures []float64 // of the metrics
}

// AnalyticsQuery is a question to Google Analytics 4.
type AnalyticsQuery struct {
	// Property is its number; empty: the only one.
	Property    string
	From, Until time.Time // days, both included
	// Dimensions and Metrics are names of the Data API, such as "landingPage" and
	// "sessions".
	Dimensions, Metrics []string
	Limit               int // of rows
}

// Analytics asks Google Analytics 4 (Data API v1beta, runReport).
func Analytics(ctx context.Context, q AnalyticsQuery) (Table, error) {
	const platform = "google_analytics"
	summaries, err := ask[struct {
		AccountSummaries []struct {
			PropertySummaries []struct{ Property, DisplayName string }
		}
	}](ctx, platform, connect.Request{URL: "https://analyticsadmin.googleapis.com/v1beta/accountSummaries?pageSize=200"})
	if err != nil {
		return Table{}, err
	}
	var things []thing
	for _, a := range summaries.AccountSummaries {
		for _, p := range a.PropertySummaries {
			things = append(things, thing{strings.TrimPrefix(p.Property, "properties/"), p.DisplayName})
		}
	}
	property, err := choose(platform, "property", q.Property, things)
	if err != nil {
		return Table{}, err
	}
	type name struct {
		Name string `json:"name"`
	}
	body := map[string]any{
		"dateRanges": []any{map[string]string{"startDate": q.From.Format(time.DateOnly), "endDate": q.Until.Format(time.DateOnly)}},
		"limit":      strconv.Itoa(q.Limit),
	}
	for field, names := range map[string][]string{"dimensions": q.Dimensions, "metrics": q.Metrics} {
		var list []name
		for _, n := range names {
			list = append(list, name{n})
		}
		if list != nil {
			body[field] = list
		}
	}
	type value struct{ Value string }
	report, err := ask[struct {
		Rows []struct{ DimensionValues, MetricValues []value }
	}](ctx, platform, connect.Request{
		Method: post, URL: "https://analyticsdata.googleapis.com/v1beta/properties/" + url.PathEscape(property.id) + ":runReport", JSON: body,
	})
	if err != nil {
		return Table{}, err
	}
	t := Table{Of: property.id + " (" + plain.Line(property.name) + ")", Dimensions: q.Dimensions, Metrics: q.Metrics}
	for _, r := range report.Rows {
		var row Row
		for _, v := range r.DimensionValues {
			row.Values = append(row.Values, shown(v.Value))
		}
		for _, v := range r.MetricValues {
			n, _ := strconv.ParseFloat(v.Value, 64) // what is no number counts as none
			row.Figures = append(row.Figures, n)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// shown is a text of others, on one line.
func shown(text string) string { return plain.Cut(plain.Line(text), 300) }

// SearchQuery is a question to Google Search Console.
type SearchQuery struct {
	// Site is as Search Console names it, such as "sc-domain:example.com"; empty: the
	// only one.
	Site        string
	From, Until time.Time // days, both included
	Dimensions  []string  // query, page, country, device or date
	Limit       int
}

var searchMetrics = []string{"clicks", "impressions", "ctr", "position"}

// Search asks Google Search Console (Search Analytics: query).
func Search(ctx context.Context, q SearchQuery) (Table, error) {
	const platform = "google_search_console"
	const sites = "https://www.googleapis.com/webmasters/v3/sites"
	list, err := ask[struct {
		SiteEntry []struct{ SiteURL, PermissionLevel string }
	}](ctx, platform, connect.Request{URL: sites})
	if err != nil {
		return Table{}, err
	}
	var things []thing
	for _, s := range list.SiteEntry {
		if s.PermissionLevel != "siteUnverifiedUser" {
			things = append(things, thing{s.SiteURL, s.PermissionLevel})
		}
	}
	site, err := choose(platform, "site", q.Site, things)
	if err != nil {
		return Table{}, err
	}
	body := map[string]any{"startDate": q.From.Format(time.DateOnly), "endDate": q.Until.Format(time.DateOnly), "rowLimit": q.Limit}
	if len(q.Dimensions) > 0 {
		body["dimensions"] = q.Dimensions
	}
	report, err := ask[struct {
		Rows []struct {
			Keys                               []string
			Clicks, Impressions, CTR, Position float64
		}
	}](ctx, platform, connect.Request{Method: post, URL: sites + "/" + url.PathEscape(site.id) + "/searchAnalytics/query", JSON: body})
	if err != nil {
		return Table{}, err
	}
	t := Table{Of: site.id, Dimensions: q.Dimensions, Metrics: searchMetrics}
	for _, r := range report.Rows {
		row := Row{Figures: []float64{r.Clicks, r.Impressions, r.CTR, r.Position}}
		for _, k := range r.Keys {
			row.Values = append(row.Values, shown(k))
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// PostFigures is what became of a post. What a platform doesn't tell is nil.
type PostFigures struct {
	Impressions, Reactions, Comments, Shares *float64
}

// Engagement is reactions, comments and shares for each impression; nil: not known.
func (f PostFigures) Engagement() *float64 {
	if f.Impressions == nil || *f.Impressions == 0 {
		return nil
	}
	sum := 0.0
	for _, n := range []*float64{f.Reactions, f.Comments, f.Shares} {
		if n != nil {
			sum += *n
		}
	}
	return new(sum / *f.Impressions)
}

// FiguresOf asks a platform what became of a post; id is the one that [Publish] returned.
func FiguresOf(ctx context.Context, platform, id string) (PostFigures, error) {
	switch platform {
	case "x":
		a, err := ask[struct {
			Data struct {
				Metrics struct {
					Impressions float64 `json:"impression_count"`
					Likes       float64 `json:"like_count"`
					Replies     float64 `json:"reply_count"`
					Reposts     float64 `json:"retweet_count"`
					Quotes      float64 `json:"quote_count"`
				} `json:"public_metrics"`
			}
		}](ctx, platform, connect.Request{URL: "https://api.x.com/2/tweets/" + url.PathEscape(id) + "?tweet.fields=public_metrics"})
		m := a.Data.Metrics
		return PostFigures{&m.Impressions, &m.Likes, &m.Replies, new(m.Reposts + m.Quotes)}, err
	case "linkedin":
		a, err := ask[struct {
			ReactionSummaries map[string]struct{ Count float64 }
			CommentSummary    struct{ Count float64 }
		}](ctx, platform, connect.Request{URL: "https://api.linkedin.com/rest/socialMetadata/" + url.PathEscape(id)})
		reactions := 0.0
		for _, r := range a.ReactionSummaries {
			reactions += r.Count
		}
		return PostFigures{Reactions: &reactions, Comments: &a.CommentSummary.Count}, err
	case "facebook":
		type summary struct {
			Summary struct {
				Count float64 `json:"total_count"`
			}
		}
		page, _, _ := strings.Cut(id, "_")
		a, err := ask[struct {
			Reactions, Comments summary
			Shares              struct{ Count float64 }
		}](ctx, platform, connect.Request{
			URL: graph + "/" + url.PathEscape(id) + "?fields=reactions.summary(true).limit(0),comments.summary(true).limit(0),shares", As: pageOf(id, page),
		})
		return PostFigures{Reactions: &a.Reactions.Summary.Count, Comments: &a.Comments.Summary.Count, Shares: &a.Shares.Count}, err
	}
	return PostFigures{}, explain(platform, connect.ErrNotConnected)
}

// pageOf is the page that a post of Facebook is of: the first part of its ID.
func pageOf(id, first string) string {
	if first == id {
		return ""
	}
	return first
}

// Published is a post at a platform.
type Published struct {
	ID, URL string
	// Title is the beginning of its text, and At when it was published, where the platform
	// was asked.
	Title string
	At    time.Time
	PostFigures
}

// InstagramPosts returns the newest posts of an account with their figures.
func InstagramPosts(ctx context.Context, limit int) ([]Published, error) {
	a, err := ask[struct {
		Data []struct {
			ID, Caption, Permalink, Timestamp string
			Likes                             *float64 `json:"like_count"`
			Comments                          *float64 `json:"comments_count"`
		}
	}](ctx, "instagram", connect.Request{
		URL: "https://graph.instagram.com/me/media?fields=id,caption,permalink,timestamp,like_count,comments_count&limit=" + strconv.Itoa(limit),
	})
	var posts []Published
	for _, m := range a.Data {
		at, _ := time.Parse("2006-01-02T15:04:05-0700", m.Timestamp) // else it isn't known
		posts = append(posts, Published{m.ID, m.Permalink, cmp.Or(plain.Cut(shown(m.Caption), 80), "a post"), at, PostFigures{Reactions: m.Likes, Comments: m.Comments}})
	}
	return posts, err
}
