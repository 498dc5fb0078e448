// Package channel does what a marketing team does at its customers' platforms: it reads
// figures, publishes posts and sends mail, by way of package
// [github.com/heycmo/heycmo-go/connect].
//
//	report, err := channel.Analytics(ctx, channel.AnalyticsQuery{From: from, Until: until, Metrics: []string{"sessions"}})
//	published, err := channel.Publish(ctx, "x", channel.Post{Text: text})
//
// The context is that of a running call, see [connect.Do]. Errors of platforms become
// those that a tool's caller may see, and stay what they are for [errors.Is].
package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/internal/plain"
)

// titles are the names of platforms for people.
var titles = map[string]string{
	"google_analytics": "Google Analytics", "google_search_console": "Google Search Console", "gmail": "Gmail", "outlook": "Outlook",
	"linkedin": "LinkedIn", "x": "X", "facebook": "Facebook", "instagram": "Instagram",
}

// explained is an error of a platform in words for the caller of a tool.
type explained struct {
	text  string
	cause error
}

func (e explained) Error() string { return e.text }
func (e explained) Unwrap() error { return e.cause }

// explain puts an error of a platform into words.
func explain(platform string, err error) error {
	title := titles[platform]
	limit, limited := errors.AsType[*connect.LimitError](err)
	refused, isRefused := errors.AsType[*connect.RefusedError](err)
	text := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, connect.ErrNotConnected):
		text = title + " is not connected. The customer can connect it with connect_platform."
	case errors.Is(err, connect.ErrRevoked), errors.Is(err, connect.ErrRejected):
		text = title + " must be connected again, with connect_platform: the permission has ended or was taken back."
	case limited && limit.After > 0:
		text = fmt.Sprintf("%s was called too often. It says to wait %s.", title, limit.After.Round(time.Second))
	case limited:
		text = title + " was called too often. Try again later."
	case isRefused && refused.Message != "":
		text = fmt.Sprintf("%s refused with status %d. It says: %q", title, refused.Status, plain.Cut(plain.Line(refused.Message), 300))
	case isRefused:
		text = fmt.Sprintf("%s refused with status %d.", title, refused.Status)
	case errors.Is(err, connect.ErrUnavailable):
		text = title + " does not answer as it should right now."
	default:
		return err
	}
	return agent.Errorf("%w", explained{text, err})
}

// ask calls a platform and decodes its answer.
func ask[T any](ctx context.Context, platform string, r connect.Request) (answer T, err error) {
	resp, err := connect.Do(ctx, platform, r)
	if err != nil {
		return answer, explain(platform, err)
	}
	if err := json.Unmarshal(resp.Body, &answer); err != nil {
		return answer, explain(platform, fmt.Errorf("%w: its answer has another form", connect.ErrUnavailable))
	}
	return answer, nil
}

// thing is one of several that an account has, such as a website.
type thing struct{ id, name string }

// choose returns the thing that is wanted, or the only one. Its error lists what there is.
func choose(platform, what, wanted string, things []thing) (thing, error) {
	var list []string
	for _, t := range things {
		if t.id == wanted {
			return t, nil
		}
		list = append(list, fmt.Sprintf("%s (%s)", t.id, plain.Cut(plain.Line(t.name), 60)))
	}
	switch {
	case len(things) == 0:
		return thing{}, agent.Errorf("the account at %s has no %s", titles[platform], what)
	case wanted != "":
		return thing{}, agent.Errorf("the account at %s has no %s %q; it has %s", titles[platform], what, wanted, strings.Join(list, ", "))
	case len(things) > 1:
		return thing{}, agent.Errorf("the account at %s has several; say which %s: %s", titles[platform], what, strings.Join(list, ", "))
	}
	return things[0], nil
}

const post = http.MethodPost
