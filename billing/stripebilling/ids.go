package stripebilling

import (
	"encoding/json"
	"net/url"
	"regexp"
)

// IDs are checked before they become part of a path or a query. Stripe doesn't
// promise a form (https://docs.stripe.com/upgrades: up to 255 characters), so
// these are wide.
var (
	sessionID      = regexp.MustCompile(`^cs_[A-Za-z0-9_]{8,200}$`)
	subscriptionID = regexp.MustCompile(`^sub_[A-Za-z0-9_]{8,200}$`)
	customerID     = regexp.MustCompile(`^cus_[A-Za-z0-9_]{8,200}$`)
	// Prices that began as plans have names of the merchant's choice.
	priceID        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}$`)
	idempotencyKey = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)
)

// text is a JSON string, or empty.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
