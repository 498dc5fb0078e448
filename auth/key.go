package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// KeyPrefix begins every API key, so that secret scanners can find leaked ones.
const KeyPrefix = "hcmo_live_"

const keyLength = len(KeyPrefix) + 64

// APIKey is the text of an API key: KeyPrefix and 64 lower-case hexadecimal
// characters. It is a secret: String and GoString give a masked form.
type APIKey struct{ text string }

// NewAPIKey returns a key made of 32 random bytes.
func NewAPIKey() APIKey {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return APIKey{KeyPrefix + hex.EncodeToString(b[:])}
}

// Mint returns a new key for the customer and the record to store of it.
func Mint(customer storage.CustomerID, name string) (APIKey, storage.Key) {
	k := NewAPIKey()
	return k, storage.Key{
		ID:         storage.KeyID(storage.NewID()),
		CustomerID: customer,
		Name:       name,
		Hash:       k.Hash(),
		LastFour:   k.LastFour(),
		CreatedAt:  storage.Now(),
	}
}

// ParseAPIKey returns the key in text, or ErrUnauthenticated if it doesn't have
// the form of one. The text is not part of the error.
func ParseAPIKey(text string) (APIKey, error) {
	if len(text) != keyLength || !strings.HasPrefix(text, KeyPrefix) {
		return APIKey{}, ErrUnauthenticated
	}
	for _, c := range []byte(text[len(KeyPrefix):]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return APIKey{}, ErrUnauthenticated
		}
	}
	return APIKey{text}, nil
}

// Reveal returns the whole key.
func (k APIKey) Reveal() string { return k.text }

// Hash returns the SHA-256 of the key, which is what storage keeps.
func (k APIKey) Hash() [32]byte { return sha256.Sum256([]byte(k.text)) }

// LastFour returns the last four characters.
func (k APIKey) LastFour() string { return k.text[max(0, len(k.text)-4):] }

// String returns a masked form.
func (k APIKey) String() string { return KeyPrefix + "…" + k.LastFour() }

// GoString returns a masked form.
func (k APIKey) GoString() string { return k.String() }

// Keys returns the [Authenticator] that takes API keys as bearer tokens and
// finds them in store. A key that doesn't have the form of one is refused
// without a look-up. Unknown, expired and revoked keys are all
// ErrUnauthenticated.
func Keys(store storage.Keys) Authenticator {
	return Func(func(r *http.Request) (Principal, error) {
		text, ok := BearerToken(r)
		if !ok {
			return Principal{}, ErrNoCredential
		}
		key, err := ParseAPIKey(text)
		if err != nil {
			return Principal{}, err
		}
		hash := key.Hash()
		record, customer, err := store.KeyByHash(r.Context(), hash)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			return Principal{}, ErrUnauthenticated
		case err != nil:
			return Principal{}, err
		case subtle.ConstantTimeCompare(hash[:], record.Hash[:]) != 1:
			return Principal{}, ErrUnauthenticated
		case Expired(record.ExpiresAt):
			return Principal{}, ErrUnauthenticated
		}
		return Principal{
			Customer:  customer.ID,
			Key:       record.ID,
			ExpiresAt: record.ExpiresAt,
			Status:    customer.StatusAt(time.Now()),
		}, nil
	})
}
