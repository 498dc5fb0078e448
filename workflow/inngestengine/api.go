package inngestengine

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// sdk names this adapter to Inngest.
const sdk = "heycmo/heycmo-go:v0.1.0"

// maxState bounds what is fetched of a run's state; Inngest keeps 32 MB.
const maxState = 64 << 20

// event is one of Inngest (SDK specification, section 1.3.4).
type event struct {
	ID   string          `json:"id,omitempty"`
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
	TS   int64           `json:"ts,omitempty"` // milliseconds since 1970
}

// requested is the data of the event that begins a run.
type requested struct {
	Customer storage.CustomerID `json:"customer"`
	Run      workflow.Run       `json:"run"`
}

// signalled is the data of the event that wakes a run.
type signalled struct {
	Run    string `json:"run"`
	Signal string `json:"signal"`
}

// cancelSignal wakes a run because it is cancelled.
const cancelSignal = "heycmo: cancel"

func requestedEvent(app, name string) string { return app + "/" + name + ".requested" }
func signalEvent(app string) string          { return app + "/run.signalled" }

// function is one as Inngest is told of it (SDK specification, section 4.3.2).
type function struct {
	ID       string           `json:"id"`
	Name     string           `json:"name"`
	Triggers []trigger        `json:"triggers"`
	Steps    map[string]entry `json:"steps"`
}

type trigger struct {
	Event string `json:"event,omitempty"`
	Cron  string `json:"cron,omitempty"`
}

type entry struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Runtime map[string]any `json:"runtime"`
	Retries map[string]int `json:"retries"`
}

// attempts is how often Inngest tries; it takes 20 retries at most.
const attempts = 20

// functions are all that there are: one for each workflow, and one for each schedule.
func (e *Engine) functions() []function {
	var list []function
	add := func(name string, t trigger) {
		id := e.options.App + "-" + name
		list = append(list, function{
			ID: id, Name: name, Triggers: []trigger{t},
			Steps: map[string]entry{"step": {
				ID: "step", Name: "step", Retries: map[string]int{"attempts": attempts},
				Runtime: map[string]any{"type": "http", "url": e.options.ServeURL + "?" + url.Values{"fnId": {id}, "stepId": {"step"}}.Encode()},
			}},
		})
	}
	for name := range e.definitions {
		add(name, trigger{Event: requestedEvent(e.options.App, name)})
	}
	for name, s := range e.schedules {
		add(schedulePrefix+name, trigger{Cron: s.Cron})
	}
	return list
}

// schedulePrefix begins the names of functions that keep a schedule. Names of workflows
// have no ".".
const schedulePrefix = "schedule."

// api is Inngest's.
type api struct {
	options     Options
	url, events string
}

func newAPI(o Options) *api {
	a := &api{options: o, url: cmp.Or(o.URL, cloudAPI), events: cmp.Or(o.URL, cloudEvents)}
	if o.Dev && o.URL == "" {
		a.url, a.events = devServer, devServer
	}
	a.url, a.events = strings.TrimSuffix(a.url, "/"), strings.TrimSuffix(a.events, "/")
	return a
}

// register tells which functions there are.
func (a *api) register(ctx context.Context, functions []function, deploy string) (modified bool, err error) {
	address := a.url + "/fn/register"
	if deploy != "" {
		address += "?" + url.Values{"deployId": {deploy}}.Encode()
	}
	body := encode(map[string]any{
		"url": a.options.ServeURL, "deployType": "ping", "appName": a.options.App, "sdk": sdk, "v": "0.1", "framework": "net/http", "functions": functions,
	})
	var answer struct {
		Modified bool `json:"modified"`
	}
	err = a.do(ctx, http.MethodPost, address, body, &answer)
	return answer.Modified, err
}

// send sends an event.
func (a *api) send(ctx context.Context, e event) error {
	key := cmp.Or(a.options.EventKey, "dev")
	return a.request(ctx, http.MethodPost, a.events+"/e/"+url.PathEscape(key), encode(e), "", nil)
}

// state fetches what was left out of a call because it is large.
func (a *api) state(ctx context.Context, run string) (events []event, steps map[string]json.RawMessage, err error) {
	base := a.url + "/v0/runs/" + url.PathEscape(run)
	if err = a.do(ctx, http.MethodGet, base+"/batch", nil, &events); err != nil {
		return nil, nil, err
	}
	err = a.do(ctx, http.MethodGet, base+"/actions", nil, &steps)
	return events, steps, err
}

// do sends a request with the signing key, and with the other one when that is refused.
func (a *api) do(ctx context.Context, method, address string, body []byte, into any) error {
	err := a.request(ctx, method, address, body, a.options.SigningKey, into)
	if refused, ok := err.(statusError); ok && refused.code == http.StatusUnauthorized && a.options.SigningKeyFallback != "" { //nolint:errorlint // request wraps nothing
		err = a.request(ctx, method, address, body, a.options.SigningKeyFallback, into)
	}
	return err
}

// statusError is an answer other than 2xx. What Inngest says of it stays away from logs.
type statusError struct {
	path string
	code int
}

func (e statusError) Error() string {
	return fmt.Sprintf("Inngest answered %s with status %d", e.path, e.code)
}

func (a *api) request(ctx context.Context, method, address string, body []byte, key string, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Inngest-Sdk", sdk)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+hashedKey(key))
	}
	path := r.URL.Path
	if strings.HasPrefix(path, "/e/") {
		path = "/e" // the rest is the key
	}
	res, err := a.options.Client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("Inngest can't be reached: %s %s", method, path) //nolint:staticcheck // a name; the cause would name the key
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxState))
	switch {
	case err != nil:
		return fmt.Errorf("the answer of Inngest to %s: %w", path, err)
	case res.StatusCode/100 != 2:
		return statusError{path, res.StatusCode}
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("the answer of Inngest to %s is no JSON as it should be", path)
	}
	return nil
}
