package marketing

import (
	"context"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/marketing/channel"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// spread is over how many hours of a day the mails of a campaign go out.
const spread = 8

type drainedOut struct {
	Sent    int      `json:"sent" jsonschema:"how many mails went out"`
	Failed  int      `json:"failed" jsonschema:"how many failed"`
	Skipped int      `json:"skipped" jsonschema:"how many were for people who get no more mails"`
	Notes   []string `json:"notes,omitempty" jsonschema:"campaigns that pause, and why"`
}

func (t *team) coldMailWorkflow() *agent.Workflow {
	return agent.NewWorkflow("cold-email-sequence",
		"Sends the mails of campaigns that are due, within their caps, on working days from 7 to 18 o'clock UTC, every hour. create_campaign and start_campaign come before it.",
		func(c workflow.Context, _ struct{}) (drainedOut, error) {
			// Mails are marked before they go out, so that the step can be carried out again.
			return step(c, "send what is due", func(ctx context.Context) (drainedOut, error) { return t.drain(ctx, c.Customer()) })
		},
		&agent.WorkflowOptions{Title: "Cold e-mail sequence", Schedule: "15 7-18 * * 1-5", Spread: 30 * time.Minute, Needed: t.hasAny(campaignKind, campaignScheduled)})
}

// errPause ends a campaign's turn; its text says why it pauses.
type errPause struct{ text string }

func (e errPause) Error() string { return e.text }

// errEnough ends a campaign's turn for now.
var errEnough = errors.New("enough for now")

// drain sends what is due of all campaigns.
func (t *team) drain(ctx context.Context, customer storage.CustomerID) (drainedOut, error) {
	var out drainedOut
	now := t.now().UTC()
	if day := now.Weekday(); day == time.Saturday || day == time.Sunday || now.Hour() < 7 || now.Hour() > 18 {
		out.Notes = append(out.Notes, "Mails go out on working days from 7 to 18 o'clock UTC.")
		return out, nil
	}
	list, err := t.campaigns(ctx, customer, campaignScheduled)
	if err != nil {
		return out, err
	}
	for _, c := range list {
		err := t.drainOne(ctx, customer, c, &out)
		pause, paused := errors.AsType[errPause](err)
		switch {
		case paused:
			out.Notes = append(out.Notes, c.Name+" pauses: "+pause.text)
			_, err = t.changeCampaign(ctx, customer, c.ID, func(_ storage.Store, c *campaign) error {
				if c.State == campaignScheduled {
					c.State, c.Error = campaignPaused, pause.text
				}
				return nil
			})
		case errors.Is(err, errEnough):
			err = nil
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// drainOne sends what is due of a campaign, the longest due first, as many as an hour may
// have.
func (t *team) drainOne(ctx context.Context, customer storage.CustomerID, c campaign, out *drainedOut) error {
	type waiting struct {
		mail coldMail
		id   string
	}
	var due []waiting
	now := t.now()
	err := t.eachMail(ctx, customer, c.ID, mailQueued, func(m coldMail, d storage.Document) error {
		if at := c.due(m); !at.IsZero() && !at.After(now) {
			due = append(due, waiting{m, d.ID})
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(due, func(a, b waiting) int { return c.due(a.mail).Compare(c.due(b.mail)) })
	inAnHour := (c.DailyCap + spread - 1) / spread
	for _, w := range due {
		if inAnHour == 0 {
			return nil
		}
		state, err := t.sendCold(ctx, customer, c, w.mail, w.id)
		switch state {
		case mailSent:
			out.Sent++
			inAnHour--
		case mailFailed:
			out.Failed++
		case mailSuppressed:
			out.Skipped++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sendCold sends a mail, if it may go out, and returns what became of it; empty: nothing
// yet.
func (t *team) sendCold(ctx context.Context, customer storage.CustomerID, c campaign, m coldMail, id string) (string, error) {
	state, err := t.mayGo(ctx, customer, c, m, id)
	if err != nil || state != mailSending {
		return state, err
	}
	address, err := t.newUnsubscribe(ctx, customer, m.Email)
	if err != nil {
		return "", errors.Join(t.markMail(ctx, customer, id, mailQueued, m), errPause{"nobody could end the mails: the operator of this service must set its public address"})
	}
	s := c.Steps[m.Step]
	filled := func(text string) string { return strings.ReplaceAll(text, "{{name}}", m.Name) }
	sentID, sent := channel.Send(ctx, c.Mailbox, channel.Mail{
		To: mail.Address{Name: m.Name, Address: m.Email}, Subject: filled(s.Subject), Unsubscribe: address,
		Body: filled(s.Body) + "\n\n-- \n" + c.Sender + "\n" + c.Address + "\n\nNo more e-mails from me: " + address + "\n",
	})
	ctx = context.WithoutCancel(ctx) // what happened must be stored
	limit := &connect.LimitError{}
	switch {
	case sent == nil:
		m.SentAt, m.MailID = storage.FormatTime(t.now()), sentID
		return mailSent, t.markMail(ctx, customer, id, mailSent, m)
	case errors.As(sent, &limit):
		return "", errors.Join(t.markMail(ctx, customer, id, mailQueued, m), errEnough)
	case errors.Is(sent, connect.ErrNotConnected), errors.Is(sent, connect.ErrRevoked), errors.Is(sent, connect.ErrRejected):
		text, _ := agent.CallerText(sent)
		return "", errors.Join(t.markMail(ctx, customer, id, mailQueued, m), errPause{text})
	case channel.Unsent(sent):
		m.Error, _ = agent.CallerText(sent)
		return mailFailed, t.markMail(ctx, customer, id, mailFailed, m)
	}
	// It stays sending: nobody knows.
	m.Error = "it is not known whether it went out"
	return mailFailed, errors.Join(t.markMail(ctx, customer, id, mailSending, m), errEnough)
}

// mayGo is the check before a mail goes out: it marks it as sending, within the caps, or
// says why it doesn't.
func (t *team) mayGo(ctx context.Context, customer storage.CustomerID, c campaign, m coldMail, id string) (state string, err error) {
	err = t.store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		state = ""
		d, err := tx.Document(ctx, customer, campaignKind, c.ID)
		if err != nil || d.Status != campaignScheduled {
			return errors.Join(err, errEnough) // it was stopped meanwhile
		}
		_, err = tx.Document(ctx, customer, suppressionKind, addressID(m.Email))
		switch {
		case err == nil:
			state = mailSuppressed
			return t.markMailIn(ctx, tx, customer, id, mailQueued, mailSuppressed, m)
		case !errors.Is(err, storage.ErrNotFound):
			return err
		}
		if m.Step > 0 {
			before, err := tx.Document(ctx, customer, coldMailKind, coldID(c.ID, m.Email, c.Steps[m.Step-1].Day))
			if err != nil {
				return err
			}
			if before.Status != mailSent {
				return nil // it waits for the one before
			}
			earlier, err := decode[coldMail](before.Data)
			if err != nil {
				return err
			}
			// The pause between steps counts from when the one before really went out.
			if at, err := time.Parse(time.RFC3339, earlier.SentAt); err != nil || t.now().Before(at.AddDate(0, 0, stepGap)) {
				return nil
			}
		}
		for _, count := range []struct {
			what string
			most int
		}{{"mail", maxDailyCap}, {"mail." + c.ID, c.DailyCap}} {
			may, err := t.take(ctx, tx, customer, count.what, count.most)
			if err != nil {
				return err
			}
			if !may {
				return errEnough // which takes both counts back
			}
		}
		state = mailSending
		return t.markMailIn(ctx, tx, customer, id, mailQueued, mailSending, m)
	})
	if err != nil {
		state = ""
	}
	return state, err
}

// markMail stores what became of a mail that was sending. A mail that goes back into the
// queue doesn't count.
func (t *team) markMail(ctx context.Context, customer storage.CustomerID, id, state string, m coldMail) error {
	return t.store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		if state == mailQueued {
			if err := errors.Join(t.giveBack(ctx, tx, customer, "mail."+m.Campaign), t.giveBack(ctx, tx, customer, "mail")); err != nil {
				return err
			}
		}
		if err := t.markMailIn(ctx, tx, customer, id, mailSending, state, m); err != nil || state != mailSent {
			return err
		}
		return storage.Record(ctx, tx, customer, "mail.sent", map[string]any{"campaignId": m.Campaign, "step": m.Step})
	})
}

func (t *team) markMailIn(ctx context.Context, tx storage.Store, customer storage.CustomerID, id, from, to string, m coldMail) error {
	_, err := tx.UpdateDocument(ctx, customer, coldMailKind, id, func(d *storage.Document) error {
		if d.Status != from {
			return errEnough // somebody else has it
		}
		m.State = ""
		var err error
		d.Status, d.UpdatedAt = to, t.now()
		d.Data, err = encode(m)
		return err
	})
	return err
}
