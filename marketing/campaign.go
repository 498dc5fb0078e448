package marketing

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// A campaign is a document, and each mail to somebody another one, whose ID is made of the
// campaign, the address and the day of the step: it is there once.
const (
	campaignKind = "cold_campaign"
	coldMailKind = "cold_send"
)

// The states of campaigns.
const (
	campaignDraft     = "draft"
	campaignScheduled = "scheduled"
	campaignPaused    = "paused"
	campaignCancelled = "cancelled"
)

// The states of mails.
const (
	mailQueued     = "queued"
	mailSending    = "sending" // or nobody knows
	mailSent       = "sent"
	mailSuppressed = "skipped_suppressed"
	mailFailed     = "failed"
)

// The caps that nobody can lift.
const (
	defaultDailyCap = 25
	maxDailyCap     = 50 // of a campaign, and of a customer
	maxRecipients   = 1000
	maxSteps        = 5
	stepGap         = 2 // days between steps
	maxColdBody     = 2000
	maxColdLinks    = 2
)

type coldStep struct {
	Day     int    `json:"dayOffset" jsonschema:"days after the first mail; 0 for the first, then at least 2 days apart"`
	Subject string `json:"subject" jsonschema:"its subject; {{name}} stands for the recipient's name"`
	Body    string `json:"body" jsonschema:"plain text of at most 2,000 characters and 2 links; {{name}} stands for the recipient's name. The sender, the postal address and a way to end it are added"`
}

// campaign is the data of a campaign.
type campaign struct {
	ID       string     `json:"id" jsonschema:"its id"`
	Name     string     `json:"name" jsonschema:"its name"`
	State    string     `json:"state" jsonschema:"draft, scheduled, paused or cancelled"`
	Mailbox  string     `json:"mailbox" jsonschema:"from which of the customer's boxes it is sent: gmail or outlook"`
	DailyCap int        `json:"dailyCap" jsonschema:"how many mails go out in 24 hours at most"`
	Sender   string     `json:"sender" jsonschema:"who writes, as it stands below each mail"`
	Address  string     `json:"postalAddress" jsonschema:"the sender's postal address, which the law wants in such mails"`
	Steps    []coldStep `json:"steps" jsonschema:"its mails, in order"`
	People   int        `json:"recipients" jsonschema:"how many people get it"`
	Began    string     `json:"startedAt,omitempty" jsonschema:"when it was started, in UTC"`
	Error    string     `json:"error,omitempty" jsonschema:"why it pauses"`
}

type createCampaignIn struct {
	Name     string     `json:"name" jsonschema:"its name"`
	Mailbox  string     `json:"mailbox" jsonschema:"from which of the customer's boxes to send: gmail or outlook"`
	DailyCap int        `json:"dailyCap,omitempty" jsonschema:"how many mails may go out in 24 hours; 25 when left out, 50 at most"`
	Sender   string     `json:"sender" jsonschema:"who writes: a person's name and what they do"`
	Address  string     `json:"postalAddress" jsonschema:"the sender's postal address"`
	Steps    []coldStep `json:"steps" jsonschema:"its mails, 1 to 5"`
}

type campaignIn struct {
	ID string `json:"id" jsonschema:"the campaign's id"`
}

type stopCampaignIn struct {
	ID     string `json:"id" jsonschema:"the campaign's id"`
	Cancel bool   `json:"cancel,omitempty" jsonschema:"true to end it for good; otherwise it pauses"`
}

type recipient struct {
	Email string `json:"email" jsonschema:"the address"`
	Name  string `json:"name,omitempty" jsonschema:"what to call them; needed when the mails have {{name}}"`
}

type addRecipientsIn struct {
	ID         string      `json:"id" jsonschema:"the campaign's id"`
	Recipients []recipient `json:"recipients" jsonschema:"at most 100 at once, 1,000 in a campaign"`
}

type addedOut struct {
	Added   int      `json:"added" jsonschema:"how many people were added"`
	Skipped []string `json:"skipped" jsonschema:"who was not, and why"`
}

type campaignsOut struct {
	Campaigns []campaign `json:"campaigns" jsonschema:"newest first"`
}

type campaignOut struct {
	campaign
	Counts map[string]int `json:"mails" jsonschema:"how many mails are queued, sending (or it is not known), sent, skipped_suppressed and failed"`
	Failed []coldMail     `json:"failures" jsonschema:"mails that failed, or of which it is not known, at most 50"`
}

func (t *team) campaignTools() []*agent.Tool {
	one := func(s *jsonschema.Schema) { boundText(s, "id", 1, maxID) }
	return []*agent.Tool{
		agent.NewTool("create_campaign", "Drafts a sequence of plain-text e-mails to people who don't know the customer yet, from the customer's own box. Nothing is sent until start_campaign.",
			t.createCampaign, &agent.ToolOptions{Title: "Create campaign", Input: func(s *jsonschema.Schema) {
				boundText(s, "name", 1, 100)
				oneOf(s, "mailbox", t.reachable(mailboxes)...)
				boundNumber(s, "dailyCap", 1, maxDailyCap)
				boundText(s, "sender", 1, 200)
				boundText(s, "postalAddress", 10, 300)
				p := s.Properties["steps"]
				p.MinItems, p.MaxItems = new(1), new(maxSteps)
				boundNumber(p.Items, "dayOffset", 0, 90)
				boundText(p.Items, "subject", 1, 150)
				boundText(p.Items, "body", 1, maxColdBody)
			}}),
		agent.NewTool("add_recipients", "Adds people to a campaign. Each gets each of its mails once. Who asked for no more mails is left out.",
			t.addRecipients, &agent.ToolOptions{Title: "Add recipients", Idempotent: true, Input: func(s *jsonschema.Schema) {
				one(s)
				p := s.Properties["recipients"]
				p.MinItems, p.MaxItems = new(1), new(100)
				boundText(p.Items, "email", 3, 254)
				boundText(p.Items, "name", 1, 100)
			}}),
		agent.NewTool("start_campaign", "Starts a campaign, or goes on with one that pauses. Show the customer every mail and the number of recipients first: call it only with their yes.",
			t.startCampaign, &agent.ToolOptions{Title: "Start campaign", Destructive: true, NeedsPerson: true, Input: one}),
		agent.NewTool("stop_campaign", "Pauses a campaign, or cancels it for good. What was sent stays sent.",
			t.stopCampaign, &agent.ToolOptions{Title: "Stop campaign", Idempotent: true, Input: one}),
		agent.NewTool("list_campaigns", "The customer's campaigns of e-mails to new people.",
			func(ctx context.Context, customer storage.CustomerID, _ struct{}) (campaignsOut, error) {
				list, err := t.campaigns(ctx, customer, "")
				return campaignsOut{append([]campaign{}, list...)}, err
			}, &agent.ToolOptions{Title: "List campaigns", ReadOnly: true, Idempotent: true}),
		agent.NewTool("get_campaign", "A campaign with its mails, how many went out, and what failed.",
			t.getCampaign, &agent.ToolOptions{Title: "Get campaign", ReadOnly: true, Idempotent: true, Input: one}),
	}
}

// checkCampaign says what in a campaign may not go out.
func checkCampaign(in createCampaignIn) error {
	for name, text := range map[string]string{"name": in.Name, "sender": in.Sender} {
		if err := checkLine(name, text); err != nil {
			return err
		}
	}
	if err := checkText("postalAddress", in.Address); err != nil {
		return err
	}
	for i, s := range in.Steps {
		field := fmt.Sprintf("steps[%d]", i)
		if err := errors.Join(checkLine(field+".subject", s.Subject), checkText(field+".body", s.Body)); err != nil {
			return err
		}
		lower := strings.ToLower(s.Subject)
		rest := strings.ReplaceAll(s.Subject+s.Body, "{{name}}", "")
		switch {
		case i == 0 && s.Day != 0:
			return storage.Invalid(field+".dayOffset", "0 in the first step")
		case i > 0 && s.Day < in.Steps[i-1].Day+stepGap:
			return storage.Invalid(field+".dayOffset", "at least %d days after the step before", stepGap)
		case i == 0 && (strings.HasPrefix(lower, "re:") || strings.HasPrefix(lower, "fwd:") || strings.HasPrefix(lower, "fw:")):
			return storage.Invalid(field+".subject", "honest: nobody wrote before, so it is no answer")
		case strings.Contains(rest, "{{") || strings.Contains(rest, "}}"):
			return storage.Invalid(field, "without placeholders other than {{name}}")
		case strings.Count(strings.ToLower(s.Body), "http") > maxColdLinks:
			return storage.Invalid(field+".body", "a text with at most %d links", maxColdLinks)
		}
	}
	return nil
}

func (t *team) createCampaign(ctx context.Context, customer storage.CustomerID, in createCampaignIn) (campaign, error) {
	if err := checkCampaign(in); err != nil {
		return campaign{}, err
	}
	c := campaign{
		ID: storage.NewID(), Name: in.Name, State: campaignDraft, Mailbox: in.Mailbox, DailyCap: orDefault(in.DailyCap, defaultDailyCap),
		Sender: in.Sender, Address: in.Address, Steps: in.Steps,
	}
	return c, t.keep(ctx, customer, campaignKind, c.ID, c.State, t.now(), c, "campaign.created", map[string]any{"id": c.ID, "name": c.Name})
}

func campaignOf(d storage.Document) (campaign, error) {
	c, err := decode[campaign](d.Data)
	c.State = d.Status
	return c, err
}

func (t *team) campaigns(ctx context.Context, customer storage.CustomerID, state string) ([]campaign, error) {
	list, err := t.store.Documents(ctx, customer, storage.DocumentQuery{Kind: campaignKind, Status: state, Page: storage.Page{Limit: storage.MaxLimit}})
	if err != nil {
		return nil, err
	}
	var all []campaign
	for _, d := range list {
		c, err := campaignOf(d)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func unknownCampaign(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return agent.Errorf("there is no such campaign; list_campaigns shows those there are")
	}
	return err
}

// changeCampaign alters a campaign, with an event if it gets into another state.
func (t *team) changeCampaign(ctx context.Context, customer storage.CustomerID, id string, change func(tx storage.Store, c *campaign) error) (campaign, error) {
	var after campaign
	err := t.store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		before := ""
		_, err := tx.UpdateDocument(ctx, customer, campaignKind, id, func(d *storage.Document) error {
			c, err := campaignOf(*d)
			if err != nil {
				return err
			}
			before = c.State
			if err := change(tx, &c); err != nil {
				return err
			}
			after = c
			d.Status, d.UpdatedAt = c.State, t.now()
			d.Data, err = encode(c)
			return err
		})
		if err != nil || before == after.State {
			return err
		}
		return storage.Record(ctx, tx, customer, "campaign."+after.State, map[string]any{"id": id, "name": after.Name, "error": after.Error})
	})
	return after, unknownCampaign(err)
}

func (t *team) startCampaign(ctx context.Context, customer storage.CustomerID, in campaignIn) (campaign, error) {
	if _, err := agent.LinkTo(ctx, unsubscribeLink, "x"); err != nil {
		return campaign{}, agent.Errorf("nobody could end the mails: the operator of this service must set its public address first")
	}
	return t.changeCampaign(ctx, customer, in.ID, func(_ storage.Store, c *campaign) error {
		switch {
		case c.State != campaignDraft && c.State != campaignPaused:
			return agent.Errorf("the campaign is %s already", c.State)
		case c.People == 0:
			return agent.Errorf("the campaign has no recipients; add_recipients adds some")
		}
		if c.State, c.Error = campaignScheduled, ""; c.Began == "" {
			c.Began = storage.FormatTime(t.now())
		}
		return nil
	})
}

func (t *team) stopCampaign(ctx context.Context, customer storage.CustomerID, in stopCampaignIn) (campaign, error) {
	return t.changeCampaign(ctx, customer, in.ID, func(_ storage.Store, c *campaign) error {
		switch {
		case in.Cancel:
			c.State = campaignCancelled
		case c.State == campaignScheduled:
			c.State = campaignPaused
		case c.State != campaignPaused:
			return agent.Errorf("the campaign is %s: only one that was started can pause", c.State)
		}
		return nil
	})
}
