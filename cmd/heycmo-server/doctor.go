package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

type doctorCommand struct{}

// patienceOfDoctor is how long one check may take.
const patienceOfDoctor = 20 * time.Second

// Run prints a line for each thing that it looks at, and changes none.
func (doctorCommand) Run(ctx context.Context, c console, s *settings) error {
	o, err := s.options(zap.NewNop())
	failed := 0
	report := func(name, fine string, err error) {
		if err == nil {
			fmt.Fprintf(c.out, "ok    %s: %s\n", name, fine)
			return
		}
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintf(c.out, "FAIL  %s: %s\n", name, strings.TrimSuffix(line, "\n"))
		}
		failed++
	}
	var plans []billing.Plan
	if o.Billing != nil {
		plans = o.Billing.Plans
	}
	if err == nil {
		err = s.checkSettings(ctx, o, plans)
	}
	report("settings", "they are whole", err)
	check := func(name string, do func(ctx context.Context) (fine string, err error)) {
		ctx, cancel := context.WithTimeout(ctx, patienceOfDoctor)
		defer cancel()
		fine, err := do(ctx)
		report(name, fine, err)
	}
	check("database", func(ctx context.Context) (string, error) { return s.checkDatabase(ctx) })
	var ignored faults // they were told with the settings
	if provider := s.provider(zap.NewNop(), &ignored); provider != nil {
		check("Stripe", func(ctx context.Context) (string, error) { return s.checkStripe(ctx, provider, plans) })
	}
	if notifier := s.notifier(&ignored); notifier != nil {
		check("mail", func(ctx context.Context) (string, error) {
			if err := notifier.Check(ctx); err != nil {
				return "", fmt.Errorf("%w: check %s and the network", err, variable("smtp-url"))
			}
			return "the server lets us in", nil
		})
	}
	for _, p := range o.Platforms {
		if p.Connector != nil {
			report("platform "+p.ID, "it must allow the redirect URI "+s.base(s.Addr)+"/connect/"+p.ID+"/callback", nil)
		}
	}
	for _, one := range distinct(o.Models) {
		check("model "+one.Name, func(ctx context.Context) (string, error) { return checkModel(ctx, one) })
	}
	if failed > 0 {
		return fmt.Errorf("checks that failed: %d", failed)
	}
	return nil
}

// checkSettings asks the host what it thinks of them, without the database.
func (s *settings) checkSettings(ctx context.Context, o *heycmo.Options, plans []billing.Plan) (err error) {
	if halves := s.halves(plans); len(halves) > 0 {
		return errors.Join(halves...)
	}
	store, err := openDatabase(ctx, sqlitestore.Memory, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if len(o.SecretKeys) == 0 { // one is made when the server starts
		if o.SecretKeys, err = developmentSecret(sqlitestore.Memory); err != nil {
			return err
		}
	}
	base := s.base(s.Addr)
	s.returnTo(o, base)
	if o.Engine, err = s.engine(store, base, zap.NewNop()); err != nil {
		return err
	}
	_, err = heycmo.New(store, o)
	return err
}

// distinct returns each model once, by name.
func distinct(models agent.Models) []agent.Choice {
	byName := map[string]agent.Choice{}
	for _, c := range models {
		byName[c.Name] = c
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b agent.Choice) int { return strings.Compare(a.Name, b.Name) })
}

// checkModel asks a model for a word.
func checkModel(ctx context.Context, c agent.Choice) (string, error) {
	_, err := c.Model.Generate(ctx, agent.ModelRequest{
		Model: c.Name, Messages: []agent.Message{{Role: agent.RoleUser, Text: "Say yes."}}, MaxTokens: 256,
	})
	if err != nil {
		return "", fmt.Errorf("%w: check the provider's key, the model's name (%s and the others) and the network", err, variable("model-standard"))
	}
	return "it answers", nil
}

func (s *settings) checkDatabase(ctx context.Context) (fine string, err error) {
	if s.Database == sqlitestore.Memory {
		return "in memory, which begins empty", nil
	}
	if _, err := os.Stat(s.Database); !isPostgres(s.Database) && errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("%s: there is no such file: run heycmo-server migrate to make it", variable("database"))
	}
	store, err := openDatabase(ctx, s.Database, false)
	if err != nil {
		return "", fmt.Errorf("%w: check %s", err, variable("database"))
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.Ping(ctx); err != nil {
		return "", fmt.Errorf("%w: see whether the database runs, and %s", err, variable("database"))
	}
	_, err = store.Customers(ctx, storage.CustomerQuery{Page: storage.Page{Limit: 1}})
	if role, ok := storage.RoleOf[storage.Billing](store); ok && err == nil {
		_, err = role.Accounts(ctx, storage.Page{Limit: 1})
	}
	if err != nil {
		return "", fmt.Errorf("%w: run heycmo-server migrate", err)
	}
	return "it answers, and has its tables", nil
}

// checkStripe asks for what the server asks for without a customer: the prices, and
// what was not delivered.
func (s *settings) checkStripe(ctx context.Context, provider *stripebilling.Provider, plans []billing.Plan) (string, error) {
	advise := func(err error) error {
		return fmt.Errorf("%w: check %s, what it may do, and the network", err, variable("stripe-key"))
	}
	for _, err := range provider.Missed(ctx, time.Now()) {
		if err != nil {
			return "", advise(fmt.Errorf("events: %w", err))
		}
		break
	}
	known, err := pricesOf(ctx, provider, plans)
	if err != nil {
		return "", advise(fmt.Errorf("prices: %w", err))
	}
	var errs []error
	for _, p := range plans {
		for _, id := range pricesIn(p) {
			if price, ok := known[id]; !ok || price.Count == 0 {
				errs = append(errs, fmt.Errorf("the price %s of plan %s is unknown, or has no fixed amount for a period: check %s, and that the key is of the same account and mode",
					id, p.ID, variable("plans")))
			}
		}
	}
	mode := "live mode"
	if strings.Contains(s.StripeKey, "_test_") {
		mode = "test mode"
	}
	return fmt.Sprintf("the key is taken, in %s; prices: %d", mode, len(known)), errors.Join(errs...)
}
