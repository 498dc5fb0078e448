package inngestengine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"regexp"
	"strconv"
	"time"
)

// signatureAge is how old a signature may be, or how far ahead the other clock.
const signatureAge = 5 * time.Minute

var keyPrefix = regexp.MustCompile(`^signkey-\w+-`)

// keyOf is what of a signing key signs: the text behind its prefix.
func keyOf(signingKey string) string { return keyPrefix.ReplaceAllString(signingKey, "") }

// hashedKey is a signing key as bearer token (SDK specification, section 4.1.4): its
// prefix, and the hash of what it encodes.
func hashedKey(signingKey string) string {
	key := keyOf(signingKey)
	raw, err := hex.DecodeString(key)
	if err != nil {
		raw = []byte(key)
	}
	hash := sha256.Sum256(raw)
	return keyPrefix.FindString(signingKey) + hex.EncodeToString(hash[:])
}

// sign returns the signature of a body (SDK specification, section 4.1.1).
func sign(signingKey string, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + "&s=" + hex.EncodeToString(mac(signingKey, body, t))
}

func mac(signingKey string, body []byte, t string) []byte {
	m := hmac.New(sha256.New, []byte(keyOf(signingKey)))
	_, _ = m.Write(body)
	_, _ = m.Write([]byte(t))
	return m.Sum(nil)
}

// signed reports whether one of the keys signed the body a short time ago. An empty key
// signs nothing.
func signed(signature string, body []byte, now time.Time, keys ...string) bool {
	q, err := url.ParseQuery(signature)
	if err != nil || len(q["t"]) != 1 || len(q["s"]) != 1 {
		return false
	}
	seconds, err := strconv.ParseInt(q.Get("t"), 10, 64)
	if err != nil {
		return false
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > signatureAge || age < -signatureAge {
		return false
	}
	given, err := hex.DecodeString(q.Get("s"))
	if err != nil {
		return false
	}
	match := false
	for _, key := range keys {
		if keyOf(key) != "" && hmac.Equal(given, mac(key, body, q.Get("t"))) {
			match = true
		}
	}
	return match
}
