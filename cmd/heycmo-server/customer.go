package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/internal/rest"
	"github.com/heycmo/heycmo-go/storage"
)

type customerCommand struct {
	Create  customerCreate  `cmd:"" help:"Make a customer; its key is shown this one time."`
	List    customerList    `cmd:"" help:"List customers, newest first."`
	Show    customerShow    `cmd:"" help:"Show a customer and its keys."`
	Suspend customerSuspend `cmd:"" help:"Shut a customer out."`
	Resume  customerResume  `cmd:"" help:"Let a suspended customer in again."`
	Plan    customerPlan    `cmd:"" help:"Give a customer a plan without payment, or take back what was given."`
	Key     customerKey     `cmd:"" help:"Make a new key for a customer; it is shown this one time."`
	Revoke  customerRevoke  `cmd:"" help:"Revoke a key of a customer."`
}

// withAdmin runs do on the configured database, with the plans of the settings and
// the notices that follow from changes. A server that is running on it follows
// within 5 s, and sends the notices.
func (c console) withAdmin(ctx context.Context, s *settings, do func(*heycmo.Admin) error) error {
	o := &heycmo.Options{Log: s.logger(c.err), PublicURL: s.PublicURL}
	var f faults
	s.sell(o, &f)
	if err := errors.Join(f...); err != nil {
		return err
	}
	s.returnTo(o, s.base(s.Addr))
	return s.withHost(ctx, o, do)
}

// withHost runs do on the configured database.
func (s *settings) withHost(ctx context.Context, o *heycmo.Options, do func(*heycmo.Admin) error) (err error) {
	store, err := openStore(ctx, s.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	srv, err := heycmo.New(store, o)
	if err != nil {
		return err
	}
	return do(srv.Admin())
}

type format struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (c console) json(v any) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

type customerCreate struct {
	format
	Email      string `required:"" help:"Contact address."`
	Brand      string `help:"Brand name."`
	Website    string `help:"Website, https://…"`
	Plan       string `help:"Plan."`
	ExternalID string `name:"external-id" help:"Your own ID; asking again with it finds the customer."`
}

func (f customerCreate) Run(ctx context.Context, c console, s *settings) error {
	return c.withAdmin(ctx, s, func(admin *heycmo.Admin) error {
		p, err := admin.Provision(ctx, heycmo.NewCustomer{
			Email: f.Email, BrandName: f.Brand, Website: f.Website, Plan: f.Plan, ExternalID: f.ExternalID,
		})
		if err != nil {
			return err
		}
		if f.JSON {
			out := map[string]any{"customer": rest.CustomerOf(p.Customer)}
			if p.Created {
				out["apiKey"] = p.APIKey.Reveal()
			}
			return c.json(out)
		}
		if !p.Created {
			_, err := fmt.Fprintf(c.out, "customer: %s (was there already)\n", p.Customer.ID)
			return err
		}
		_, err = fmt.Fprintf(c.out, "key: %s\ncustomer: %s\n", p.APIKey.Reveal(), p.Customer.ID)
		return err
	})
}

type customerList struct {
	format
	Search string `arg:"" optional:"" help:"Part of the e-mail address, brand or website, or a whole ID."`
	Status string `help:"pending, onboarding, active or inactive."`
	Limit  int    `default:"50" help:"1 to 100."`
	Cursor string `help:"What the page before ended with."`
}

func (f customerList) Run(ctx context.Context, c console, s *settings) error {
	return c.withAdmin(ctx, s, func(admin *heycmo.Admin) error {
		page, next, err := admin.Customers(ctx, heycmo.CustomerSearch{
			Text: f.Search, Status: storage.Status(f.Status), Limit: f.Limit, Cursor: f.Cursor,
		})
		if err != nil {
			return err
		}
		if f.JSON {
			customers := make([]any, len(page))
			for i, customer := range page {
				customers[i] = rest.CustomerOf(customer)
			}
			return c.json(map[string]any{"customers": customers, "nextCursor": next})
		}
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "CUSTOMER\tSTATUS\tE-MAIL\tBRAND\tMADE")
		for _, customer := range page {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", customer.ID, customer.Status, customer.Email, customer.BrandName, customer.CreatedAt.Format(time.DateOnly))
		}
		if next != "" {
			fmt.Fprintf(w, "more: --cursor %s\n", next)
		}
		return w.Flush()
	})
}

type customerArg struct {
	Customer string `arg:"" help:"ID of the customer."`
}

func (a customerArg) id() storage.CustomerID { return storage.CustomerID(a.Customer) }

type customerShow struct{ customerArg }

func (f customerShow) Run(ctx context.Context, c console, s *settings) error {
	return c.withAdmin(ctx, s, func(admin *heycmo.Admin) error {
		customer, err := admin.Customer(ctx, f.id())
		if err != nil {
			return err
		}
		keys, _, err := admin.Keys(ctx, f.id(), storage.MaxLimit, "")
		if err != nil {
			return err
		}
		out := map[string]any{"customer": rest.CustomerOf(customer)}
		if s.sells() {
			account, err := admin.Account(ctx, f.id())
			if err != nil {
				return err
			}
			out["billing"] = accountOf(account, time.Now())
		}
		list := make([]any, len(keys))
		for i, k := range keys {
			list[i] = rest.KeyOf(k)
		}
		out["keys"] = list
		return c.json(out)
	})
}

type customerSuspend struct{ customerArg }

func (f customerSuspend) Run(ctx context.Context, c console, s *settings) error {
	return c.withAdmin(ctx, s, func(admin *heycmo.Admin) error {
		customer, err := admin.Suspend(ctx, f.id())
		return c.status(customer, err)
	})
}

type customerResume struct{ customerArg }

func (f customerResume) Run(ctx context.Context, c console, s *settings) error {
	return c.withAdmin(ctx, s, func(admin *heycmo.Admin) error {
		customer, err := admin.Resume(ctx, f.id())
		return c.status(customer, err)
	})
}

type customerPlan struct {
	customerArg
	Plan string `arg:"" optional:"" help:"ID of the plan; without it, only what they pay for lets the customer in."`
}

func (f customerPlan) Run(ctx context.Context, c console, s *settings) error {
	return c.withAdmin(ctx, s, func(admin *heycmo.Admin) error {
		customer, err := admin.SetPlan(ctx, f.id(), f.Plan)
		if err != nil {
			return err
		}
		status, plan := customer.StatusAt(time.Now()), ""
		if status.Entitled() {
			plan = ", with " + planText(customer.Plan)
		}
		_, err = fmt.Fprintf(c.out, "customer: %s is %s%s\n", customer.ID, status, plan)
		return err
	})
}

func (c console) status(customer storage.Customer, err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "customer: %s is %s\n", customer.ID, customer.Status)
	return err
}

type customerKey struct {
	customerArg
	format
	Name string `default:"from the command line" help:"Name of the key."`
}

func (f customerKey) Run(ctx context.Context, c console, s *settings) error {
	return c.withAdmin(ctx, s, func(admin *heycmo.Admin) error {
		apiKey, key, err := admin.CreateKey(ctx, f.id(), f.Name)
		if err != nil {
			return err
		}
		if f.JSON {
			return c.json(map[string]any{"apiKey": apiKey.Reveal(), "key": rest.KeyOf(key)})
		}
		_, err = fmt.Fprintf(c.out, "key: %s\n", apiKey.Reveal())
		return err
	})
}

type customerRevoke struct {
	customerArg
	Key string `arg:"" help:"ID of the key."`
}

func (f customerRevoke) Run(ctx context.Context, c console, s *settings) error {
	return c.withAdmin(ctx, s, func(admin *heycmo.Admin) error {
		if err := admin.RevokeKey(ctx, f.id(), storage.KeyID(f.Key)); err != nil {
			return err
		}
		_, err := fmt.Fprintln(c.out, "the key is revoked")
		return err
	})
}
