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
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
)

// operatorLife is how long an operator stays signed in. A session is signed with the key
// that opened it, and ends with that key.
const operatorLife = time.Hour

// OperatorSignIn returns the token of a session for an admin key, and when it ends. Wrong
// keys count against the address, as those of requests do.
func (a *App) OperatorSignIn(r *http.Request, key string) (token string, until time.Time, err error) {
	given := digest(key)
	for _, admin := range a.admins {
		if hmac.Equal(given[:], admin[:]) {
			until = time.Now().Add(operatorLife)
			end := strconv.FormatInt(until.Unix(), 10)
			return end + "." + operatorMAC(admin, end), until, nil
		}
	}
	return "", time.Time{}, a.countFailure(r, auth.ErrUnauthenticated)
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

// How much of what needs an operator is shown, and after how long without a sign of life
// a run is taken for one whose process has gone: longer than a step should take.
const (
	maxFailing = 20
	stallTime  = 10 * time.Minute
)

// State is how the host is.
type State struct {
	Streams int // open ones, of this replica
	// Webhooks are deliveries of the payment provider; nil: nothing is sold.
	Webhooks *Webhooks
	// Accounts are those that could not be brought up to date with what the provider
	// delivered, the most often tried first.
	Accounts []storage.Account
	// Oldest is the effect that waits the longest; nil: none does, or nobody knows.
	Oldest *storage.Effect
	// Failing are effects that failed and are tried again, the most often tried first.
	Failing []storage.Effect
	// Stalled are runs of all customers that seem to have lost their process.
	Stalled []StalledRun
}

// Webhooks tells whether a payment provider's deliveries come in.
type Webhooks struct {
	LastAt    time.Time // of the last that was taken; zero: none was
	Refused   int       // wrongly signed ones that this replica got since it began
	RefusedAt time.Time // of the last of them
}

// StalledRun is a run without a sign of life, with its state as this replica knows it.
type StalledRun struct {
	storage.Run
	Now string
}

// State returns how the host is.
func (a *App) State(ctx context.Context) (s State, err error) {
	for _, face := range a.watching() {
		s.Streams += len(face.Principals())
	}
	if a.Runs != nil {
		if s.Stalled, err = a.stalled(ctx); err != nil {
			return s, err
		}
	}
	if b, ok := storage.RoleOf[storage.Billing](a.Store); ok && a.Sells() {
		if s.Webhooks, err = a.webhooks(ctx, b); err != nil {
			return s, err
		}
		if s.Accounts, err = b.FailingAccounts(ctx, maxFailing); err != nil {
			return s, err
		}
	}
	effects, ok := storage.RoleOf[storage.Effects](a.Store)
	if !ok {
		return s, nil
	}
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

func (a *App) webhooks(ctx context.Context, b storage.Billing) (*Webhooks, error) {
	a.mu.Lock()
	w := a.refused
	a.mu.Unlock()
	last, err := b.LastNotice(ctx, a.Subscriptions.Provider.Name())
	if errors.Is(err, storage.ErrNotFound) {
		return &w, nil
	}
	w.LastAt = last.ReceivedAt
	return &w, err
}

// stalled finds runs that go on and gave no sign of life for a while. One that waits
// gives none, and has stalled only if its engine forgot it.
func (a *App) stalled(ctx context.Context) ([]StalledRun, error) {
	var stalled []StalledRun
	for _, status := range []string{runner.StatusRunning, runner.StatusQueued, runner.StatusWaiting} {
		runs, err := a.Runs.StalledRuns(ctx, status, storage.Now().Add(-stallTime), storage.MaxLimit)
		if err != nil {
			return nil, err
		}
		for _, r := range runs {
			one := StalledRun{r, r.Status}
			if a.Runner != nil && r.Kind == runner.Kind {
				rec, err := runner.RecordOf(r)
				if err != nil {
					return nil, err
				}
				one.Now = a.Runner.StatusOf(r, rec)
			}
			if status != runner.StatusWaiting || one.Now == runner.StatusInterrupted {
				stalled = append(stalled, one)
			}
		}
	}
	return stalled[:min(len(stalled), maxFailing)], nil
}
