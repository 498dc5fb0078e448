package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/notify/smtpnotify/smtptest"
)

func TestDoctor(t *testing.T) {
	t.Parallel()
	mail := smtptest.Start(t, &smtptest.Options{Security: smtptest.NoTLS, User: "ada", Password: "hunter2hunter2"})
	s := newShop(t, "HEYCMO_SMTP_URL="+mail.URL(), "HEYCMO_MAIL_FROM=hello@example.com")
	if _, err := s.command("migrate"); err != nil {
		t.Fatal(err)
	}
	out, err := s.command("doctor")
	want := "ok    settings: they are whole\nok    database: it answers, and has its tables\n" +
		"ok    Stripe: the key is taken, in test mode; prices: 2\nok    mail: the server lets us in\n"
	if err != nil || out != want {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(mail.Messages()) > 0 {
		t.Error("it sends mail")
	}
	folder := t.TempDir()
	text := file(t, strings.Repeat("this is no database\n", 100))
	empty := file(t, "")
	for name, c := range map[string]struct {
		environ []string
		want    string
	}{
		"settings":       {[]string{"HEYCMO_TRUSTED_PROXIES=everybody", "HEYCMO_GRACE=-1s"}, "FAIL  settings: HEYCMO_GRACE must"},
		"a half":         {[]string{"HEYCMO_PLANS=" + file(t, "plans: [{id: pro, name: Pro}]")}, "FAIL  settings: HEYCMO_PLANS must name a file with a plan that has a price"},
		"an address":     {[]string{"HEYCMO_MANAGE_URL=nowhere"}, "FAIL  settings: heycmo: Billing.ManageURL must"},
		"no database":    {[]string{"HEYCMO_DATABASE=" + folder + "/absent.db"}, "FAIL  database: HEYCMO_DATABASE: there is no such file: run heycmo-server migrate"},
		"other file":     {[]string{"HEYCMO_DATABASE=" + text}, "file is not a database"},
		"no tables":      {[]string{"HEYCMO_DATABASE=" + empty}, ": run heycmo-server migrate"},
		"no PostgreSQL":  {[]string{"HEYCMO_DATABASE=postgres://ada:hunter2hunter2@127.0.0.1:1/x?connect_timeout=1"}, "FAIL  database: "},
		"wrong key":      {[]string{"HEYCMO_STRIPE_KEY=sk_test_ofsomebodyelse"}, "FAIL  Stripe: events: billing: the provider refused: invalid_request_error (401): check HEYCMO_STRIPE_KEY"},
		"no Stripe":      {[]string{"HEYCMO_STRIPE_URL=http://127.0.0.1:1"}, "FAIL  Stripe: events: billing: the provider is not available"},
		"unknown price":  {[]string{"HEYCMO_PLANS=" + file(t, "plans: [{id: pro, name: Pro, price: price_gone}]")}, "FAIL  Stripe: the price price_gone of plan pro is unknown"},
		"wrong password": {[]string{"HEYCMO_SMTP_URL=" + strings.Replace(mail.URL(), "hunter2hunter2", "hunter2hunter3", 1)}, "FAIL  mail: smtpnotify: AUTH: the server refuses with 535 5.7.8: check HEYCMO_SMTP_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errOut, err := command(t, append(s.environ, c.environ...), "doctor")
			if fmt.Sprint(err) != "checks that failed: 1" || !strings.Contains(out, c.want) || strings.Count(out, "ok    ") != 3 {
				t.Errorf("%v\n%s", err, out)
			}
			for _, secret := range []string{"hunter2", "ofsomebodyelse", s.fake.Key(), s.fake.Secret()} {
				if strings.Contains(out+errOut+fmt.Sprint(err), secret) {
					t.Errorf("a secret is shown:\n%s%s", out, errOut)
				}
			}
		})
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) > 0 {
		t.Errorf("it makes files: %v %v", err, files)
	}
	out, _, err = command(t, []string{"HEYCMO_DATABASE=:memory:"}, "doctor")
	if err != nil || out != "ok    settings: they are whole\nok    database: in memory, which begins empty\n" {
		t.Errorf("without billing: %v\n%s", err, out)
	}
}

func TestDoctorPostgres(t *testing.T) {
	environ := []string{"HEYCMO_DATABASE=" + pgtest.DSN(t)}
	out, _, err := command(t, environ, "doctor")
	if err == nil || !strings.Contains(out, "FAIL  database: ") || !strings.Contains(out, "run heycmo-server migrate\n") {
		t.Errorf("an empty database: %v\n%s", err, out)
	}
	if _, _, err := command(t, environ, "migrate"); err != nil {
		t.Fatal(err)
	}
	if out, _, err := command(t, environ, "doctor"); err != nil || !strings.Contains(out, "ok    database: ") {
		t.Errorf("%v\n%s", err, out)
	}
}
