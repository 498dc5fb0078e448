package billing

import (
	"strconv"
	"strings"
	"time"
)

// Effect is something to be done because of a decision. Store effects in one
// transaction with the account that came with them, once for each ID, and carry
// them out afterwards, at least once: by the ID a handler knows one that it had.
type Effect struct {
	// ID is unique to the cause, such as "onboard:<customer>"; at most 600 bytes.
	ID   string
	Kind EffectKind
	// Customer is our customer's ID.
	Customer string
	// Subscription is the provider's ID; empty when it isn't about one.
	Subscription string
	// Plan is the plan's ID after the change, and Before the one before it.
	Plan, Before string
	// Until is the end of the grace, trial or period that the effect tells of.
	Until time.Time
	// Text says to the operator what is strange.
	Text string
}

// EffectKind says what an effect is about.
type EffectKind string

// The kinds of effects.
const (
	// EffectOpened: entitled for the first time. The key may be claimed, unless an
	// admin has handed it out, and the onboarding may start.
	EffectOpened EffectKind = "opened"
	// EffectPaymentFailed: a payment failed, or waits for the customer to act. The
	// customer is let in Until then.
	EffectPaymentFailed EffectKind = "payment_failed"
	// EffectTrialEnding: the trial ends soon, at Until.
	EffectTrialEnding EffectKind = "trial_ending"
	// EffectCancelPlanned: it won't be renewed at Until.
	EffectCancelPlanned EffectKind = "cancel_planned"
	// EffectSuspended: the customer is let in no longer; paying cures it.
	EffectSuspended EffectKind = "suspended"
	// EffectResumed: the customer is let in again.
	EffectResumed EffectKind = "resumed"
	// EffectEnded: the customer is let in no longer; it takes a new checkout.
	EffectEnded EffectKind = "ended"
	// EffectPlanChanged: another plan, from now on.
	EffectPlanChanged EffectKind = "plan_changed"
	// EffectAlert is for the operator. Nothing was changed because of it.
	EffectAlert EffectKind = "alert"
)

// What is strange about a subscription or, in Account.Alert, about a snapshot.
const (
	// AlertPhase: a phase that is not known. The subscription stays as it was.
	AlertPhase = "phase"
	// AlertPlan: its price is in no plan any more. It keeps the plan that it had.
	AlertPlan = "plan"
	// AlertMissing: the provider doesn't list it any more. It stays as it was.
	AlertMissing = "missing"
	// AlertOther: the snapshot is of another customer. It was not taken.
	AlertOther = "other"
	// AlertUnnamed: the account or the deleted customer has no ID. It was not taken.
	AlertUnnamed = "unnamed"
)

// effectID joins parts by colons. Text of a provider is cut and cleaned, so that an
// ID fits into logs and columns.
func effectID(parts ...string) string {
	for i, part := range parts {
		parts[i] = word(part)
	}
	return strings.Join(parts, ":")
}

// word keeps what IDs of customers and subscriptions are made of.
func word(s string) string {
	s = s[:min(len(s), 255)]
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == ':' {
			return '_'
		}
		return r
	}, s)
}

func unix(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.Unix(), 10)
}
