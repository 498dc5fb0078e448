package billingtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call finds out what is asked for. The lock is held.
func (f *Fake) call(method string, path []string, p *params) (obj, *apiError) {
	if len(path) < 2 || path[0] != "v1" {
		return nil, f.unknown(method, path)
	}
	expand := map[string]bool{}
	for _, e := range p.list("expand") {
		if e != "customer" && e != "subscription" {
			p.fail(invalid("expand", "This property cannot be expanded ("+e+")."))
		}
		expand[e] = true
	}
	path = path[1:]
	name := path[0]
	if name == "checkout" || name == "billing" || name == "billing_portal" {
		if len(path) < 2 {
			return nil, f.unknown(method, path)
		}
		name, path = name+"/"+path[1], path[1:]
	}
	id, act := "", ""
	if len(path) > 1 {
		id = path[1]
	}
	if len(path) > 2 {
		act = path[2]
	}
	switch route := method + " " + name; {
	case len(path) > 3:
	case name == "checkout/sessions":
		return f.callSessions(method, id, act, p, expand)
	case act != "":
	case name == "subscriptions":
		return f.callSubscriptions(method, id, p, expand)
	case name == "customers":
		return f.callCustomers(method, id, p)
	case name == "webhook_endpoints":
		return f.callEndpoints(method, id, p)
	case route == "POST billing/meter_events" && id == "":
		return f.createMeterEvent(p)
	case route == "POST billing_portal/sessions" && id == "":
		return f.createPortal(p)
	case route == "GET events":
		return f.callEvents(id, p)
	case route == "GET prices" && id == "":
		return listed(p, "/v1/prices", f.prices.newest(), func(v *price) string { return v.ID }, func(v *price) any { return f.renderPrice(v) })
	case route == "GET prices":
		if v := f.prices.byID[id]; v != nil {
			return f.renderPrice(v), p.finish()
		}
		return nil, missing(404, "price", "price", id)
	case route == "GET promotion_codes" && id == "":
		code := p.get("code")
		found := slices.DeleteFunc(f.codes.newest(), func(c *promotionCode) bool { return code != "" && c.code != code })
		return listed(p, "/v1/promotion_codes", found, func(c *promotionCode) string { return c.id }, func(c *promotionCode) any { return f.renderCode(c) })
	case route == "GET subscription_items" && id == "":
		s := f.subscriptions.byID[p.need("subscription")]
		if s == nil {
			return nil, missing(400, "subscription", "subscription", p.get("subscription"))
		}
		return listed(p, "/v1/subscription_items", []*subscription{s}, func(s *subscription) string { return s.item }, func(s *subscription) any { return f.renderItem(s) })
	}
	return nil, f.unknown(method, path)
}

func (f *Fake) unknown(method string, path []string) *apiError {
	return &apiError{status: 404, message: "Unrecognized request URL (" + method + ": /" + strings.Join(path, "/") + ")."}
}

func (f *Fake) callSessions(method, id, act string, p *params, expand map[string]bool) (obj, *apiError) {
	if method == http.MethodPost && id == "" {
		return f.createSession(p, expand)
	}
	s := f.sessions.byID[id]
	if s == nil {
		return nil, missing(404, "id", "checkout.session", id)
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	switch {
	case method == http.MethodGet && act == "":
	case method == http.MethodPost && act == "expire":
		if s.status != "open" {
			return nil, invalid("", "Only Checkout Sessions with a status in [\"open\"] can be expired.")
		}
		f.expire(s)
	default:
		return nil, f.unknown(method, []string{"checkout", "sessions", id, act})
	}
	return f.renderSession(s, expand), nil
}

func (f *Fake) createSession(p *params, expand map[string]bool) (obj, *apiError) {
	now := f.now()
	s := &session{
		id: newID("cs_test_", 58), status: "open", payment: "unpaid", price: p.need("line_items[0][price]"),
		customer: p.get("customer"), email: p.get("customer_email"), reference: p.get("client_reference_id"),
		success: p.need("success_url"), cancel: p.get("cancel_url"), trialDays: p.number("subscription_data[trial_period_days]"),
		codesAllowed: p.boolean("allow_promotion_codes"), automaticTax: p.boolean("automatic_tax[enabled]"),
		metadata: p.object("metadata"), subscriptionMetadata: p.object("subscription_data[metadata]"),
		created: now, expires: now.Add(sessionLife),
	}
	if mode := p.need("mode"); mode != "subscription" {
		p.fail(invalid("mode", "The fake knows mode subscription only"))
	}
	if q := p.number("line_items[0][quantity]"); q != 1 {
		p.fail(invalid("line_items[0][quantity]", "The fake sells one unit only"))
	}
	address := p.get("customer_update[address]")
	if p.values.Has("subscription_data[trial_period_days]") && (s.trialDays < 1 || s.trialDays > 730) {
		p.fail(invalid("subscription_data[trial_period_days]", "Trials take 1 to 730 days"))
	}
	if s.customer != "" && s.email != "" {
		p.fail(invalid("customer_email", "You may only specify one of these parameters: customer, customer_email."))
	}
	if s.customer == "" && address != "" {
		p.fail(invalid("customer_update", "customer_update can only be used with customer."))
	}
	if s.automaticTax && s.customer != "" && address != "auto" {
		p.fail(invalid("automatic_tax", "Automatic tax calculation in Checkout requires a valid address on the Customer."))
	}
	if s.email != "" && !strings.Contains(s.email, "@") {
		p.fail(&apiError{status: 400, code: "email_invalid", message: "Invalid email address: " + s.email, param: "customer_email"})
	}
	p.checkURL("success_url")
	p.checkURL("cancel_url")
	if len(s.reference) > 200 {
		p.fail(invalid("client_reference_id", "Invalid string"))
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	found := f.prices.byID[s.price]
	if found == nil {
		return nil, missing(400, "line_items[0][price]", "price", s.price)
	}
	s.amount, s.total = found.Amount, found.Amount
	if s.trialDays > 0 {
		s.amount, s.total = 0, 0
	}
	if s.customer != "" {
		c := f.customers.byID[s.customer]
		if c == nil || c.deleted {
			return nil, missing(400, "customer", "customer", s.customer)
		}
		s.email = c.email
	}
	f.sessions.add(s.id, s)
	return f.renderSession(s, expand), nil
}

func (f *Fake) callSubscriptions(method, id string, p *params, expand map[string]bool) (obj, *apiError) {
	if method == http.MethodGet && id == "" {
		of, status := p.get("customer"), p.get("status")
		if of != "" && f.customers.byID[of] == nil {
			return nil, missing(400, "customer", "customer", of)
		}
		found := slices.DeleteFunc(f.subscriptions.newest(), func(s *subscription) bool {
			wrong := status != "" && status != "all" && s.status != status || status == "" && s.status == "canceled"
			return wrong || of != "" && s.customer != of
		})
		return listed(p, "/v1/subscriptions", found, func(s *subscription) string { return s.id }, func(s *subscription) any { return f.renderSubscription(s, expand) })
	}
	s := f.subscriptions.byID[id]
	if s == nil || method == http.MethodDelete && !s.ended.IsZero() {
		return nil, missing(404, "id", "subscription", id)
	}
	switch method {
	case http.MethodGet:
	case http.MethodDelete:
		if err := p.finish(); err != nil {
			return nil, err
		}
		f.end(s)
	case http.MethodPost:
		if err := f.updateSubscription(s, p); err != nil {
			return nil, err
		}
	default:
		return nil, f.unknown(method, []string{"subscriptions", id})
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	return f.renderSubscription(s, expand), nil
}

func (f *Fake) updateSubscription(s *subscription, p *params) *apiError {
	item, to := p.get("items[0][id]"), p.get("items[0][price]")
	end, set := p.boolean("cancel_at_period_end"), p.values.Has("cancel_at_period_end")
	if err := p.finish(); err != nil {
		return err
	}
	switch {
	case !s.ended.IsZero():
		return invalid("", "A canceled subscription can only update its cancellation_details and metadata.")
	case to != "" && item != s.item:
		return missing(400, "items[0][id]", "subscription_item", item)
	case to != "" && f.prices.byID[to] == nil:
		return missing(400, "items[0][price]", "price", to)
	}
	if to != "" {
		s.price = to
	}
	if set {
		f.endLater(s, end)
	}
	f.updated(s)
	return nil
}

func (f *Fake) callCustomers(method, id string, p *params) (obj, *apiError) {
	if method == http.MethodPost && id == "" {
		c := &customer{email: p.get("email"), metadata: p.object("metadata")}
		if err := p.finish(); err != nil {
			return nil, err
		}
		f.addCustomer(c)
		return f.renderCustomer(c), nil
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	c := f.customers.byID[id]
	switch {
	case c == nil:
		return nil, missing(404, "id", "customer", id)
	case method == http.MethodGet:
		return f.renderCustomer(c), nil
	case method == http.MethodDelete && c.deleted:
		return nil, missing(404, "id", "customer", id)
	case method == http.MethodDelete:
		f.deleteCustomer(c)
		return f.renderCustomer(c), nil
	}
	return nil, f.unknown(method, []string{"customers", id})
}

func (f *Fake) callEndpoints(method, id string, p *params) (obj, *apiError) {
	switch {
	case method == http.MethodPost && id == "":
		e := &endpoint{
			id: newID("we_", 24), url: p.need("url"), secret: newID("whsec_", 32), version: p.get("api_version"),
			events: p.list("enabled_events"), created: f.now(),
		}
		if len(e.events) == 0 {
			p.fail(&apiError{status: 400, code: "parameter_missing", message: "Missing required param: enabled_events.", param: "enabled_events"})
		}
		p.checkURL("url")
		if err := p.finish(); err != nil {
			return nil, err
		}
		f.endpoints.add(e.id, e)
		return f.renderEndpoint(e, true), nil
	case method == http.MethodGet && id == "":
		return listed(p, "/v1/webhook_endpoints", f.endpoints.newest(), func(e *endpoint) string { return e.id }, func(e *endpoint) any { return f.renderEndpoint(e, false) })
	}
	e := f.endpoints.byID[id]
	if e == nil {
		return nil, missing(404, "id", "webhook endpoint", id)
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	switch method {
	case http.MethodGet:
		return f.renderEndpoint(e, false), nil
	case http.MethodDelete:
		delete(f.endpoints.byID, id)
		f.endpoints.ids = slices.DeleteFunc(f.endpoints.ids, func(other string) bool { return other == id })
		return obj{"id": id, "object": "webhook_endpoint", "deleted": true}, nil
	}
	return nil, f.unknown(method, []string{"webhook_endpoints", id})
}

func (f *Fake) createMeterEvent(p *params) (obj, *apiError) {
	m := meterEvent{
		name: p.need("event_name"), customer: p.need("payload[stripe_customer_id]"), identifier: p.get("identifier"),
		created: f.now(), at: f.now(),
	}
	value := p.need("payload[value]")
	var err error
	if m.value, err = strconv.ParseInt(value, 10, 64); err != nil || m.value < 0 {
		p.fail(invalid("payload[value]", "The value must be a whole number"))
	}
	if s := p.number("timestamp"); s != 0 {
		m.at = time.Unix(s, 0).UTC()
	}
	if len(m.identifier) > 100 {
		p.fail(invalid("identifier", "At most 100 characters"))
	}
	if m.at.Before(f.now().AddDate(0, 0, -35)) || m.at.After(f.now().Add(5*time.Minute)) {
		p.fail(&apiError{status: 400, code: "timestamp_invalid", message: "The timestamp must be within the last 35 days and 5 minutes ahead", param: "timestamp"})
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	if c := f.customers.byID[m.customer]; c == nil || c.deleted {
		return nil, missing(400, "payload[stripe_customer_id]", "customer", m.customer)
	}
	if m.identifier == "" {
		m.identifier = newID("", 32)
	}
	// Measured by users of the real one: this refusal has no code.
	if _, ok := f.meters[m.identifier]; ok {
		return nil, invalid("", "An event already exists with identifier "+m.identifier+".")
	}
	f.meters[m.identifier] = m
	return obj{
		"object": "billing.meter_event", "created": unix(m.created), "event_name": m.name, "identifier": m.identifier, "livemode": f.opts.Live,
		"payload": obj{"stripe_customer_id": m.customer, "value": value}, "timestamp": unix(m.at),
	}, nil
}

func (f *Fake) createPortal(p *params) (obj, *apiError) {
	id, back := p.need("customer"), p.get("return_url")
	if err := p.finish(); err != nil {
		return nil, err
	}
	if c := f.customers.byID[id]; c == nil || c.deleted {
		return nil, missing(400, "customer", "customer", id)
	}
	return obj{
		"id": newID("bps_", 24), "object": "billing_portal.session", "configuration": "bpc_fake", "created": unix(f.now()), "customer": id,
		"livemode": f.opts.Live, "locale": nil, "on_behalf_of": nil, "return_url": orNull(back), "url": f.opts.URL + portalPath + newID("", 24),
	}, nil
}
