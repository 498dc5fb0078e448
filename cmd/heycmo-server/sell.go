package main

import (
	"net"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/notify/smtpnotify"
)

// sell sets the options by which the host sells and tells customers about it.
// Without a setting for that, they stay nil.
func (s *settings) sell(o *heycmo.Options, f *faults) {
	if s.Grace < 0 {
		f.add("grace", "must not be negative")
	}
	if notifier := s.notifier(f); notifier != nil {
		o.Notifier = notifier
	}
	provider, meters := s.provider(o.Log, f), s.meters(f)
	if !s.sells() {
		return
	}
	o.Billing = &heycmo.Billing{
		Plans:          s.plans(f),
		Policy:         billing.DecideOptions{Grace: s.Grace},
		ManageURL:      s.ManageURL,
		PromotionCodes: s.PromotionCodes,
		AutomaticTax:   s.AutomaticTax,
		RequireClaim:   s.ClaimRequired,
	}
	if s.Grace == 0 {
		o.Billing.Policy.Grace = -1
	}
	if provider != nil {
		o.Billing.Provider, o.Billing.Meters = provider, meters
	}
}

func (s *settings) meters(f *faults) map[string]string {
	meters := map[string]string{}
	for _, text := range s.Meters {
		metric, name, _ := strings.Cut(text, "=")
		if metric == "" || name == "" || meters[metric] != "" {
			f.add("meters", "must be metric=event name, each metric once; %q is not", text)
			continue
		}
		meters[metric] = name
	}
	return meters
}

// sells reports whether there are plans, or something can be bought.
func (s *settings) sells() bool { return s.StripeKey != "" || s.Plans != "" }

func (s *settings) plans(f *faults) []billing.Plan {
	if s.Plans == "" {
		return nil
	}
	plans, err := readPlans(s.Plans)
	if err != nil {
		for fault := range strings.Lines(err.Error()) {
			f.add("plans", "names %s: %s", s.Plans, strings.TrimSuffix(fault, "\n"))
		}
	}
	return plans
}

// provider returns nil when no key is set, or when something is wrong.
func (s *settings) provider(log *zap.Logger, f *faults) *stripebilling.Provider {
	if s.production() && s.StripeURL != "" {
		f.add("stripe-url", "must not be set in production")
	}
	// Each alone, so that every fault is named.
	const anyKey = "sk_test_00000000"
	_, err := stripebilling.New(anyKey, &stripebilling.Options{WebhookSecrets: s.StripeWebhookSecrets})
	f.check("stripe-webhook-secrets", err)
	_, err = stripebilling.New(anyKey, &stripebilling.Options{BaseURL: s.StripeURL})
	f.check("stripe-url", err)
	if s.StripeKey == "" {
		return nil
	}
	_, err = stripebilling.New(s.StripeKey, nil)
	f.check("stripe-key", err)
	provider, _ := stripebilling.New(s.StripeKey, &stripebilling.Options{ // its error was reported above
		WebhookSecrets: s.StripeWebhookSecrets, BaseURL: s.StripeURL, Log: log,
	})
	return provider
}

// notifier returns nil when no mail server is set, or when something is wrong.
func (s *settings) notifier(f *faults) *smtpnotify.Notifier {
	if s.SMTPURL == "" {
		return nil
	}
	if s.MailFrom == "" {
		f.add("mail-from", "is missing: %s is set, and mail needs a sender", variable("smtp-url"))
		return nil
	}
	const anyServer, anybody = "smtp://mail.example.com", "hello@example.com"
	_, err := smtpnotify.New(s.SMTPURL, anybody, nil)
	f.check("smtp-url", err)
	_, err = smtpnotify.New(anyServer, s.MailFrom, nil)
	f.check("mail-from", err)
	_, err = smtpnotify.New(anyServer, anybody, &smtpnotify.Options{ReplyTo: s.MailReplyTo})
	f.check("mail-reply-to", err)
	notifier, _ := smtpnotify.New(s.SMTPURL, s.MailFrom, &smtpnotify.Options{ReplyTo: s.MailReplyTo}) // as above
	return notifier
}

// halves are what does nothing without something else that is missing.
func (s *settings) halves(plans []billing.Plan) (f faults) {
	buyable := slices.ContainsFunc(plans, func(p billing.Plan) bool { return p.Price != "" })
	if s.StripeKey != "" {
		if len(s.StripeWebhookSecrets) == 0 {
			f.add("stripe-webhook-secrets", "is missing: %s is set, and no event of Stripe can be believed; billing webhook-endpoint create makes one", variable("stripe-key"))
		}
		if !buyable {
			f.add("plans", "must name a file with a plan that has a price: %s is set, and nothing can be bought", variable("stripe-key"))
		}
		if s.PublicURL == "" && s.production() { // in development it is derived
			f.add("public-url", "is missing: %s is set, and buyers return there", variable("stripe-key"))
		}
	} else if len(s.StripeWebhookSecrets) > 0 {
		f.add("stripe-key", "is missing: %s does nothing without it", variable("stripe-webhook-secrets"))
	}
	if s.StripeKey == "" && len(s.Meters) > 0 {
		f.add("stripe-key", "is missing: %s does nothing without it", variable("meters"))
	}
	if s.SMTPURL == "" && s.MailFrom+s.MailReplyTo != "" {
		f.add("smtp-url", "is missing: %s and %s do nothing without it", variable("mail-from"), variable("mail-reply-to"))
	}
	return f
}

// base returns the address under which clients reach the server that listens on an
// address.
func (s *settings) base(listening string) string {
	if s.PublicURL != "" {
		return strings.TrimSuffix(s.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(listening)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip.IsUnspecified()) {
		listening = net.JoinHostPort("localhost", port)
	}
	return "http://" + listening
}

// returnTo sends buyers back to a server without a public address.
func (s *settings) returnTo(o *heycmo.Options, base string) {
	if o.Billing != nil && s.PublicURL == "" {
		o.Billing.SuccessURL = base + "/welcome?session={CHECKOUT_SESSION_ID}"
		o.Billing.CancelURL = base + "/"
	}
}
