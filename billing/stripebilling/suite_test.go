package stripebilling_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, fake *billingtest.Fake, o stripebilling.Options) *stripebilling.Provider {
	t.Helper()
	o.BaseURL = fake.URL()
	if o.WebhookSecrets == nil {
		o.WebhookSecrets = []string{fake.Secret()}
	}
	if o.Retries == 0 {
		o.Retries = -1
	}
	p, err := stripebilling.New(fake.Key(), &o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProvider(t *testing.T) {
	fake := billingtest.StartFake(t, nil)
	t.Run("Shape", func(t *testing.T) { billingtest.RunShape(t, open(t, fake, stripebilling.Options{})) })
	t.Run("Webhook", func(t *testing.T) { billingtest.RunWebhook(t, open(t, fake, stripebilling.Options{}), fake.Sign) })
	t.Run("State", func(t *testing.T) {
		billingtest.RunState(t, func(t *testing.T) (billing.Provider, billingtest.Remote) {
			fake := billingtest.StartFake(t, nil)
			return open(t, fake, stripebilling.Options{}), fake
		})
	})
}
