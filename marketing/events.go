package marketing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// maxEventData is how many bytes of JSON an event's data may have.
const maxEventData = 8192

var eventTypePattern = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$`)

// ownNouns begin the types of events that the host records itself.
var ownNouns = []string{
	"address", "admin", "agent", "approval", "billing", "brand", "campaign", "checkout", "citation", "connection", "content", "customer",
	"dashboard", "errand", "key", "mail", "memory", "optimization", "outreach", "performance", "report", "run", "session", "subscription", "usage", "webhook", "workflow",
	"x_stream_brand_mention", "x_stream_competitor", "x_stream_lead_signal", "x_stream_noise",
}

type event struct {
	ID        storage.EventID `json:"id" jsonschema:"the event's id"`
	Type      string          `json:"type" jsonschema:"what happened, as noun.verb"`
	Data      any             `json:"data" jsonschema:"an object with the particulars"`
	CreatedAt string          `json:"createdAt" jsonschema:"when it was recorded, in UTC"`
}

type eventsIn struct {
	Type string `json:"type,omitempty" jsonschema:"only events of this type, such as lead.logged; with a * at the end only those that begin so, such as content.*"`
	paging
}

type eventsOut struct {
	Events     []event `json:"events" jsonschema:"newest first"`
	NextCursor string  `json:"nextCursor,omitempty" jsonschema:"the cursor of the next page; not there on the last one"`
}

type logEventIn struct {
	Type string          `json:"type" jsonschema:"what happened: noun.verb in lower case with the verb in the past tense, such as lead.logged or webinar.held"`
	Data json.RawMessage `json:"data,omitempty" jsonschema:"the particulars: a JSON object of at most 8 KB, such as {\"source\": \"webinar\", \"count\": 12}"`
}

func (t *team) listEventsTool() *agent.Tool {
	return agent.NewTool("list_events",
		"What happened in the customer's account, newest first: content saved and reviewed, changes of the brand, leads and whatever else was logged.",
		t.listEvents,
		&agent.ToolOptions{Title: "List events", ReadOnly: true, Idempotent: true, Input: func(s *jsonschema.Schema) {
			boundText(s, "type", 1, 100)
			boundPaging(s)
		}})
}

func (t *team) listEvents(ctx context.Context, customer storage.CustomerID, in eventsIn) (eventsOut, error) {
	if err := checkLine("type", in.Type); err != nil {
		return eventsOut{}, err
	}
	events, next, err := storage.List(in.Limit, in.Cursor,
		func(e storage.Event) string { return string(e.ID) },
		func(p storage.Page) ([]storage.Event, error) {
			return t.store.Events(ctx, customer, storage.EventQuery{Type: in.Type, Page: p})
		})
	if err != nil {
		return eventsOut{}, err
	}
	out := eventsOut{Events: make([]event, len(events)), NextCursor: next}
	for i, e := range events {
		out.Events[i] = event{ID: e.ID, Type: e.Type, Data: e.Data, CreatedAt: storage.FormatTime(e.CreatedAt)}
	}
	return out, nil
}

func (t *team) logEventTool() *agent.Tool {
	return agent.NewTool("log_event",
		"Records something that happened outside of this service and matters to marketing, such as a lead, a sale or an event that was held. It can't be taken back. What happens in this service is recorded by itself.",
		t.logEvent,
		&agent.ToolOptions{Title: "Log event", Input: func(s *jsonschema.Schema) {
			boundText(s, "type", 3, 64)
			s.Properties["data"] = &jsonschema.Schema{Type: "object", Description: s.Properties["data"].Description}
		}})
}

func (t *team) logEvent(ctx context.Context, customer storage.CustomerID, in logEventIn) (event, error) {
	noun, _, _ := strings.Cut(in.Type, ".")
	switch {
	case !eventTypePattern.MatchString(in.Type):
		return event{}, storage.Invalid("type", "noun.verb in lower-case letters, digits and '_', such as lead.logged")
	case slices.Contains(ownNouns, noun):
		return event{}, agent.Errorf("events of type %s.* are recorded by the service itself; choose another noun, such as lead.logged", noun)
	case len(in.Data) > maxEventData:
		return event{}, storage.Invalid("data", "an object of at most %d bytes", maxEventData)
	}
	if len(in.Data) == 0 || string(in.Data) == "null" {
		in.Data = json.RawMessage("{}")
	}
	if err := checkData(in.Data); err != nil {
		return event{}, err
	}
	e := storage.NewEvent(customer, in.Type, in.Data)
	if err := t.store.AppendEvent(ctx, e); err != nil {
		return event{}, err
	}
	return event{ID: e.ID, Type: e.Type, Data: e.Data, CreatedAt: storage.FormatTime(e.CreatedAt)}, nil
}

// checkData looks at every text in the data, names included.
func checkData(data json.RawMessage) error {
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return storage.Invalid("data", "a JSON object")
		}
		if text, ok := token.(string); ok {
			if err := checkVisible("each text in data", text); err != nil {
				return err
			}
		}
	}
}
