package stripebilling

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

// kinds are the types that matter. All lead to the same reading; the kind only
// says which notification may follow (https://docs.stripe.com/api/events/types).
var kinds = map[string]billing.Kind{
	"checkout.session.completed":                   billing.KindChanged,
	"checkout.session.async_payment_succeeded":     billing.KindChanged,
	"checkout.session.async_payment_failed":        billing.KindPaymentFailed,
	"checkout.session.expired":                     billing.KindChanged,
	"customer.subscription.created":                billing.KindChanged,
	"customer.subscription.updated":                billing.KindChanged,
	"customer.subscription.deleted":                billing.KindChanged,
	"customer.subscription.paused":                 billing.KindChanged,
	"customer.subscription.resumed":                billing.KindChanged,
	"customer.subscription.trial_will_end":         billing.KindTrialEnding,
	"customer.subscription.pending_update_applied": billing.KindChanged,
	"customer.subscription.pending_update_expired": billing.KindChanged,
	"invoice.paid":                                 billing.KindChanged,
	"invoice.payment_failed":                       billing.KindPaymentFailed,
	"invoice.payment_action_required":              billing.KindActionRequired,
	"invoice.finalization_failed":                  billing.KindChanged,
	"invoice.marked_uncollectible":                 billing.KindChanged,
	"invoice.upcoming":                             billing.KindChanged,
	"customer.updated":                             billing.KindChanged,
	"customer.deleted":                             billing.KindChanged,
	"charge.refunded":                              billing.KindChanged,
	"charge.dispute.created":                       billing.KindDispute,
	"charge.dispute.closed":                        billing.KindDispute,
	"radar.early_fraud_warning.created":            billing.KindDispute,
}

// object is a JSON object of which nothing is believed before it is looked at.
type object map[string]json.RawMessage

func asObject(raw json.RawMessage) object {
	var o object
	if json.Unmarshal(raw, &o) != nil {
		return nil
	}
	return o
}

// parseEvent reads an event in any API version: what it is and what it is about,
// never a state. That an event has the parts it should have besides ID and type
// isn't asked for, since the truth is read later. The error is
// billing.ErrMalformed.
func parseEvent(body []byte) (billing.Notice, error) {
	e := asObject(body)
	n := billing.Notice{
		ID:      text(e["id"]),
		Type:    text(e["type"]),
		Created: moment(e["created"]),
		Live:    string(e["livemode"]) == "true",
		Kind:    billing.KindIgnored,
	}
	if !plain(n.ID) || !plain(n.Type) {
		return billing.Notice{}, billing.ErrMalformed
	}
	// Events of connected accounts and of other contexts are about objects that
	// our key doesn't find.
	if text(e["account"]) != "" || text(e["context"]) != "" {
		return n, nil
	}
	// Thin events say the same with a version before the type
	// (https://docs.stripe.com/event-destinations#thin-events).
	kind, known := kinds[strings.TrimPrefix(n.Type, "v1.")]
	if !known {
		return n, nil
	}
	n.Kind = kind
	if related := asObject(e["related_object"]); related != nil {
		n.Ref = refOf(object{"id": related["id"], "object": related["type"]})
	} else {
		n.Ref = refOf(asObject(asObject(e["data"])["object"]))
	}
	return n, nil
}

// refOf finds the IDs in what an event is about. Those of a form that can't be
// asked for are left out.
func refOf(o object) billing.Ref {
	var r billing.Ref
	// IDs of other objects are text, or the object itself.
	id := func(raw json.RawMessage) string {
		if s := text(raw); s != "" {
			return s
		}
		return text(asObject(raw)["id"])
	}
	switch text(o["object"]) {
	case "checkout.session":
		r = billing.Ref{Session: text(o["id"]), Subscription: id(o["subscription"]), Customer: id(o["customer"])}
	case "subscription":
		r = billing.Ref{Subscription: text(o["id"]), Customer: id(o["customer"])}
	case "customer":
		r = billing.Ref{Customer: text(o["id"])}
	case "invoice":
		r = billing.Ref{Subscription: id(o["subscription"]), Customer: id(o["customer"])}
		if r.Subscription == "" { // since 2025-03-31
			r.Subscription = id(asObject(asObject(o["parent"])["subscription_details"])["subscription"])
		}
	default: // charges have a customer; disputes and warnings don't
		r = billing.Ref{Customer: id(o["customer"])}
		if r.Customer == "" {
			r.Customer = id(asObject(o["charge"])["customer"])
		}
	}
	if !sessionID.MatchString(r.Session) {
		r.Session = ""
	}
	if !subscriptionID.MatchString(r.Subscription) {
		r.Subscription = ""
	}
	if !customerID.MatchString(r.Customer) {
		r.Customer = ""
	}
	return r
}

// plain says whether s can be the ID or the type of an event: 1 to 255 printable
// ASCII characters without spaces.
func plain(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 255
}

// moment reads seconds, or the RFC 3339 time of a thin event.
func moment(raw json.RawMessage) time.Time {
	if t, err := time.Parse(time.RFC3339, text(raw)); err == nil {
		return t.UTC()
	}
	if seconds, err := strconv.ParseInt(string(raw), 10, 64); err == nil && seconds < 1<<37 { // the year 6325
		return at(seconds)
	}
	return time.Time{}
}
