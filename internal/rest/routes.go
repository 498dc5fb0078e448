package rest

import (
	"net/http"

	"github.com/heycmo/heycmo-go/internal/app"
)

// route is one operation of the document.
type route struct {
	method, path string
	credential   credential
	limit        app.Scope
	handle       handle
}

// credential is what a request must carry, as the document names it.
type credential string

const (
	public           credential = ""
	apiKey           credential = "apiKey"
	billingKey       credential = "billingKey" // an API key, of an inactive customer too
	adminKey         credential = "adminKey"
	stripeSignature  credential = "stripeSignature"
	inngestSignature credential = "inngestSignature"
)

const unlimited app.Scope = ""

// routes are all operations. In a path, {id} is the customer.
func (f *face) routes() []route {
	const (
		get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
		rest                = app.ScopeREST
		runs, approvals     = "running workflows", "approving"
	)
	return []route{
		{get, "/openapi.json", public, unlimited, f.document},
		{get, "/api/health", public, unlimited, f.health},
		{get, "/api/health/ready", public, unlimited, f.ready},

		{get, "/api/customer/{id}", apiKey, rest, f.customer},
		{get, "/api/events/{id}", apiKey, rest, f.events},

		{get, "/api/keys/{id}", apiKey, rest, f.keys},
		{post, "/api/keys/{id}", apiKey, rest, f.createKey},
		{post, "/api/keys/{id}/rotate", apiKey, rest, f.rotateKey},
		{del, "/api/keys/{id}/{keyId}", apiKey, rest, f.revokeKey},

		{post, "/api/admin/provision", adminKey, rest, f.provision},
		{get, "/api/admin/customers", adminKey, rest, f.customers},
		{post, "/api/admin/customers/{id}/suspend", adminKey, rest, f.suspend},
		{post, "/api/admin/customers/{id}/resume", adminKey, rest, f.resume},
		{post, "/api/admin/customers/{id}/keys", adminKey, rest, f.createKey},

		{post, "/api/checkout", public, app.ScopeCheckout, f.sold(f.checkout)},
		{get, "/api/session/{sessionId}", public, rest, f.sold(f.session)},
		{post, "/api/session/{sessionId}/claim", public, rest, f.sold(f.claim)},
		{get, "/api/plans", public, rest, f.plans},
		{post, "/api/billing/{id}/portal", billingKey, rest, f.sold(f.portal)},
		{post, "/api/billing/{id}/checkout", billingKey, rest, f.sold(f.checkoutAgain)},
		{post, "/api/webhooks/stripe", stripeSignature, app.ScopeWebhook, f.sold(f.webhook)},
		{get, "/api/usage/{id}", apiKey, rest, f.usage},

		{post, "/api/onboard/{id}", apiKey, rest, f.running("onboarding", f.onboard)},
		{post, "/api/connect/{id}", apiKey, rest, f.connecting(f.connect)},
		{get, "/api/connections/{id}", apiKey, rest, f.connecting(f.connections)},
		{del, "/api/connections/{id}/{platform}", apiKey, rest, f.connecting(f.disconnect)},
		{get, "/api/dashboard/{id}", apiKey, rest, f.showing(f.dashboard)},
		{post, "/api/dashboard/{id}/link", apiKey, rest, f.showing(f.dashboardLink)},

		{get, "/api/runs/{id}", apiKey, rest, f.running(runs, f.runs)},
		{get, "/api/runs/{id}/{runId}", apiKey, rest, f.running(runs, f.run)},
		{post, "/api/runs/{id}/{runId}/cancel", apiKey, rest, f.running(runs, f.cancelRun)},
		{get, "/api/approvals/{id}", apiKey, rest, f.running(approvals, f.approvals)},
		{post, "/api/approvals/{id}/{approvalId}", apiKey, rest, f.running(approvals, f.decide)},
		{get, "/api/outreach/linkedin/{id}", apiKey, rest, f.reaching(f.outreach)},
		{post, "/api/outreach/linkedin/{id}/{itemId}", apiKey, rest, f.reaching(f.reportOutreach)},

		{get, "/api/inngest", inngestSignature, unlimited, f.inngest},
		{post, "/api/inngest", inngestSignature, unlimited, f.inngest},
		{put, "/api/inngest", inngestSignature, unlimited, f.inngest},
	}
}
