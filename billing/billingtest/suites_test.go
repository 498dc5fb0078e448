package billingtest_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
)

// faultVariable names the fault with which TestSuites runs.
const faultVariable = "HEYCMO_BILLINGTEST_FAULT"

// TestSuites passes without a fault. TestFaultsAreFound runs it with each.
func TestSuites(t *testing.T) {
	open := func(t *testing.T, fake *billingtest.Fake) billing.Provider {
		p, err := stripebilling.New(fake.Key(), &stripebilling.Options{BaseURL: fake.URL(), WebhookSecrets: []string{fake.Secret()}, Retries: -1})
		if err != nil {
			t.Fatal(err)
		}
		if name := os.Getenv(faultVariable); name != "" {
			return faulty{p, faults[name].change}
		}
		return p
	}
	fake := billingtest.StartFake(t, nil)
	t.Run("Shape", func(t *testing.T) { billingtest.RunShape(t, open(t, fake)) })
	t.Run("Webhook", func(t *testing.T) { billingtest.RunWebhook(t, open(t, fake), fake.Sign) })
	t.Run("State", func(t *testing.T) {
		billingtest.RunState(t, func(t *testing.T) (billing.Provider, billingtest.Remote) {
			fake := billingtest.StartFake(t, nil)
			return open(t, fake), fake
		})
	})
}

// hooks are where a driver can go wrong; nil ones don't.
type hooks struct {
	checkout func(*billing.CheckoutRequest)
	delivery func(*billing.Delivery)
	notice   func(*billing.Notice, *error)
	ref      func(*billing.Ref)
	snapshot func(*billing.Snapshot, *error)
	usage    func([]billing.UsageReport)
	change   func(*billing.Change)
	context  func(context.Context) context.Context
	missed   func(time.Time) time.Time
}

// faulty is a driver with a fault.
type faulty struct {
	*stripebilling.Provider
	h hooks
}

func (f faulty) ctx(ctx context.Context) context.Context {
	if f.h.context != nil {
		return f.h.context(ctx)
	}
	return ctx
}

func (f faulty) Checkout(ctx context.Context, r billing.CheckoutRequest) (billing.Checkout, error) {
	if f.h.checkout != nil {
		f.h.checkout(&r)
	}
	return f.Provider.Checkout(f.ctx(ctx), r)
}

func (f faulty) Verify(d billing.Delivery) (billing.Notice, error) {
	if f.h.delivery != nil {
		f.h.delivery(&d)
	}
	n, err := f.Provider.Verify(d)
	if f.h.notice != nil {
		f.h.notice(&n, &err)
	}
	return n, err
}

func (f faulty) Read(ctx context.Context, ref billing.Ref) (billing.Snapshot, error) {
	if f.h.ref != nil {
		f.h.ref(&ref)
	}
	s, err := f.Provider.Read(f.ctx(ctx), ref)
	if f.h.snapshot != nil {
		f.h.snapshot(&s, &err)
	}
	return s, err
}

func (f faulty) ReportUsage(ctx context.Context, batch []billing.UsageReport) []error {
	if f.h.usage != nil {
		batch = slices.Clone(batch)
		f.h.usage(batch)
	}
	return f.Provider.ReportUsage(f.ctx(ctx), batch)
}

func (f faulty) Change(ctx context.Context, id string, c billing.Change) error {
	if f.h.change != nil {
		f.h.change(&c)
	}
	return f.Provider.Change(ctx, id, c)
}

func (f faulty) Missed(ctx context.Context, since time.Time) iter.Seq2[billing.Notice, error] {
	if f.h.missed != nil {
		since = f.h.missed(since)
	}
	return f.Provider.Missed(f.ctx(ctx), since)
}

// onSnapshot changes every snapshot that was read.
func onSnapshot(change func(*billing.Snapshot)) hooks {
	return hooks{snapshot: func(s *billing.Snapshot, err *error) {
		if *err == nil {
			change(s)
		}
	}}
}

func onSubscriptions(change func(*billing.Subscription)) hooks {
	return onSnapshot(func(s *billing.Snapshot) {
		for i := range s.Subscriptions {
			change(&s.Subscriptions[i])
		}
	})
}

var faults = map[string]struct {
	check  string
	change hooks
}{
	"an ended context is ignored":       {"Shape/EndedContext", hooks{context: context.WithoutCancel}},
	"idempotency keys are made up":      {"State/CheckoutAgain", hooks{checkout: func(r *billing.CheckoutRequest) { r.IdempotencyKey += time.Now().Format("-150405.000000")[:14] }}},
	"any idempotency key is taken":      {"Shape/HalfRequests", hooks{checkout: func(r *billing.CheckoutRequest) { r.IdempotencyKey = "0123456789abcdef" }}},
	"the reference is lost":             {"State/Checkout", hooks{checkout: func(r *billing.CheckoutRequest) { r.Reference = "" }}},
	"trials are forgotten":              {"State/Trial", hooks{checkout: func(r *billing.CheckoutRequest) { r.TrialDays = min(r.TrialDays, 0) }}},
	"customers are made anew":           {"State/CheckoutOfACustomer", hooks{checkout: func(r *billing.CheckoutRequest) { r.Customer, r.Email = "", "ada@example.com" }}},
	"the time of signatures is ignored": {"Webhook/Forged", hooks{delivery: func(d *billing.Delivery) { d.At = time.Now() }}},
	"bodies are tidied first":           {"Webhook/Forged", hooks{delivery: func(d *billing.Delivery) { d.Body = []byte(strings.TrimSpace(string(d.Body))) }}},
	"the error tells too much": {"Webhook/Forged", hooks{notice: func(_ *billing.Notice, err *error) {
		if errors.Is(*err, billing.ErrSignature) {
			*err = errors.Join(*err, errors.New(time.Now().String()))
		}
	}}},
	"what is no event is taken": {"Webhook/NoEvent", hooks{notice: func(_ *billing.Notice, err *error) {
		if errors.Is(*err, billing.ErrMalformed) {
			*err = nil
		}
	}}},
	"what isn't there looks ended": {"Shape/UnknownIsNotFound", hooks{snapshot: func(_ *billing.Snapshot, err *error) {
		if errors.Is(*err, billing.ErrNotFound) {
			*err = nil
		}
	}}},
	"an outage looks like nothing": {"State/Outage", hooks{snapshot: func(_ *billing.Snapshot, err *error) {
		if _, ok := errors.AsType[*billing.UnavailableError](*err); ok {
			*err = billing.ErrNotFound
		}
	}}},
	"unpaid is paid": {"State/PayLater", onSnapshot(func(s *billing.Snapshot) {
		if s.Session == billing.SessionUnpaid {
			s.Session = billing.SessionPaid
		}
	})},
	"expired is open": {"State/Expire", onSnapshot(func(s *billing.Snapshot) {
		if s.Session == billing.SessionExpired {
			s.Session = billing.SessionOpen
		}
	})},
	"only the newest subscription": {"State/SeveralSubscriptions", onSnapshot(func(s *billing.Snapshot) { s.Subscriptions = s.Subscriptions[:min(len(s.Subscriptions), 1)] })},
	"only the first page":          {"State/ManySubscriptions", onSnapshot(func(s *billing.Snapshot) { s.Subscriptions = s.Subscriptions[:min(len(s.Subscriptions), 100)] })},
	"deleted customers live":       {"State/Gone", onSnapshot(func(s *billing.Snapshot) { s.Gone = false })},
	"unknown phases are active":    {"State/UnknownStatus", onSubscriptions(func(s *billing.Subscription) { s.Phase = billing.PhaseActive })},
	"ends are not told":            {"State/Life", onSubscriptions(func(s *billing.Subscription) { s.EndedAt = time.Time{} })},
	"pauses are not told":          {"State/Life", onSubscriptions(func(s *billing.Subscription) { s.CollectionPaused = false })},
	"renewals are not told":        {"State/Life", onSubscriptions(func(s *billing.Subscription) { s.CancelAtPeriodEnd = false })},
	"times are local":              {"State/Checkout", onSubscriptions(func(s *billing.Subscription) { s.PeriodEnd = s.PeriodEnd.In(time.FixedZone("", 3600)) })},
	"usage counts twice": {"State/Usage", hooks{usage: func(b []billing.UsageReport) {
		for i := range b {
			b[i].ID += time.Now().Format("150405.000000")
		}
	}}},
	"cancelling later cancels now":  {"State/Change", hooks{change: func(c *billing.Change) { c.CancelNow, c.CancelAtPeriodEnd = c.CancelNow || c.CancelAtPeriodEnd, false }}},
	"the time of Missed is ignored": {"State/Missed", hooks{missed: func(time.Time) time.Time { return time.Time{} }}},
}

// TestFaultsAreFound checks the suites: each fault must make the check fail that
// is there to find it.
func TestFaultsAreFound(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pattern := "^TestSuites$/^" + strings.ReplaceAll(fault.check, "/", "$/^") + "$"
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+pattern, "-test.timeout=60s")
			cmd.Env = append(os.Environ(), faultVariable+"="+name)
			output, err := cmd.CombinedOutput()
			out := string(output)
			if err == nil || !strings.Contains(out, "--- FAIL: TestSuites/"+fault.check+" (") || strings.Contains(out, "panic: ") {
				t.Errorf("%s did not find it: %v\n%s", fault.check, err, out)
			}
		})
	}
}
