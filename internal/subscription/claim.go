package subscription

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/storage"
)

// Session is a checkout as whoever began it sees it.
type Session struct {
	Customer storage.CustomerID
	Status   storage.Status
	// Stage says how far it is.
	Stage Stage
	// APIKey is the customer's first key. It is there only when Stage is Claimed
	// now, and can't be had again.
	APIKey auth.APIKey
}

// Stage is how far a checkout is.
type Stage string

// The stages of a checkout.
const (
	StagePending   Stage = "pending"   // not paid, or not known yet
	StageExpired   Stage = "expired"   // it came to nothing
	StageClaimable Stage = "claimable" // paid, and the key can be claimed
	StageClaimed   Stage = "claimed"   // by this call
	StageIssued    Stage = "issued"    // paid, and the customer has keys
	StageLapsed    Stage = "lapsed"    // paid, and it is too late to claim
)

// Claim is how a checkout is asked for.
type Claim struct {
	Session string // the provider's ID of it
	// Nonces are secrets that the browser or the client shows.
	Nonces []string
	// Look says that the key isn't to be taken.
	Look bool
	// Again asks, with a nonce, for another key in place of one whose answer was
	// lost.
	Again bool
}

// ErrNotYours says that only the browser which began a checkout can claim its key.
var ErrNotYours = httpx.Status(http.StatusForbidden,
	"the key can be claimed only in the browser in which the checkout began, or with its claim secret")

var sessionForm = regexp.MustCompile(`^[A-Za-z0-9_-]{8,255}$`)

// Session returns how far a checkout is, and claims the key that came of it. An ID
// that isn't one of ours is storage.ErrNotFound, without a question to the
// provider.
func (s *Service) Session(ctx context.Context, c Claim) (Session, error) {
	if !sessionForm.MatchString(c.Session) {
		return Session{}, storage.ErrNotFound
	}
	checkout, err := roles(s.Store).CheckoutBySession(ctx, sessionHash(c.Session))
	if err != nil {
		return Session{}, err
	}
	ours := knows(checkout, c.Nonces)
	session, err := s.session(ctx, checkout, ours)
	if err == nil && session.Stage == StagePending {
		// What the provider says now may be more than what was heard of it.
		if err = s.look(ctx, checkout.CustomerID, c.Session); err == nil {
			if checkout, err = roles(s.Store).CheckoutBySession(ctx, checkout.Session); err == nil {
				session, err = s.session(ctx, checkout, ours)
			}
		}
	}
	if err != nil || c.Look {
		return session, err
	}
	switch {
	case session.Stage == StageClaimable && s.RequireNonce && !ours:
		return Session{}, ErrNotYours
	case session.Stage == StageClaimable, session.Stage == StageIssued && ours && c.Again:
		return s.claim(ctx, session, checkout, ours, c.Again)
	default:
		return session, nil
	}
}

// knows reports whether one of the nonces is the checkout's.
func knows(c storage.Checkout, nonces []string) bool {
	found := false
	for _, nonce := range nonces {
		hash := sha256.Sum256([]byte(nonce))
		found = subtle.ConstantTimeCompare(hash[:], c.Nonce[:]) == 1 || found
	}
	return found
}

// session tells of a checkout from what is stored.
func (s *Service) session(ctx context.Context, c storage.Checkout, ours bool) (Session, error) {
	stage, err := s.stage(ctx, c, ours)
	if err != nil {
		return Session{}, err
	}
	customer, err := s.Store.Customer(ctx, c.CustomerID)
	return Session{Customer: customer.ID, Status: customer.StatusAt(time.Now()), Stage: stage}, err
}

func (s *Service) stage(ctx context.Context, c storage.Checkout, ours bool) (Stage, error) {
	if c.ClaimableAt.IsZero() {
		// The account first: if it is open by now, so is the checkout that is read
		// after it.
		account, err := s.Account(ctx, c.CustomerID)
		if err != nil {
			return "", err
		}
		newest, err := newestCheckout(ctx, roles(s.Store), c.CustomerID)
		if err != nil {
			return "", err
		}
		if newest.ID != c.ID || newest.ClaimableAt.IsZero() {
			return stageOf(account, c, newest.ID == c.ID, time.Now()), nil
		}
		c = newest
	}
	switch {
	case !c.ClaimedAt.IsZero():
		return StageIssued, nil
	case time.Now().Before(c.ClaimableAt.Add(s.window(ours))):
		return StageClaimable, nil
	default:
		return StageLapsed, nil
	}
}

// window is how long the key can be claimed. Whoever shows the nonce has longer: the
// money of a bank debit comes days later, when nobody sits at the page.
func (s *Service) window(ours bool) time.Duration {
	if ours {
		return max(s.ClaimWindow, nonceWindow)
	}
	return s.ClaimWindow
}

const nonceWindow = 30 * 24 * time.Hour

// stageOf is the stage of a checkout from which no key comes, or none yet. The
// account knows how far the newest is.
func stageOf(a billing.Account, c storage.Checkout, newest bool, now time.Time) Stage {
	switch {
	case !newest && !a.OpenedAt.IsZero(), newest && a.Session == billing.SessionPaid && !a.OpenedAt.IsZero():
		return StageIssued
	case !newest, a.Session == billing.SessionExpired, a.StateAt(now) == billing.StateClosed:
		return StageExpired
	case a.Session == billing.SessionOpen && isOver(c, now):
		return StageExpired // and the provider can't be asked
	default:
		return StagePending
	}
}

// errNothing says that there is no key to be had any more.
var errNothing = errors.New("nothing to claim")

// claim mints the key. Of many who try at once, the first to change the checkout
// gets it. If the answer was lost, whoever shows the nonce gets another in place of
// the first, unless that was used.
func (s *Service) claim(ctx context.Context, session Session, c storage.Checkout, ours, again bool) (Session, error) {
	if session.Stage == StageIssued && s.FlushKeyUse != nil {
		if err := s.FlushKeyUse(ctx); err != nil {
			return Session{}, err
		}
	}
	key, record := auth.Mint(c.CustomerID, "first key")
	var before storage.KeyID
	err := s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		now := storage.Now()
		_, err := roles(tx).UpdateCheckout(ctx, c.CustomerID, c.ID, func(c *storage.Checkout) error {
			open := !c.ClaimableAt.IsZero() && now.Before(c.ClaimableAt.Add(s.window(ours)))
			if !c.ClaimedAt.IsZero() {
				open = ours && again && now.Before(c.ClaimedAt.Add(s.ClaimWindow))
			}
			if !open {
				return errNothing
			}
			before, c.KeyID, c.ClaimedAt = c.KeyID, record.ID, now
			return nil
		})
		if err != nil {
			return err
		}
		if before != "" {
			if err := revokeUnused(ctx, tx, c.CustomerID, before); err != nil {
				return err
			}
		}
		if err := tx.CreateKey(ctx, record); err != nil {
			return err
		}
		if err := storage.Record(ctx, tx, c.CustomerID, "key.created", map[string]any{"keyId": record.ID}); err != nil {
			return err
		}
		return s.notice(ctx, tx, notify.Notice{ID: "key_issued:" + string(record.ID), Kind: notify.KindKeyIssued, CustomerID: string(c.CustomerID)})
	})
	switch {
	case errors.Is(err, errNothing):
		session.Stage = StageIssued
		return session, nil
	case err != nil:
		return Session{}, fmt.Errorf("claim: %w", err)
	}
	session.Stage, session.APIKey = StageClaimed, key
	return session, nil
}

// revokeUnused revokes a key that nobody has used yet.
func revokeUnused(ctx context.Context, tx storage.Store, customer storage.CustomerID, id storage.KeyID) error {
	_, err := tx.UpdateKey(ctx, customer, id, func(k *storage.Key) error {
		if !k.LastUsedAt.IsZero() {
			return errNothing
		}
		return nil
	})
	if errors.Is(err, storage.ErrNotFound) {
		return errNothing // the customer has revoked it
	}
	if err != nil {
		return err
	}
	return tx.DeleteKey(ctx, customer, id)
}
