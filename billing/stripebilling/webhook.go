package stripebilling

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

const (
	maxDelivery  = 1 << 20  // bytes; Stripe's stay far below
	maxSignature = 16 << 10 // bytes of the header
)

// Verify checks the Stripe-Signature of a delivery
// (https://docs.stripe.com/webhooks#verify-manually) and reads what the event is
// about. Whatever is wrong with the signature, the error is billing.ErrSignature
// alone, so that nobody learns how near they were. A body above 1 MiB is refused
// without a look. d.At must be set: a zero time is far from any signature.
//
// The library's ConstructEvent would take times in the future and an empty
// secret, know one secret only, and refuse every API version but its own.
func (p *Provider) Verify(d billing.Delivery) (billing.Notice, error) {
	headers := d.Header.Values("Stripe-Signature")
	if len(headers) != 1 || len(d.Body) > maxDelivery {
		return billing.Notice{}, billing.ErrSignature
	}
	signed, signatures, ok := parseSignature(headers[0])
	if !ok || !p.inTime(signed, d.At) || !p.signedByUs(signed, d.Body, signatures) {
		return billing.Notice{}, billing.ErrSignature
	}
	return parseEvent(d.Body)
}

func (p *Provider) inTime(signed string, now time.Time) bool {
	seconds, err := strconv.ParseInt(signed, 10, 64)
	if err != nil || now.IsZero() {
		return false
	}
	// In whole seconds: durations overflow after 292 years.
	tolerance, apart := int64(p.tolerance/time.Second), now.Unix()-seconds
	return apart <= tolerance && apart >= -tolerance
}

// signedByUs compares every signature with every secret, in a time that doesn't
// depend on which of them fits.
func (p *Provider) signedByUs(signed string, body []byte, signatures [][]byte) bool {
	found := false
	for _, secret := range p.secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(signed))
		mac.Write([]byte("."))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, s := range signatures {
			found = hmac.Equal(want, s) || found
		}
	}
	return found
}

// parseSignature reads "t=1495999758,v1=5257a8…,v1=…,v0=…". Unknown schemes and
// signatures that aren't hexadecimal are skipped, as Stripe's libraries do; a
// second time isn't.
func parseSignature(header string) (signed string, signatures [][]byte, ok bool) {
	if len(header) > maxSignature {
		return "", nil, false
	}
	for pair := range strings.SplitSeq(header, ",") {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return "", nil, false
		}
		switch key {
		case "t":
			if signed != "" || !digits(value) {
				return "", nil, false
			}
			signed = value
		case "v1":
			if s, err := hex.DecodeString(value); err == nil && len(s) == sha256.Size {
				signatures = append(signatures, s)
			}
		}
	}
	return signed, signatures, signed != "" && len(signatures) > 0
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 12
}
