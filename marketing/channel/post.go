package channel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/connect"
)

const graph = "https://graph.facebook.com/v23.0"

// Post is what is to be published.
type Post struct {
	Text string
	// Page is the ID of a page of Facebook; empty: the only one.
	Page string
}

// longest are how many characters a post has at most.
var longest = map[string]int{"linkedin": 3000, "x": 280, "facebook": 63206}

// Publish publishes a post: on LinkedIn as the member, on X as the account, on Facebook as
// a page. When an error is not [Unsent], nobody knows whether it was published.
func Publish(ctx context.Context, platform string, p Post) (Published, error) {
	if most := longest[platform]; utf8.RuneCountInString(p.Text) > most {
		return Published{}, unsent(agent.Errorf("a post on %s has at most %d characters; this has %d", titles[platform], most, utf8.RuneCountInString(p.Text)))
	}
	switch platform {
	case "linkedin":
		return publishOnLinkedIn(ctx, p)
	case "x":
		a, err := ask[struct{ Data struct{ ID string } }](ctx, platform, connect.Request{Method: post, URL: "https://api.x.com/2/tweets", JSON: map[string]string{"text": p.Text}})
		return named(platform, a.Data.ID, "https://x.com/i/web/status/"+url.PathEscape(a.Data.ID), err)
	case "facebook":
		return publishOnFacebook(ctx, p)
	}
	return Published{}, unsent(explain(platform, connect.ErrNotConnected))
}

// named is what was published, whose ID must be known.
func named(platform, id, address string, err error) (Published, error) {
	if err == nil && id == "" {
		err = explain(platform, fmt.Errorf("%w: it doesn't say what was published", connect.ErrUnavailable))
	}
	if err != nil {
		return Published{}, err
	}
	return Published{ID: id, URL: address}, nil
}

// unsentError is an error before anything was asked of a platform that changes something.
type unsentError struct{ error }

func (e unsentError) Unwrap() error { return e.error }

func unsent(err error) error {
	if err == nil {
		return nil
	}
	return unsentError{err}
}

// Unsent reports whether an error says that nothing was published or sent.
func Unsent(err error) bool {
	_, before := errors.AsType[unsentError](err)
	return before || connect.Unsent(err)
}

func publishOnLinkedIn(ctx context.Context, p Post) (Published, error) {
	member, err := ask[struct{ Sub string }](ctx, "linkedin", connect.Request{URL: "https://api.linkedin.com/v2/userinfo"})
	if err != nil {
		return Published{}, unsent(err)
	}
	resp, err := connect.Do(ctx, "linkedin", connect.Request{Method: post, URL: "https://api.linkedin.com/rest/posts", JSON: map[string]any{
		"author": "urn:li:person:" + member.Sub, "commentary": littleText(p.Text), "visibility": "PUBLIC",
		"distribution":   map[string]any{"feedDistribution": "MAIN_FEED", "targetEntities": []any{}, "thirdPartyDistributionChannels": []any{}},
		"lifecycleState": "PUBLISHED", "isReshareDisabledByAuthor": false,
	}})
	id := http.Header(resp.Header).Get("X-Restli-Id")
	return named("linkedin", id, "https://www.linkedin.com/feed/update/"+url.PathEscape(id), explain("linkedin", err))
}

// littleText escapes what has a meaning in LinkedIn's "little text format", but the sign of
// hashtags.
var littleText = strings.NewReplacer(
	`\`, `\\`, `|`, `\|`, `{`, `\{`, `}`, `\}`, `@`, `\@`, `[`, `\[`, `]`, `\]`, `(`, `\(`, `)`, `\)`, `<`, `\<`, `>`, `\>`, `*`, `\*`, `_`, `\_`, `~`, `\~`,
).Replace

func publishOnFacebook(ctx context.Context, p Post) (Published, error) {
	list, err := ask[struct{ Data []struct{ ID, Name string } }](ctx, "facebook", connect.Request{URL: graph + "/me/accounts?fields=id,name&limit=100"})
	if err != nil {
		return Published{}, unsent(err)
	}
	var things []thing
	for _, page := range list.Data {
		things = append(things, thing{page.ID, page.Name})
	}
	page, err := choose("facebook", "page", p.Page, things)
	if err != nil {
		return Published{}, unsent(err)
	}
	a, err := ask[struct{ ID string }](ctx, "facebook", connect.Request{
		Method: post, URL: graph + "/" + url.PathEscape(page.id) + "/feed", As: page.id, JSON: map[string]string{"message": p.Text},
	})
	return named("facebook", a.ID, "https://www.facebook.com/"+url.PathEscape(a.ID), err)
}
