package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
)

// operatorLife is how long an operator stays signed in. A session is signed with the key
// that opened it, and ends with that key.
const operatorLife = time.Hour

// OperatorSignIn returns the token of a session for an admin key. Wrong keys count
// against the address, as those of requests do.
func (a *App) OperatorSignIn(r *http.Request, key string) (string, error) {
	given := digest(key)
	for _, admin := range a.admins {
		if hmac.Equal(given[:], admin[:]) {
			until := strconv.FormatInt(time.Now().Add(operatorLife).Unix(), 10)
			return until + "." + operatorMAC(admin, until), nil
		}
	}
	return "", a.countFailure(r, auth.ErrUnauthenticated)
}

func operatorMAC(admin [32]byte, until string) string {
	mac := hmac.New(sha256.New, admin[:])
	mac.Write([]byte("heycmo operator " + until))
	return hex.EncodeToString(mac.Sum(nil))
}

// IsOperator reports whether a token is of a session of an operator.
func (a *App) IsOperator(token string) bool {
	until, mac, _ := strings.Cut(token, ".")
	end, err := strconv.ParseInt(until, 10, 64)
	if err != nil || time.Now().Unix() >= end {
		return false
	}
	for _, admin := range a.admins {
		if hmac.Equal([]byte(mac), []byte(operatorMAC(admin, until))) {
			return true
		}
	}
	return false
}

const maxFailing = 20

// State is how the host is, as far as this replica knows.
type State struct {
	Streams int // open ones, of this replica
	// Oldest is the effect that waits the longest; nil: none does, or nobody knows.
	Oldest *storage.Effect
	// Failing are effects that failed and are tried again, the worst first.
	Failing []storage.Effect
}

// State returns how the host is.
func (a *App) State(ctx context.Context) (State, error) {
	var s State
	for _, face := range a.watching() {
		s.Streams += len(face.Principals())
	}
	effects, ok := storage.RoleOf[storage.Effects](a.Store)
	if !ok {
		return s, nil
	}
	var err error
	if s.Failing, err = effects.FailingEffects(ctx, maxFailing); err != nil {
		return s, err
	}
	e, err := effects.OldestEffect(ctx)
	if errors.Is(err, storage.ErrNotFound) {
		return s, nil
	}
	s.Oldest = &e
	return s, err
}
