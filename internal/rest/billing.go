package rest

import (
	"net/http"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/internal/subscription"
	"github.com/heycmo/heycmo-go/storage"
)

// sold answers with h where something can be bought.
func (f *face) sold(h handle) handle {
	if f.app == nil || !f.app.Sells() {
		return missing("billing")
	}
	return h
}

func (f *face) checkout(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	body, err := httpx.DecodeJSON[NewCheckout](w, r, maxBody)
	if err != nil {
		return err
	}
	started, err := f.app.Checkout(r.Context(), body.Email, body.Plan)
	if err != nil {
		return err
	}
	http.SetCookie(w, f.app.ClaimCookie(r, started.Nonce))
	httpx.JSON(w, http.StatusOK, Checkout{URL: started.URL, SessionID: started.Session, Claim: started.Nonce})
	return nil
}

func (f *face) checkoutAgain(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	body, err := decode[NewCustomerCheckout](w, r)
	if err != nil {
		return err
	}
	started, err := f.app.Subscriptions.CheckoutAgain(r.Context(), p.Customer, body.Plan)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, Checkout{URL: started.URL, SessionID: started.Session})
	return nil
}

func (f *face) portal(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	if err := noBody(w, r); err != nil {
		return err
	}
	link, err := f.app.Subscriptions.Portal(r.Context(), p.Customer)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, Portal{URL: link})
	return nil
}

func (f *face) session(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	return f.answerSession(w, r, subscription.Claim{
		Session: r.PathValue("sessionId"),
		Nonces:  f.app.ClaimNonces(r),
		Look:    r.Method != http.MethodGet || isPrefetch(r.Header),
	})
}

func (f *face) claim(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	body, err := decode[NewClaim](w, r)
	if err != nil {
		return err
	}
	nonces := f.app.ClaimNonces(r)
	if body.Claim != "" {
		nonces = append(nonces, body.Claim)
	}
	return f.answerSession(w, r, subscription.Claim{Session: r.PathValue("sessionId"), Nonces: nonces, Again: true})
}

var errCameToNothing = httpx.Status(http.StatusGone, "this checkout has expired; begin a new one")

func (f *face) answerSession(w http.ResponseWriter, r *http.Request, c subscription.Claim) error {
	w.Header().Set("X-Robots-Tag", "noindex")
	s, err := f.app.Subscriptions.Session(r.Context(), c)
	if err != nil {
		return err
	}
	code, answer := http.StatusOK, CheckoutSession{Customer: CheckoutCustomer{ID: string(s.Customer), Status: CustomerStatus(s.Status)}}
	switch s.Stage {
	case subscription.StageExpired:
		return errCameToNothing
	case subscription.StagePending:
		code, answer.Customer.Status = http.StatusAccepted, CustomerStatusPending
		w.Header().Set("Retry-After", "2")
	case subscription.StageClaimed:
		answer.APIKey = s.APIKey.Reveal()
	case subscription.StageIssued, subscription.StageLapsed:
		answer.KeyIssued = true
	}
	httpx.JSON(w, code, answer)
	return nil
}

// isPrefetch reports whether a browser fetches before anybody asked it to: by
// Sec-Purpose (the Fetch standard, section 3.8), or its forerunners.
func isPrefetch(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		value := strings.ToLower(h.Get(name))
		if strings.Contains(value, "prefetch") || strings.Contains(value, "prerender") || strings.Contains(value, "preview") {
			return true
		}
	}
	return false
}

func (f *face) webhook(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	if r.Header.Get("Content-Encoding") != "" {
		return httpx.Status(http.StatusUnsupportedMediaType, "Content-Encoding must not be there: the signature is over the bytes as they are sent")
	}
	body, err := httpx.ReadBody(w, r, maxBody)
	if err != nil {
		return err
	}
	if err := f.app.Delivered(w.Header(), r, body); err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, WebhookReceipt{Received: true})
	return nil
}

func (f *face) plans(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	if f.app.Subscriptions == nil {
		return missing("billing")(w, r, auth.Principal{})
	}
	prices := f.app.Subscriptions.Prices(r.Context())
	httpx.JSON(w, http.StatusOK, PlanList{Plans: each(f.app.Subscriptions.Plans, func(p billing.Plan) Plan {
		plan := Plan{ID: p.ID, Name: p.Name, Quotas: map[string]int64{}, Features: append([]string{}, p.Features...), TrialDays: p.TrialDays}
		for metric := range p.Quotas {
			if limit, ok := p.Limit(metric); ok {
				plan.Quotas[metric] = limit
			}
		}
		if price, ok := prices[p.Price]; ok {
			plan.Price = Price{
				Amount: price.Amount, Currency: price.Currency,
				Interval: PriceInterval(price.Interval), IntervalCount: price.Count,
			}
		}
		return plan
	})})
	return nil
}

// withSubscription adds to a customer what is known of the subscription.
func (f *face) withSubscription(r *http.Request, c storage.Customer) (Customer, error) {
	shown := CustomerOf(c)
	s, ok, err := f.app.SubscriptionOf(r.Context(), c.ID)
	if ok {
		shown.Subscription = Subscription{
			Status: s.Status, CurrentPeriodEnd: Time{Time: s.CurrentPeriodEnd}, CancelAtPeriodEnd: s.CancelAtPeriodEnd,
		}
	}
	return shown, err
}

func (f *face) usage(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	if f.app.Usage == nil {
		return missing("counting usage")(w, r, p)
	}
	q, err := query(r, "days")
	if err != nil {
		return err
	}
	days, err := number(q, "days", 1, app.MaxUsageDays, app.DefaultUsageDays)
	if err != nil {
		return err
	}
	used, err := f.app.UsageOf(r.Context(), p.Customer, days)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, Usage{Plan: used.Plan.ID, Quotas: each(used.Quotas, quotaOf), Days: each(used.Days, dayOf)})
	return nil
}

func quotaOf(q app.Quota) Quota {
	shown := Quota{Metric: q.Metric, Used: q.Used, Resets: Time{Time: q.Period.End}}
	if q.Limit >= 0 {
		shown.Limit = &q.Limit
	}
	return shown
}

func dayOf(u storage.DayUsage) DayUsage {
	return DayUsage{Day: u.Day.Format(time.DateOnly), Metric: u.Metric, Source: u.Source, Used: u.Used}
}
