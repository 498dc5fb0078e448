package dashboard

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/internal/plain"
	"github.com/heycmo/heycmo-go/storage"
)

// eventRow is an event as people read it.
type eventRow struct {
	ID   storage.EventID `json:"id"`
	Type string          `json:"type"`
	Text string          `json:"text"`
	At   time.Time       `json:"at"`
}

func eventRows(list []storage.Event) (rows []eventRow) {
	for _, e := range list {
		rows = append(rows, eventRow{e.ID, e.Type, eventText(e), e.CreatedAt})
	}
	return rows
}

// eventText puts the particulars of an event on a line.
func eventText(e storage.Event) string {
	var data map[string]any
	if json.Unmarshal(e.Data, &data) != nil {
		return ""
	}
	var parts []string
	for _, name := range []string{"title", "name", "platform", "account", "workflow", "reason", "error", "type", "url", "email"} {
		if text, ok := data[name].(string); ok && text != "" {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		for _, name := range slices.Sorted(maps.Keys(data)) {
			parts = append(parts, name+" "+strings.Trim(fmt.Sprint(data[name]), "[]"))
		}
	}
	return plain.Cut(plain.Line(strings.Join(parts, " · ")), 200)
}

// eventsView is the list of events.
type eventsView struct {
	Events []eventRow
	Type   string // that was asked for, such as content.*; empty: all
	Live   string // where new ones come from; empty: these are older ones
}

func (h *Handler) events(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	kind, cursor := strings.TrimSpace(r.URL.Query().Get("type")), r.URL.Query().Get("cursor")
	list, older, err := h.app.Events(r.Context(), v.Customer, kind, listed, cursor)
	d := eventsView{Events: eventRows(list), Type: kind}
	if cursor == "" {
		d.Live = base(r) + "/dashboard/events/live?" + url.Values{"type": {kind}}.Encode()
	}
	return reply{page: "events", title: "Events", data: d, older: older}, err
}
