package billingtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

// Event is one event of a [Fake]. Its methods return variants of it; an Event
// itself doesn't change.
type Event struct {
	ID, Type string
	Created  time.Time
	Body     []byte // as it is sent

	signedAt time.Time // zero: when it is sent
}

// tell records an event. The object is written down now, as it is.
func (f *Fake) tell(kind string, about obj) {
	e := &Event{ID: newID("evt_", 24), Type: kind, Created: f.now()}
	body, err := json.Marshal(obj{
		"id": e.ID, "object": "event", "api_version": Version, "created": unix(e.Created), "data": obj{"object": about}, "livemode": f.opts.Live,
		"pending_webhooks": 1, "request": obj{"id": nil, "idempotency_key": nil}, "type": kind,
	})
	if err != nil {
		panic(err)
	}
	e.Body = body
	f.events.add(e.ID, e)
}

// SignedAt is e with a signature of another time than when it is sent.
func (e Event) SignedAt(t time.Time) Event {
	e.signedAt = t
	return e
}

// OfType is e with another type.
func (e Event) OfType(kind string) Event {
	e.Type = kind
	return e.edit(func(o obj) { o["type"] = kind })
}

// OldRequest is e as versions before 2017-05-25 write it, with a text for its
// request.
func (e Event) OldRequest() Event {
	return e.edit(func(o obj) { o["request"], o["api_version"] = "req_fake", "2017-04-06" })
}

// InVersion is e in the shape of another API version. From 2025-03-31 on,
// subscriptions have no period and invoices name their subscription elsewhere.
func (e Event) InVersion(version string) Event {
	return e.edit(func(o obj) {
		o["api_version"] = version
		data, _ := o["data"].(obj)
		about, _ := data["object"].(obj)
		if version < "2025-03-31" || about == nil {
			return
		}
		switch about["object"] {
		case "subscription":
			items, _ := about["items"].(obj)
			list, _ := items["data"].([]any)
			for _, item := range list {
				item.(obj)["current_period_start"], item.(obj)["current_period_end"] = about["current_period_start"], about["current_period_end"]
			}
			delete(about, "current_period_start")
			delete(about, "current_period_end")
		case "invoice":
			about["parent"] = obj{"type": "subscription_details", "subscription_details": obj{"subscription": about["subscription"], "metadata": obj{}}}
			delete(about, "subscription")
			delete(about, "paid")
		}
	})
}

// Thin is e as a thin event, which only names its object.
func (e Event) Thin() Event {
	e.Type = "v1." + e.Type
	return e.edit(func(o obj) {
		data, _ := o["data"].(obj)
		about, _ := data["object"].(obj)
		id, _ := about["id"].(string)
		kind, _ := about["object"].(string)
		o["object"], o["type"], o["created"] = "v2.core.event", e.Type, e.Created.Format("2006-01-02T15:04:05.000Z")
		o["related_object"] = obj{"id": id, "type": kind, "url": "/v1/" + kind + "s/" + id}
		o["reason"], o["context"] = nil, nil
		for _, name := range []string{"data", "api_version", "pending_webhooks", "request"} {
			delete(o, name)
		}
	})
}

func (e Event) edit(change func(obj)) Event {
	decoder := json.NewDecoder(bytes.NewReader(e.Body))
	decoder.UseNumber()
	var o obj
	if err := decoder.Decode(&o); err != nil {
		return e // nothing to change in what is no object
	}
	change(o)
	e.Body, _ = json.Marshal(o)
	return e
}

// Events are all events so far, oldest first.
func (f *Fake) Events() []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Event
	for _, id := range f.events.ids {
		out = append(out, *f.events.byID[id])
	}
	return out
}

// Deliveries are the events that no delivery was successful for, oldest first.
func (f *Fake) Deliveries() []Event {
	return slices.DeleteFunc(f.Events(), func(e Event) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.delivered[e.ID]
	})
}

// Deliver signs and posts events to an address, one after the other in the order
// given, the same one as often as it is given. The error tells how many were not
// answered with 2xx, and of the first; the rest are delivered all the same.
func (f *Fake) Deliver(ctx context.Context, url string, events ...Event) error {
	var first error
	failed := 0
	for _, e := range events {
		status, err := f.DeliverOne(ctx, url, e)
		if err == nil && status/100 == 2 {
			continue
		}
		failed++
		if err == nil {
			err = fmt.Errorf("status %d", status)
		}
		if first == nil {
			first = fmt.Errorf("%s: %w", e.Type, err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("billingtest: %d of %d deliveries failed: %w", failed, len(events), first)
	}
	return nil
}

// DeliverOne signs and posts one event and returns the status of the answer.
func (f *Fake) DeliverOne(ctx context.Context, url string, e Event) (status int, err error) {
	at := e.signedAt
	if at.IsZero() {
		at = time.Now()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(e.Body))
	if err != nil {
		return 0, err
	}
	req.Header = f.sign(e.Body, at, f.secretsOf(url))
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	if res.StatusCode/100 == 2 {
		f.mu.Lock()
		f.delivered[e.ID] = true
		f.mu.Unlock()
	}
	return res.StatusCode, nil
}

// Secret signs deliveries to addresses that no webhook endpoint was made for.
func (f *Fake) Secret() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opts.Secret
}

// RollSecret makes a new secret. Deliveries are signed with the old ones too.
func (f *Fake) RollSecret() (secret string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.oldSecrets = append(f.oldSecrets, f.opts.Secret)
	f.opts.Secret = newID("whsec_", 32)
	return f.opts.Secret
}

func (f *Fake) secretsOf(url string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.endpoints.byID {
		if e.url == url {
			return []string{e.secret}
		}
	}
	return append([]string{f.opts.Secret}, f.oldSecrets...)
}

// Sign makes a delivery of any body, signed and arriving at the given time. A nil
// body is an event about a subscription that doesn't exist.
func (f *Fake) Sign(body []byte, at time.Time) billing.Delivery {
	if body == nil {
		body = []byte(`{"id":"` + newID("evt_", 24) + `","object":"event","api_version":"` + Version + `","created":` + strconv.FormatInt(at.Unix(), 10) +
			`,"data":{"object":{"id":"` + newID("sub_", 24) + `","object":"subscription"}},"livemode":false,"type":"customer.subscription.updated"}`)
	}
	return billing.Delivery{Body: body, Header: f.sign(body, at, f.secretsOf("")), At: at}
}

// sign makes the header (https://docs.stripe.com/webhooks#verify-manually).
func (f *Fake) sign(body []byte, at time.Time, secrets []string) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	parts := []string{"t=" + stamp}
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(stamp + "."))
		mac.Write(body)
		parts = append(parts, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return http.Header{"Stripe-Signature": {strings.Join(parts, ",")}}
}

func (f *Fake) callEvents(id string, p *params) (obj, *apiError) {
	render := func(e *Event) any { return json.RawMessage(e.Body) }
	if id != "" {
		e := f.events.byID[id]
		if e == nil {
			return nil, missing(404, "id", "event", id)
		}
		var out obj
		if err := json.Unmarshal(e.Body, &out); err != nil {
			panic(err)
		}
		return out, p.finish()
	}
	types, from, to := p.list("types"), p.number("created[gte]"), p.number("created[lte]")
	if one := p.get("type"); one != "" {
		types = append(types, one)
	}
	if len(types) > 20 {
		p.fail(invalid("types", "At most 20 types"))
	}
	oldest := f.now().AddDate(0, 0, -30).Unix()
	found := slices.DeleteFunc(f.events.newest(), func(e *Event) bool {
		at := e.Created.Unix()
		return at < max(from, oldest) || to != 0 && at > to || len(types) > 0 && !slices.Contains(types, e.Type)
	})
	return listed(p, "/v1/events", found, func(e *Event) string { return e.ID }, render)
}

// Endpoint is a webhook endpoint that was made through the API.
type Endpoint struct {
	URL, Version string
	Events       []string
}

// Endpoints are the webhook endpoints, oldest first.
func (f *Fake) Endpoints() []Endpoint {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Endpoint
	for _, id := range f.endpoints.ids {
		e := f.endpoints.byID[id]
		out = append(out, Endpoint{URL: e.url, Version: e.version, Events: slices.Clone(e.events)})
	}
	return out
}
