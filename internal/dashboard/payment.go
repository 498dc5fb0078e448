package dashboard

import (
	"net/http"

	"github.com/heycmo/heycmo-go/storage"
)

func (h *Handler) hasPayment() bool { return h.app.Sells() && h.app.Subscriptions.HasPortal() }

// payment leads to the payment provider's page, by a page of its own: a policy for forms
// would not let a form be answered with a redirect to anywhere.
func (h *Handler) payment(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if !h.hasPayment() {
		return reply{}, storage.ErrNotFound
	}
	address, err := h.app.Subscriptions.Portal(r.Context(), v.Customer)
	return reply{page: "payment", title: "Payment", data: address}, err
}
