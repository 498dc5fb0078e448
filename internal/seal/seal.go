// Package seal encrypts what a database must not show, by AES-256-GCM (NIST SP 800-38D).
//
//	ring, err := seal.New(seal.Key{ID: "k2", Secret: newest}, seal.Key{ID: "k1", Secret: older})
//	if err != nil {
//		return err
//	}
//	sealed := ring.Seal(token, "connections", customer, platform, "refresh")
//	...
//	token, err := ring.Open(sealed, "connections", customer, platform, "refresh")
//
// The first key seals, all of them open. The names behind a text say what it belongs to:
// what was sealed for one row can't be opened for another.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
)

// Errors of Open.
var (
	// ErrKey says that the key is not in the ring with which a text was sealed.
	ErrKey = errors.New("seal: it was sealed with a key that isn't there")
	// ErrDamaged says that a text is not what was sealed for these names.
	ErrDamaged = errors.New("seal: it is not what was sealed for this place")
)

// Key is a secret with a name.
type Key struct {
	// ID stands in front of what is sealed: 1 to 32 letters, digits, "_" or "-".
	ID string
	// Secret has 32 bytes or more at random. The key is derived from it, so that it can
	// serve other purposes too.
	Secret []byte
}

// String shows no secret.
func (k Key) String() string { return k.ID }

// GoString shows no secret.
func (k Key) GoString() string { return k.ID }

// Ring seals with one key and opens with several. It may be used by many goroutines.
type Ring struct {
	newest string
	keys   map[string]cipher.AEAD
}

const (
	version    = 1
	minSecret  = 32
	minVariety = 16 // different bytes; of 32 at random there are hardly ever less than 24
	purpose    = "heycmo: what a database must not show"
)

var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// New returns a ring. The error names the key that is too short, looks like a
// placeholder, or has a name that makes no sense or is there twice.
func New(keys ...Key) (*Ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: there is no key")
	}
	r := &Ring{newest: keys[0].ID, keys: map[string]cipher.AEAD{}}
	for i, k := range keys {
		variety := map[byte]bool{}
		for _, b := range k.Secret {
			variety[b] = true
		}
		switch {
		case !idPattern.MatchString(k.ID):
			return nil, fmt.Errorf("seal: the name of key %d must be 1 to 32 letters, digits, '_' or '-'", i+1)
		case r.keys[k.ID] != nil:
			return nil, fmt.Errorf("seal: key %q is there twice", k.ID)
		case len(k.Secret) < minSecret:
			return nil, fmt.Errorf("seal: key %q must have at least %d bytes", k.ID, minSecret)
		case len(variety) < minVariety:
			return nil, fmt.Errorf("seal: key %q must be made at random; it looks like a placeholder", k.ID)
		}
		derived, err := hkdf.Key(sha256.New, k.Secret, nil, purpose, 32)
		if err != nil {
			return nil, fmt.Errorf("seal: key %q: %w", k.ID, err)
		}
		block, err := aes.NewCipher(derived)
		if err != nil {
			return nil, fmt.Errorf("seal: key %q: %w", k.ID, err)
		}
		if r.keys[k.ID], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("seal: key %q: %w", k.ID, err)
		}
	}
	return r, nil
}

// Seal encrypts a text for what the names say.
func (r *Ring) Seal(text []byte, names ...string) []byte {
	header := append([]byte{version, byte(len(r.newest))}, r.newest...)     //nolint:gosec // 32 at most
	return r.keys[r.newest].Seal(header, nil, text, context(header, names)) //nolint:gosec // the cipher makes the nonce
}

// context is what a text is bound to: its header and the names, each with its length, so
// that they can't run into each other.
func context(header []byte, names []string) []byte {
	bound := append([]byte{}, header...)
	for _, name := range names {
		bound = binary.BigEndian.AppendUint32(bound, uint32(len(name))) //nolint:gosec // names are short
		bound = append(bound, name...)
	}
	return bound
}

// Open returns a text that was sealed for these names, or ErrKey or ErrDamaged.
func (r *Ring) Open(sealed []byte, names ...string) ([]byte, error) {
	id, err := KeyOf(sealed)
	if err != nil {
		return nil, err
	}
	key, ok := r.keys[id]
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrKey, id)
	}
	header := sealed[:2+len(id)]
	text, err := key.Open(nil, nil, sealed[len(header):], context(header, names))
	if err != nil {
		return nil, ErrDamaged
	}
	return text, nil
}

// KeyOf returns the ID of the key with which a text was sealed, or ErrDamaged.
func KeyOf(sealed []byte) (string, error) {
	if len(sealed) < 2 || sealed[0] != version || len(sealed) < 2+int(sealed[1]) {
		return "", ErrDamaged
	}
	id := string(sealed[2 : 2+int(sealed[1])])
	if !idPattern.MatchString(id) {
		return "", ErrDamaged
	}
	return id, nil
}

// Newest returns the ID of the key that seals.
func (r *Ring) Newest() string { return r.newest }

// Stale reports whether a text is to be sealed anew, since there is a newer key.
func (r *Ring) Stale(sealed []byte) bool {
	id, err := KeyOf(sealed)
	return err != nil || id != r.newest
}
