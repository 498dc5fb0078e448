package subscription

import (
	"context"
	"errors"
	"net/mail"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/storage"
)

// reading is what a look at the provider has brought.
type reading struct {
	billing.Snapshot
	session string // the provider's ID of the checkout that was read; empty: none
	read    bool   // the provider was asked, and it answered
	swept   bool   // and nothing was heard, so that nobody expects a change
}

// conclude judges a reading and stores what follows, only while the lease holds.
func (s *Service) conclude(ctx context.Context, leased storage.Account, got reading) error {
	holds := func(a *storage.Account, _ *record) error {
		if a.Lease != leased.Lease {
			return errLost
		}
		return nil
	}
	if got.swept {
		if err := s.fuse.count(ctx, roles(s.Store)); err != nil {
			return err
		}
	}
	return s.judge(ctx, leased.CustomerID, got, holds, func(a *storage.Account, r *record, was billing.Account) error {
		now := storage.Now()
		if got.swept {
			if err := s.fuse.check(was, r.Account, now); err != nil {
				return err
			}
		}
		a.Lease, a.LeasedUntil, a.Failures = "", time.Time{}, 0
		if got.read {
			a.ReadAt, r.Seen = now, leased.Heard
		}
		switch {
		case a.Heard != leased.Heard:
			a.DueAt = now // more was heard while the provider was read
		case r.Session == billing.SessionUnpaid && got.session != "":
			a.Session = got.session // to be read until the money is there
		default:
			a.Session = ""
		}
		if len(s.names(was)) < len(s.names(r.Account)) {
			a.DueAt = now // until now, what was heard was about nobody
		}
		return nil
	})
}

// judge brings a reading into an account and stores, in one transaction, the
// account and everything that follows from it. Before and finish may refuse, and
// change what is stored of the account.
func (s *Service) judge(ctx context.Context, customer storage.CustomerID, got reading,
	before func(a *storage.Account, r *record) error,
	finish func(a *storage.Account, r *record, was billing.Account) error,
) error {
	var lost bool
	err := s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		b, now := roles(tx), storage.Now()
		newest, err := newestCheckout(ctx, b, customer)
		if err != nil {
			return err
		}
		snapshot := got.Snapshot
		if snapshot.Session, err = sessionOf(ctx, b, customer, newest, got); err != nil {
			return err
		}
		var is billing.Account
		var effects []billing.Effect
		late := false // the money came days after the purchase
		err = change(ctx, b, customer, func(a *storage.Account, r *record) error {
			if err := before(a, r); err != nil {
				return err
			}
			was := r.Account
			if snapshot.Session == billing.SessionNone && was.Session == billing.SessionOpen && isOver(newest, now) {
				snapshot.Session = billing.SessionExpired
			}
			r.Account, effects = billing.Decide(was, snapshot, s.Plans, &s.Policy, now)
			is = r.Account
			late = was.Session == billing.SessionUnpaid
			a.DueAt = s.next(is, newest, now)
			return finish(a, r, was)
		})
		if err != nil {
			return err
		}
		if err := b.NameAccount(ctx, customer, s.names(is)...); err != nil {
			return err
		}
		if is.Session == billing.SessionPaid && is.StateAt(now) == billing.StatePending {
			s.Log.Error("somebody has paid, and no plan has the price", zap.String("customer", string(customer)))
		}
		if lost, err = s.show(ctx, tx, customer, is, got.Email, now); err != nil {
			return err
		}
		return s.tell(ctx, tx, customer, newest, late, effects)
	})
	if err == nil && lost {
		s.Lost(customer)
	}
	return err
}

// sessionOf is what a reading says of the customer's purchase: nothing if the
// checkout that was read was seen paid before, for then it was another purchase.
// Of several that are open, each may be the one that is paid.
func sessionOf(ctx context.Context, b storage.Billing, customer storage.CustomerID, newest storage.Checkout, got reading) (billing.SessionState, error) {
	if got.session == "" || got.Session == billing.SessionNone {
		return got.Session, nil
	}
	c, err := b.CheckoutBySession(ctx, sessionHash(got.session))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return billing.SessionNone, nil
	case err != nil:
		return "", err
	case c.CustomerID != customer, !c.PaidAt.IsZero(), got.Session == billing.SessionExpired && c.ID != newest.ID:
		return billing.SessionNone, nil
	case got.Session == billing.SessionPaid:
		_, err = b.UpdateCheckout(ctx, customer, c.ID, func(c *storage.Checkout) error {
			c.PaidAt = storage.Now()
			return nil
		})
	}
	return got.Session, err
}

// next is when to look at the account again though nothing was heard.
func (s *Service) next(a billing.Account, newest storage.Checkout, now time.Time) time.Time {
	due := a.Next(&s.Policy)
	sooner := func(t time.Time) {
		if due.IsZero() || t.Before(due) {
			due = t
		}
	}
	state := a.StateAt(now)
	switch {
	case s.Provider == nil:
	case a.Session == billing.SessionOpen:
		// Most are abandoned. Later than this its ID can't be had, see recovered.
		for _, at := range []time.Time{
			newest.CreatedAt.Add(firstLook), newest.CreatedAt.Add(30 * time.Minute), newest.CreatedAt.Add(22 * time.Hour), over(newest),
		} {
			if at.After(now) {
				sooner(at)
				break
			}
		}
	case a.Session == billing.SessionUnpaid && now.Sub(newest.CreatedAt) < 21*24*time.Hour:
		sooner(now.Add(6 * time.Hour))
	case a.ProviderCustomer == "" || a.Gone:
	case state == billing.StatePending:
		sooner(now.Add(time.Hour)) // paid for, and in no plan
	case state == billing.StateEntitled || state == billing.StateSuspended || now.Sub(a.Since) < 30*24*time.Hour:
		sooner(now.Add(24 * time.Hour))
	}
	return due
}

// over is when a checkout can't be paid any more for certain. Providers give it a
// day, also where the answer that says so was lost.
func over(c storage.Checkout) time.Time {
	if c.ExpiresAt.IsZero() {
		return c.CreatedAt.Add(25 * time.Hour)
	}
	return c.ExpiresAt.Add(time.Hour)
}

func isOver(c storage.Checkout, now time.Time) bool { return !now.Before(over(c)) }

// names are what the provider may call the account.
func (s *Service) names(a billing.Account) []string {
	if s.Provider == nil {
		return nil
	}
	var names []string
	add := func(id string) {
		if id != "" {
			names = append(names, s.Provider.Name()+":"+id)
		}
	}
	add(a.ProviderCustomer)
	for _, standing := range a.Subscriptions {
		add(standing.ID)
		add(standing.Customer)
	}
	return names
}

// show brings what the account means into the customer's record, with the e-mail
// address that the provider has, and reports whether they may come in no longer.
func (s *Service) show(ctx context.Context, tx storage.Store, id storage.CustomerID, a billing.Account, email string, now time.Time) (lost bool, err error) {
	_, err = tx.UpdateCustomer(ctx, id, func(c *storage.Customer) error {
		was := *c
		status, until := statusOf(was, a, now)
		c.EntitledUntil, c.Plan = until, a.Plan
		if address, err := mail.ParseAddress(email); err == nil && address.Address == email && len(email) <= 254 {
			c.Email = email
		}
		if c.Status = status; !c.SuspendedAt.IsZero() && status != storage.StatusPending {
			c.Status = storage.StatusInactive
		}
		if *c != was {
			c.UpdatedAt = now
		}
		lost = was.Status.Entitled() && !c.StatusAt(now).Entitled()
		return nil
	})
	return lost, err
}

// eventTypes name what happened in the customer's log.
var eventTypes = map[billing.EffectKind]string{
	billing.EffectOpened:        "subscription.started",
	billing.EffectPaymentFailed: "payment.failed",
	billing.EffectTrialEnding:   "trial_end.announced",
	billing.EffectCancelPlanned: "cancellation.planned",
	billing.EffectSuspended:     "subscription.suspended",
	billing.EffectResumed:       "subscription.resumed",
	billing.EffectEnded:         "subscription.ended",
	billing.EffectPlanChanged:   "plan.changed",
}

// notices are what customers are told of.
var notices = map[billing.EffectKind]notify.Kind{
	billing.EffectPaymentFailed: notify.KindPaymentFailed,
	billing.EffectTrialEnding:   notify.KindTrialEnding,
	billing.EffectCancelPlanned: notify.KindCancelPlanned,
	billing.EffectSuspended:     notify.KindSuspended,
	billing.EffectResumed:       notify.KindResumed,
	billing.EffectEnded:         notify.KindEnded,
}

// tell stores the effects of a decision, each once.
func (s *Service) tell(ctx context.Context, tx storage.Store, customer storage.CustomerID, newest storage.Checkout, late bool, effects []billing.Effect) error {
	for _, e := range effects {
		if e.Kind == billing.EffectAlert { // each time: it may be the same trouble again
			s.Log.Error("billing needs a look", zap.String("customer", string(customer)), zap.String("what", e.Text))
			continue
		}
		kind, told := notices[e.Kind]
		if e.Kind == billing.EffectOpened && late { // nobody sits at the page any more
			kind, told = notify.KindPaymentArrived, true
		}
		n := notify.Notice{ID: e.ID, Kind: kind, CustomerID: string(customer), PlanName: s.planName(e.Plan), Until: e.Until}
		err := s.putNotice(ctx, tx, n, told)
		if errors.Is(err, storage.ErrExists) {
			continue
		}
		if err != nil {
			return err
		}
		if e.Kind == billing.EffectOpened {
			if err := open(ctx, roles(tx), newest); err != nil {
				return err
			}
		}
		data := map[string]any{"plan": e.Plan}
		if e.Before != "" && e.Before != e.Plan {
			data["before"] = e.Before
		}
		if !e.Until.IsZero() {
			data["until"] = storage.FormatTime(e.Until)
		}
		if err := storage.Record(ctx, tx, customer, eventTypes[e.Kind], data); err != nil {
			return err
		}
	}
	return nil
}

// open lets the first key be claimed with the checkout that was paid.
func open(ctx context.Context, b storage.Billing, c storage.Checkout) error {
	if c.ID == "" {
		return nil
	}
	_, err := b.UpdateCheckout(ctx, c.CustomerID, c.ID, func(c *storage.Checkout) error {
		c.ClaimableAt = storage.Now()
		return nil
	})
	return err
}

func (s *Service) planName(id string) string {
	if p, ok := s.Plan(id); ok {
		return p.Name
	}
	return ""
}

// notice stores a notice for the customer.
func (s *Service) notice(ctx context.Context, tx storage.Store, n notify.Notice) error {
	err := s.putNotice(ctx, tx, n, true)
	if errors.Is(err, storage.ErrExists) {
		return nil
	}
	return err
}

// putNotice stores a notice as an effect, or the memory of one that nobody is told
// of. One that is there already is storage.ErrExists.
func (s *Service) putNotice(ctx context.Context, tx storage.Store, n notify.Notice, told bool) error {
	now := storage.Now()
	e := storage.Effect{
		ID: n.ID, Kind: outbox.KindNotice, Customer: storage.CustomerID(n.CustomerID), Data: encode(n), CreatedAt: now, DueAt: now,
	}
	if !s.Notify || !told {
		e.DoneAt = now
	}
	return roles(tx).CreateEffect(ctx, e)
}
