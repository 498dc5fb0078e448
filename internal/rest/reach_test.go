package rest

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/connect/connecttest"
	"github.com/heycmo/heycmo-go/connect/oauth2connect"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/connection"
	"github.com/heycmo/heycmo-go/internal/seal"
	"github.com/heycmo/heycmo-go/storage"
)

// queue has one task for everybody.
type queue struct{ status string }

func (q *queue) task() agent.Task {
	return agent.Task{
		ID: "019b2a5e-7c00-7000-8000-000000000006", Action: "message", Target: "https://www.linkedin.com/in/ada", Text: "Hello",
		Status: q.status, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}
}

func (q *queue) Pull(context.Context, storage.CustomerID, int, string) ([]agent.Task, string, error) {
	return []agent.Task{q.task()}, "next", nil
}

func (q *queue) Task(_ context.Context, _ storage.CustomerID, id string) (agent.Task, error) {
	if id != q.task().ID {
		return agent.Task{}, storage.ErrNotFound
	}
	return q.task(), nil
}

func (q *queue) Report(_ context.Context, _ storage.CustomerID, _, status, _ string) (agent.Task, error) {
	if status != "sent" {
		return agent.Task{}, storage.Invalid("status", "sent")
	}
	if q.status == status {
		return agent.Task{}, storage.Conflict("it was sent")
	}
	q.status = status
	return q.task(), nil
}

// noPages are pages of a host of which only the links are tested here.
type noPages struct{}

func (noPages) Render(http.ResponseWriter, *http.Request, auth.Principal) error { return nil }

func withReach(t *testing.T) setting {
	t.Helper()
	platforms := connecttest.NewServer()
	t.Cleanup(platforms.Close)
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	ring, err := seal.New(seal.Key{ID: "k", Secret: key})
	if err != nil {
		t.Fatal(err)
	}
	apps := map[string]oauth2connect.Credentials{"x": platforms.Credentials()["x"]}
	return func(c *app.Config) {
		c.Catalog = &agent.Catalog{LinkedIn: &queue{"ready"}}
		c.PublicURL = "https://host.example"
		c.Pages = noPages{}
		c.Connections, err = connection.New(connection.Config{
			Store: c.Store, Ring: ring, Log: zap.NewNop(),
			Platforms: append(oauth2connect.Platforms(apps, &oauth2connect.Options{BaseURL: platforms.URL}), connect.Platform{ID: "other", Title: "Other"}),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestReach(t *testing.T) {
	h := newHost(t, withReach(t))
	key := h.key(h.ada)
	const item = "019b2a5e-7c00-7000-8000-000000000006"
	for _, c := range []struct {
		method, path, body string
		status             int
		has                string
	}{
		{"GET", "/api/connections/{ada}", "", 200, `"platform":"other"`},
		{"GET", "/api/connections/{grace}", "", 404, ""},
		{"POST", "/api/connect/{ada}", "", 200, `"url":"https://host.example/connect/x?link=`},
		{"POST", "/api/connect/{ada}", `{"platforms":["x"]}`, 200, `"code":"`},
		{"POST", "/api/connect/{ada}", `{"platforms":["other"]}`, 409, "Other is not configured"},
		{"POST", "/api/connect/{ada}", `{"platforms":["myspace"]}`, 400, "platform must be one of [x"},
		{"POST", "/api/connect/{ada}", `{"platforms":"x"}`, 400, "platforms"},
		{"POST", "/api/connect/{grace}", `{"platforms":["x"]}`, 404, ""},
		{"DELETE", "/api/connections/{ada}/x", "", 404, ""},
		{"POST", "/api/dashboard/{ada}/link", "", 200, `"url":"https://host.example/dashboard/sign-in?t=`},
		{"POST", "/api/dashboard/{ada}/link", `{"a":1}`, 400, "empty"},
		{"POST", "/api/dashboard/{grace}/link", "", 404, ""},
		{"GET", "/api/dashboard/{grace}", "", 404, ""},
		{"GET", "/api/outreach/linkedin/{ada}", "", 200, `"targetUrl":"https://www.linkedin.com/in/ada"`},
		{"GET", "/api/outreach/linkedin/{ada}?limit=0", "", 400, "limit"},
		{"POST", "/api/outreach/linkedin/{ada}/{nobody}", `nonsense`, 404, ""},
		{"POST", "/api/outreach/linkedin/{ada}/" + item, `{"status":"done"}`, 400, "status"},
		{"POST", "/api/outreach/linkedin/{ada}/" + item, `{"state":"sent"}`, 400, "state"},
		{"POST", "/api/outreach/linkedin/{ada}/" + item, `{"status":"sent"}`, 200, `"status":"sent"`},
		{"POST", "/api/outreach/linkedin/{ada}/" + item, `{"status":"sent"}`, 409, "it was sent"},
	} {
		got := h.do(request{method: c.method, path: c.path, key: key, body: c.body})
		if got.status != c.status || !strings.Contains(got.body, c.has) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, got.status, got.body)
		}
	}
}
