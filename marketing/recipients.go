package marketing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// coldMail is the data of a mail of a campaign to somebody.
type coldMail struct {
	Campaign string `json:"campaignId" jsonschema:"id of the campaign"`
	Email    string `json:"email" jsonschema:"the recipient's address"`
	Name     string `json:"name,omitempty" jsonschema:"the recipient's name"`
	Step     int    `json:"step" jsonschema:"which mail of the campaign, from 0"`
	Added    string `json:"addedAt" jsonschema:"when the recipient was added, in UTC"`
	State    string `json:"state" jsonschema:"queued, sending (or it is not known), sent, skipped_suppressed or failed"`
	SentAt   string `json:"sentAt,omitempty" jsonschema:"when it went out, in UTC"`
	MailID   string `json:"id,omitempty" jsonschema:"the box's id of it"`
	Error    string `json:"error,omitempty" jsonschema:"why it failed"`
}

func coldID(campaign, email string, day int) string {
	return fmt.Sprintf("%s.%s.%03d", campaign, addressID(email), day)
}

func (t *team) addRecipients(ctx context.Context, customer storage.CustomerID, in addRecipientsIn) (addedOut, error) {
	var out addedOut
	for i, r := range in.Recipients {
		if err := errors.Join(checkAddress(fmt.Sprintf("recipients[%d].email", i), r.Email), checkLine(fmt.Sprintf("recipients[%d].name", i), r.Name)); err != nil {
			return out, err
		}
	}
	_, err := t.changeCampaign(ctx, customer, in.ID, func(tx storage.Store, c *campaign) error {
		out = addedOut{Skipped: []string{}}
		if c.State == campaignCancelled {
			return agent.Errorf("the campaign is cancelled")
		}
		named := slices.ContainsFunc(c.Steps, func(s coldStep) bool { return strings.Contains(s.Subject+s.Body, "{{name}}") })
		for _, r := range in.Recipients {
			_, err := tx.Document(ctx, customer, suppressionKind, addressID(r.Email))
			switch {
			case err == nil:
				out.Skipped = append(out.Skipped, r.Email+": gets no more mails")
				continue
			case !errors.Is(err, storage.ErrNotFound):
				return err
			case named && r.Name == "":
				out.Skipped = append(out.Skipped, r.Email+": has no name, and the mails have {{name}}")
				continue
			case c.People == maxRecipients:
				out.Skipped = append(out.Skipped, fmt.Sprintf("%s: the campaign has %d recipients, which is the most", r.Email, maxRecipients))
				continue
			}
			added, err := t.queueMails(ctx, tx, customer, *c, r)
			if err != nil {
				return err
			}
			if !added {
				out.Skipped = append(out.Skipped, r.Email+": is there already")
				continue
			}
			c.People++
			out.Added++
		}
		return nil
	})
	return out, err
}

// queueMails stores the mails to somebody, and reports whether they are new.
func (t *team) queueMails(ctx context.Context, tx storage.Store, customer storage.CustomerID, c campaign, r recipient) (bool, error) {
	now := t.now()
	for i, s := range c.Steps {
		data, err := encode(coldMail{Campaign: c.ID, Email: r.Email, Name: r.Name, Step: i, Added: storage.FormatTime(now)})
		if err != nil {
			return false, err
		}
		err = tx.CreateDocument(ctx, storage.Document{
			CustomerID: customer, Kind: coldMailKind, ID: coldID(c.ID, r.Email, s.Day), Status: mailQueued, Data: data, CreatedAt: now, UpdatedAt: now,
		})
		if isDone(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

func (t *team) getCampaign(ctx context.Context, customer storage.CustomerID, in campaignIn) (campaignOut, error) {
	d, err := t.store.Document(ctx, customer, campaignKind, in.ID)
	if err != nil {
		return campaignOut{}, unknownCampaign(err)
	}
	c, err := campaignOf(d)
	if err != nil {
		return campaignOut{}, err
	}
	out := campaignOut{campaign: c, Counts: map[string]int{}, Failed: []coldMail{}}
	err = t.eachMail(ctx, customer, c.ID, "", func(m coldMail, _ storage.Document) error {
		out.Counts[m.State]++
		if (m.State == mailFailed || m.State == mailSending) && len(out.Failed) < 50 {
			out.Failed = append(out.Failed, m)
		}
		return nil
	})
	return out, err
}

// eachMail calls back for the mails of a campaign in a state, or in any.
func (t *team) eachMail(ctx context.Context, customer storage.CustomerID, campaign, state string, fn func(coldMail, storage.Document) error) error {
	// All IDs of a campaign begin with its own, and "/" comes after ".".
	q := storage.DocumentQuery{Kind: coldMailKind, Status: state, Page: storage.Page{Limit: storage.MaxLimit, Before: campaign + "/"}}
	for {
		list, err := t.store.Documents(ctx, customer, q)
		if err != nil {
			return err
		}
		for _, d := range list {
			if !strings.HasPrefix(d.ID, campaign+".") {
				return nil
			}
			m, err := decode[coldMail](d.Data)
			if err != nil {
				return err
			}
			m.State = d.Status
			if err := fn(m, d); err != nil {
				return err
			}
		}
		if len(list) < q.Limit {
			return nil
		}
		q.Before = list[len(list)-1].ID
	}
}

// due is when a mail of a campaign may go out.
func (c campaign) due(m coldMail) time.Time {
	began, err := time.Parse(time.RFC3339, c.Began)
	if err != nil {
		return time.Time{}
	}
	if added, err := time.Parse(time.RFC3339, m.Added); err == nil && added.After(began) {
		began = added
	}
	if m.Step >= len(c.Steps) {
		return time.Time{}
	}
	return began.AddDate(0, 0, c.Steps[m.Step].Day)
}
