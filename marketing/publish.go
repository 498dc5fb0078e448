package marketing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/marketing/channel"
	"github.com/heycmo/heycmo-go/storage"
)

// A publication is a document that says what became of a piece at a platform, or of a mail
// to somebody: there is one for each, so that nothing goes out twice. It is stored before
// the platform is asked. Where the process dies before the answer is stored, or the
// platform's answer is lost, it stays in the state sending: nobody knows then, and a person
// must look.
const publicationKind = "publication"

// The states of publications.
const (
	pubSending   = "sending"
	pubPublished = "published"
	pubFailed    = "failed" // nothing went out
)

var (
	publishable = []string{"linkedin", "x", "facebook"}
	mailboxes   = []string{"gmail", "outlook"}
)

// stillSending is how long a publication may be under way.
const stillSending = 2 * time.Minute

// publication is the data of a publication.
type publication struct {
	ContentID string `json:"contentId" jsonschema:"id of the piece"`
	Version   int    `json:"version" jsonschema:"number of its version"`
	Title     string `json:"title" jsonschema:"its title"`
	Platform  string `json:"platform" jsonschema:"where"`
	To        string `json:"to,omitempty" jsonschema:"of an e-mail: the recipient"`
	State     string `json:"state" jsonschema:"published; or sending, when nobody knows; or failed"`
	PostID    string `json:"id,omitempty" jsonschema:"the platform's id of it"`
	URL       string `json:"url,omitempty" jsonschema:"its address"`
	At        string `json:"at" jsonschema:"when, in UTC"`
	Error     string `json:"error,omitempty" jsonschema:"why it failed"`

	began time.Time
	fresh bool // it was published by this call
}

type publishIn struct {
	ContentID string `json:"id" jsonschema:"the id of an approved piece; its newest version is published as it is"`
	Platform  string `json:"platform" jsonschema:"where to publish it"`
	Page      string `json:"page,omitempty" jsonschema:"of Facebook: id of the page; needed when the account has several"`
	Missing   bool   `json:"notThere,omitempty" jsonschema:"true after an attempt whose outcome is not known, when the customer has looked and it is not there: it is tried again"`
}

func (t *team) publishPostTool() *agent.Tool {
	return agent.NewTool("publish_post",
		"Publishes an approved piece at a platform that the customer has connected, once. Call it only when the customer wants that.",
		func(ctx context.Context, customer storage.CustomerID, in publishIn) (publication, error) {
			return t.goOut(ctx, customer, publication{ContentID: in.ContentID, Platform: in.Platform}, in.Missing,
				func(ctx context.Context, p fullPiece) (channel.Published, error) {
					return channel.Publish(ctx, in.Platform, channel.Post{Text: p.Body, Page: in.Page})
				})
		},
		&agent.ToolOptions{Title: "Publish post", Destructive: true, Idempotent: true, OpenWorld: true, NeedsPerson: true, Input: func(s *jsonschema.Schema) {
			boundText(s, "id", 1, maxID)
			oneOf(s, "platform", t.reachable(publishable)...)
			boundText(s, "page", 1, 64)
		}})
}

// reachable are those of the platforms that customers can connect.
func (t *team) reachable(platforms []string) (ids []string) {
	for _, p := range platforms {
		if t.reaches(p) {
			ids = append(ids, p)
		}
	}
	return ids
}

type sendEmailIn struct {
	ContentID string `json:"id" jsonschema:"the id of an approved piece, whose newest version is sent as plain text; its subject is meta.subject, or else the title"`
	To        string `json:"to" jsonschema:"the recipient's address"`
	ToName    string `json:"toName,omitempty" jsonschema:"the recipient's name"`
	Mailbox   string `json:"mailbox,omitempty" jsonschema:"from which of the customer's boxes; needed when several are connected"`
	Missing   bool   `json:"notThere,omitempty" jsonschema:"true after an attempt whose outcome is not known, when the customer has looked and it was not sent: it is tried again"`
}

func (t *team) sendEmailTool() *agent.Tool {
	return agent.NewTool("send_email",
		"Sends an approved piece as an e-mail from the customer's own box to one person, once. Call it only when the customer wants that. For mails to people who don't know the customer there are campaigns.",
		t.sendEmail,
		&agent.ToolOptions{Title: "Send e-mail", Destructive: true, Idempotent: true, OpenWorld: true, NeedsPerson: true, Input: func(s *jsonschema.Schema) {
			boundText(s, "id", 1, maxID)
			boundText(s, "to", 3, 254)
			boundText(s, "toName", 1, 100)
			oneOf(s, "mailbox", t.reachable(mailboxes)...)
		}})
}

func (t *team) sendEmail(ctx context.Context, customer storage.CustomerID, in sendEmailIn) (publication, error) {
	if err := cmp.Or(checkAddress("to", in.To), checkLine("toName", in.ToName)); err != nil {
		return publication{}, err
	}
	if in.Mailbox == "" {
		boxes := t.reachable(mailboxes)
		if len(boxes) > 1 {
			return publication{}, storage.Invalid("mailbox", "one of %s", strings.Join(boxes, ", "))
		}
		in.Mailbox = boxes[0]
	}
	if suppressed, err := t.suppressed(ctx, customer, in.To); err != nil || suppressed {
		if err == nil {
			err = agent.Errorf("%s has asked for no more mails, or was put on the list of those who get none", in.To)
		}
		return publication{}, err
	}
	return t.goOut(ctx, customer, publication{ContentID: in.ContentID, Platform: in.Mailbox, To: in.To}, in.Missing,
		func(ctx context.Context, p fullPiece) (channel.Published, error) {
			id, err := channel.Send(ctx, in.Mailbox, channel.Mail{
				To: mail.Address{Name: in.ToName, Address: in.To}, Subject: orElse(p.Meta["subject"], p.Title), Body: p.Body,
			})
			return channel.Published{ID: id}, err
		})
}

// goOut has a piece go out once: it stores that it will, does it, and stores what came of
// it.
func (t *team) goOut(ctx context.Context, customer storage.CustomerID, p publication, missing bool, send func(context.Context, fullPiece) (channel.Published, error)) (publication, error) {
	work, err := loadPiece(ctx, t.store, customer, p.ContentID, 0)
	if err != nil {
		return publication{}, unknownPiece(err)
	}
	if work.State != stateApproved {
		return publication{}, agent.Errorf("the piece is %s: only what the customer approved goes out", work.State)
	}
	p.Version, p.Title, p.State, p.At, p.began = work.Version, work.Title, pubSending, storage.FormatTime(t.now()), t.now()
	id := p.ContentID + "." + p.Platform
	if p.To != "" {
		id = p.ContentID + ".mail." + addressID(p.To)
	}
	p, err = t.claim(ctx, customer, id, p, missing)
	if err != nil || !p.fresh {
		return p, err
	}
	out, sent := send(ctx, work)
	ctx = context.WithoutCancel(ctx) // what happened must be stored
	p.State, p.PostID, p.URL = pubPublished, out.ID, out.URL
	event := "content.published"
	switch {
	case sent != nil && channel.Unsent(sent):
		p.State, event = pubFailed, "content.publish_failed"
		p.Error, _ = agent.CallerText(sent)
	case sent != nil:
		return p, agent.Errorf("it is not known whether it went out: %w Have the customer look. If it is not there, call again with notThere", sent)
	}
	if err := t.settle(ctx, customer, id, p, event); err != nil {
		return p, fmt.Errorf("marketing: %s went out and can't be stored: %w", id, err)
	}
	return p, sent
}

// claim stores that a publication is under way, or returns the one that there is.
func (t *team) claim(ctx context.Context, customer storage.CustomerID, id string, p publication, missing bool) (publication, error) {
	data, err := encode(p)
	if err != nil {
		return p, err
	}
	now := t.now()
	err = t.store.CreateDocument(ctx, storage.Document{
		CustomerID: customer, Kind: publicationKind, ID: id, Status: pubSending, Data: data, CreatedAt: now, UpdatedAt: now,
	})
	p.fresh = err == nil
	if !errors.Is(err, storage.ErrExists) {
		return p, err
	}
	var earlier publication
	_, err = t.store.UpdateDocument(ctx, customer, publicationKind, id, func(d *storage.Document) error {
		before, err := decode[publication](d.Data)
		if err != nil {
			return err
		}
		earlier = before
		earlier.State = d.Status
		switch {
		case d.Status == pubPublished:
			return nil
		case d.Status == pubSending && now.Sub(d.UpdatedAt) < stillSending:
			return agent.Errorf("it is on its way; try again in two minutes")
		case d.Status == pubSending && !missing:
			return agent.Errorf("it is not known whether it went out on %s. Have the customer look. If it is not there, call again with notThere", before.At)
		}
		p.fresh = true
		d.Status, d.Data, d.UpdatedAt = pubSending, data, now
		return nil
	})
	if !p.fresh {
		return earlier, err
	}
	return p, err
}

// settle stores what came of a publication. The database may be away for a moment, and
// what went out must not be forgotten.
func (t *team) settle(ctx context.Context, customer storage.CustomerID, id string, p publication, event string) (err error) {
	data, err := encode(p)
	if err != nil {
		return err
	}
	for try := range 5 {
		err = t.store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
			_, err := tx.UpdateDocument(ctx, customer, publicationKind, id, func(d *storage.Document) error {
				d.Status, d.Data, d.UpdatedAt = p.State, data, t.now()
				return nil
			})
			if err != nil {
				return err
			}
			particulars := map[string]any{"contentId": p.ContentID, "version": p.Version, "platform": p.Platform, "title": p.Title}
			for name, value := range map[string]string{"id": p.PostID, "url": p.URL, "error": p.Error} {
				if value != "" {
					particulars[name] = value
				}
			}
			return storage.Record(ctx, tx, customer, event, particulars)
		})
		if err == nil || !errors.Is(err, storage.ErrUnavailable) {
			return err
		}
		time.Sleep(time.Duration(try+1) * 200 * time.Millisecond)
	}
	return err
}
