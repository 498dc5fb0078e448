package smtpnotify_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/notify/smtpnotify"
	"github.com/heycmo/heycmo-go/notify/smtpnotify/smtptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	from     = "HeyCMO <hello@heycmo.example>"
	password = "s3cret p/w@%"
)

func notice() notify.Notice {
	return notify.Notice{
		ID: "payment_failed:c1:1796047500", Kind: notify.KindPaymentFailed, CustomerID: "c1", Email: "ada@example.com",
		BrandName: "Ærø Ledger", Product: "HeyCMO", PlanName: "Pro", Until: time.Date(2026, 11, 30, 14, 5, 0, 0, time.UTC),
		URL: "https://billing.example.com/p/session/" + "test_YWNjdF8xTTJKVGtMa2RJd0h1N2l4LF9Pa1hYb1h5SkhCZWtQbFBYb1h5SkhCZWtQbFBYb1h5?a=b&c=d%20e",
	}
}

// start starts a server and a notifier that sends by it. A nil o, and a zero
// RootCAs, are filled in.
func start(t *testing.T, so *smtptest.Options, o *smtpnotify.Options) (*smtptest.Server, *smtpnotify.Notifier) {
	t.Helper()
	server := smtptest.Start(t, so)
	return server, connect(t, server.URL(), server, o)
}

func connect(t *testing.T, url string, server *smtptest.Server, o *smtpnotify.Options) *smtpnotify.Notifier {
	t.Helper()
	if o == nil {
		o = &smtpnotify.Options{}
	}
	o.RootCAs = server.RootCAs()
	n, err := smtpnotify.New(url, from, o)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
