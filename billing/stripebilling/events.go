package stripebilling

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"

	"github.com/heycmo/heycmo-go/billing"
)

const maxTypes = 20 // that the list of events filters by

// rawEvent is an event before anybody believes it.
type rawEvent struct{ body json.RawMessage }

// UnmarshalJSON keeps the bytes.
func (e *rawEvent) UnmarshalJSON(b []byte) error {
	e.body = slices.Clone(b)
	return nil
}

func (e *rawEvent) id() string { return text(asObject(e.body)["id"]) }

// Missed lists the events of the types that matter since a time, 30 days at most
// (https://docs.stripe.com/api/events/list), in no particular order. An error is
// the last thing that it yields.
func (p *Provider) Missed(ctx context.Context, since time.Time) iter.Seq2[billing.Notice, error] {
	return func(yield func(billing.Notice, error) bool) {
		for types := range slices.Chunk(eventTypes(), maxTypes) {
			query := &form.Values{}
			if !since.IsZero() {
				query.Add("created[gte]", strconv.FormatInt(since.Unix(), 10))
			}
			for i, t := range types {
				query.Add("types["+strconv.Itoa(i)+"]", t)
			}
			for e, err := range list(ctx, p, "/v1/events", query, (*rawEvent).id) {
				var n billing.Notice
				if err == nil {
					n, err = parseEvent(e.body)
				}
				if err != nil {
					yield(billing.Notice{}, err)
					return
				}
				if !yield(n, nil) {
					return
				}
			}
		}
	}
}

func eventTypes() []string { return slices.Sorted(maps.Keys(kinds)) }

// InstallWebhook makes a webhook endpoint for the events that matter, in the API
// version of this package
// (https://docs.stripe.com/api/webhook_endpoints/create). When the account has one
// with this URL already, it is billing.ErrRefused: its secret can't be had again,
// and a second one would double every delivery.
func (p *Provider) InstallWebhook(ctx context.Context, url string) (string, error) {
	if !webURL(url) {
		return "", refused("url_invalid")
	}
	for e, err := range list(ctx, p, "/v1/webhook_endpoints", &form.Values{}, func(e *stripe.WebhookEndpoint) string { return e.ID }) {
		if err != nil {
			return "", err
		}
		if e.URL == url {
			return "", refused("webhook_endpoint_exists")
		}
	}
	made, err := p.endpoints.New(&stripe.WebhookEndpointParams{
		Params:        stripe.Params{Context: ctx},
		URL:           &url,
		APIVersion:    new(stripe.APIVersion),
		EnabledEvents: stripe.StringSlice(eventTypes()),
	})
	if err != nil {
		return "", err
	}
	if made.Secret == "" {
		return "", unavailable(errNotStripe, 0)
	}
	return made.Secret, nil
}
