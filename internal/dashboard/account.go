package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/storage"
)

func (h *Handler) connections(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Connections == nil {
		return reply{}, storage.ErrNotFound
	}
	list, err := h.app.Connections.List(r.Context(), v.Customer)
	return reply{page: "connections", title: "Connections", data: list}, err
}

// connect leads to the platform's own link: the session of the dashboard proves who asks,
// and so shows the code itself.
func (h *Handler) connect(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Connections == nil {
		return reply{}, storage.ErrNotFound
	}
	links, err := h.app.ConnectLinks(r.Context(), v.Customer, []string{r.PathValue("platform")})
	if err != nil {
		return reply{}, err
	}
	_, token, _ := strings.Cut(links[0].URL, "?link=")
	return reply{page: "connect", title: "Connect " + links[0].Title, data: map[string]any{"Link": links[0], "Token": token}}, nil
}

func (h *Handler) disconnect(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Connections == nil {
		return reply{}, storage.ErrNotFound
	}
	err := h.app.Connections.Disconnect(r.Context(), v.Customer, r.PathValue("platform"))
	return reply{to: "/dashboard/connections?done=disconnected"}, err
}

func (h *Handler) keys(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	keys, _, err := h.app.Keys(r.Context(), v.Customer, storage.MaxLimit, "")
	return reply{page: "keys", title: "Keys", data: map[string]any{"Keys": keys}}, err
}

func (h *Handler) createKey(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	apiKey, _, err := h.app.CreateKey(r.Context(), v.Customer, strings.TrimSpace(r.PostForm.Get("name")))
	if err != nil {
		return reply{}, err
	}
	keys, _, err := h.app.Keys(r.Context(), v.Customer, storage.MaxLimit, "")
	return reply{page: "keys", title: "Keys", data: map[string]any{"Keys": keys, "New": apiKey.Reveal()}}, err
}

// ownKey returns a key of the visitor's that works.
func (h *Handler) ownKey(r *http.Request, v visitor) (storage.KeyID, error) {
	id := storage.KeyID(r.PathValue("id"))
	keys, _, err := h.app.Keys(r.Context(), v.Customer, storage.MaxLimit, "")
	if err == nil && !slices.ContainsFunc(keys, func(k storage.Key) bool { return k.ID == id }) {
		err = storage.ErrNotFound
	}
	return id, err
}

// rotateKey makes a key in place of one, which goes on working for a day.
func (h *Handler) rotateKey(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	id, err := h.ownKey(r, v)
	if err != nil {
		return reply{}, err
	}
	p := v.Principal
	p.Key = id
	rotated, err := h.app.RotateKey(r.Context(), p, app.DefaultOverlap)
	if err != nil {
		return reply{}, err
	}
	keys, _, err := h.app.Keys(r.Context(), v.Customer, storage.MaxLimit, "")
	return reply{page: "keys", title: "Keys", data: map[string]any{"Keys": keys, "New": rotated.APIKey.Reveal()}}, err
}

func (h *Handler) revokeKey(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	id, err := h.ownKey(r, v)
	if err != nil {
		return reply{}, err
	}
	return reply{to: "/dashboard/keys?done=revoked"}, h.app.RevokeKey(r.Context(), v.Customer, id)
}

func (h *Handler) scan(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if !h.app.HasTool("scan_page") {
		return reply{}, storage.ErrNotFound
	}
	d := map[string]any{"URL": v.customer.Website}
	if r.Method == http.MethodPost {
		address := strings.TrimSpace(r.PostForm.Get("url"))
		d["URL"] = address
		// It is work, and counts as it does for clients.
		raw, err := json.Marshal(map[string]any{"url": address})
		if err != nil {
			return reply{}, err
		}
		result, err := h.app.CallTool(auth.NewContext(r.Context(), v.Principal), v.Principal, "scan_page", raw)
		if err != nil {
			return reply{}, err
		}
		var report map[string]any
		if err := json.Unmarshal(result.Structured, &report); err != nil {
			return reply{}, err
		}
		d["Report"] = report
	}
	return reply{page: "scan", title: "Scan a page", data: d}, nil
}

func (h *Handler) memory(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	args := map[string]any{"limit": listed}
	for _, name := range []string{"layer", "cursor"} {
		if value := r.URL.Query().Get(name); value != "" {
			args[name] = value
		}
	}
	list, err := h.read(r, v, "list_memories", args)
	return reply{page: "memory", title: "Memory", data: map[string]any{"List": list, "Layer": r.URL.Query().Get("layer"), "Layers": []string{"brand", "semantic", "procedural", "working"}}}, err
}

// remember stores a text, in the place of another one when that is corrected.
func (h *Handler) remember(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	layer := r.PostForm.Get("layer")
	_, err := h.read(r, v, "remember", map[string]any{"layer": layer, "text": strings.TrimSpace(r.PostForm.Get("text"))})
	if err != nil {
		return reply{}, err
	}
	if old := r.PostForm.Get("instead"); old != "" {
		if _, err := h.read(r, v, "forget", map[string]any{"id": old}); err != nil {
			return reply{}, err
		}
	}
	return reply{to: "/dashboard/memory?done=remembered"}, nil
}

func (h *Handler) forget(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	_, err := h.read(r, v, "forget", map[string]any{"id": r.PathValue("id")})
	return reply{to: "/dashboard/memory?done=forgotten"}, err
}

// brandFields are what the settings show, and how.
var brandFields = []struct {
	Name, Title, Hint string
	List              bool
}{
	{"brandName", "Name", "", false}, {"website", "Website", "with https://", false}, {"industry", "Industry", "", false},
	{"offer", "Offer", "what you sell, at what price, and why people buy it", false}, {"audience", "Audience", "who buys it", false},
	{"voice", "Voice", "how you sound, and words that you never use", false},
	{"goals", "Goals", "one a line", true}, {"competitors", "Competitors", "one a line", true}, {"keywords", "Keywords", "one a line", true},
	{"facts", "Facts", "one a line: what is true and may be published", true},
}

func (h *Handler) settings(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	brand, err := h.read(r, v, "get_brand", map[string]any{})
	if err != nil {
		return reply{}, err
	}
	type field struct {
		Name, Title, Hint, Value string
		Long                     bool
	}
	var fields []field
	for _, f := range brandFields {
		one := field{Name: f.Name, Title: f.Title, Hint: f.Hint, Long: f.List || f.Name == "offer" || f.Name == "audience" || f.Name == "voice"}
		switch value := brand[f.Name].(type) {
		case string:
			one.Value = value
		case []any:
			var lines []string
			for _, l := range value {
				lines = append(lines, fmt.Sprint(l))
			}
			one.Value = strings.Join(lines, "\n")
		}
		fields = append(fields, one)
	}
	unwanted, err := h.app.UnwantedNotices(r.Context(), v.Customer)
	type notice struct {
		Kind, Title string
		Wanted      bool
	}
	var notices []notice
	for _, k := range app.OptionalNotices {
		notices = append(notices, notice{string(k.Kind), k.Title, !slices.Contains(unwanted, k.Kind)})
	}
	return reply{page: "settings", title: "Settings", data: map[string]any{"Fields": fields, "Notices": notices}}, err
}

func (h *Handler) saveNotices(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	var unwanted []notify.Kind
	for _, k := range app.OptionalNotices {
		if !slices.Contains(r.PostForm["notice"], string(k.Kind)) {
			unwanted = append(unwanted, k.Kind)
		}
	}
	return reply{to: "/dashboard/settings?done=saved"}, h.app.SetUnwantedNotices(r.Context(), v.Customer, unwanted)
}

func (h *Handler) saveSettings(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	args := map[string]any{}
	for _, f := range brandFields {
		value := strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get(f.Name), "\r\n", "\n"))
		if !f.List {
			args[f.Name] = value
			continue
		}
		lines := []string{}
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
		args[f.Name] = lines
	}
	_, err := h.read(r, v, "update_brand", args)
	return reply{to: "/dashboard/settings?done=saved"}, err
}

// trend is a figure over time.
type trend struct {
	Name  string
	Now   string
	Delta string
	Big   bool
	Line  any
}

func (h *Handler) performance(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	period := r.URL.Query().Get("period")
	if period == "" {
		period = "week"
	}
	out, err := h.read(r, v, "get_performance_trend", map[string]any{"period": period, "limit": 12})
	if err != nil {
		return reply{}, err
	}
	snapshots, _ := out["snapshots"].([]any)
	d := map[string]any{"Period": period, "Periods": []string{"day", "week", "month"}, "Count": len(snapshots)}
	if len(snapshots) > 0 {
		newest, _ := snapshots[0].(map[string]any)
		d["At"] = newest["capturedAt"]
		d["Trends"] = trendsOf(snapshots)
	}
	return reply{page: "performance", title: "Performance", data: d}, nil
}

var kpiNames = []struct {
	name, title string
	share       bool
}{
	{"saved", "Pieces begun", false}, {"approved", "Approved", false}, {"rejected", "Rejected or sent back", false}, {"leads", "Leads", false},
	{"brandVoice", "Brand voice", true}, {"quality", "Quality", true}, {"citability", "Citability", true}, {"cited", "Cited by answer engines", true},
	{"engagementRate", "Engagement", true}, {"ctr", "Click-through rate", true}, {"conversions", "Conversions", false},
	{"runs", "Runs", false}, {"failed", "Failed", true}, {"minutes", "Minutes of a run", false},
}

// trendsOf reads the figures of snapshots, of which the newest comes first.
func trendsOf(snapshots []any) []trend {
	var list []trend
	for _, k := range kpiNames {
		var values []float64
		for _, s := range slices.Backward(snapshots) {
			one, _ := s.(map[string]any)
			kpis, _ := one["kpis"].(map[string]any)
			if f, ok := kpis[k.name].(float64); ok {
				values = append(values, f)
			}
		}
		if len(values) == 0 {
			continue
		}
		show := func(f float64) string {
			if k.share {
				return fmt.Sprintf("%.0f %%", 100*f)
			}
			return fmt.Sprintf("%g", f)
		}
		t := trend{Name: k.title, Now: show(values[len(values)-1]), Line: line(values, k.title)}
		newest, _ := snapshots[0].(map[string]any)
		deltas, _ := newest["deltas"].([]any)
		for _, d := range deltas {
			one, _ := d.(map[string]any)
			if change, ok := one["change"].(float64); ok && one["kpi"] == k.name && change != 0 {
				t.Delta = show(change)
				if change > 0 {
					t.Delta = "+" + t.Delta
				}
				t.Big, _ = one["significant"].(bool)
			}
		}
		list = append(list, t)
	}
	return list
}

func (h *Handler) events(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	kind := strings.TrimSpace(r.URL.Query().Get("type"))
	list, next, err := h.app.Events(r.Context(), v.Customer, kind, listed, r.URL.Query().Get("cursor"))
	return reply{page: "events", title: "Events", data: map[string]any{"Events": eventRows(list), "Next": next, "Type": kind}}, err
}

// liveLook is how often a live tail looks, and liveLife how long it may last.
const (
	liveLook = 2 * time.Second
	liveLife = 10 * time.Minute
)

// maxLive is how many live tails a customer may have open at a replica.
const maxLive = 5

// liveEvents sends new events as they come (server-sent events, HTML section 9.2).
func (h *Handler) liveEvents(w http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	h.mu.Lock()
	full := h.live[v.Customer] == maxLive
	if !full {
		h.live[v.Customer]++
	}
	h.mu.Unlock()
	if full {
		return reply{}, httpx.Status(http.StatusTooManyRequests, "too many live pages are open").WithHeader("Retry-After", "60")
	}
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.live[v.Customer]--; h.live[v.Customer] == 0 {
			delete(h.live, v.Customer)
		}
	}()
	last := r.Header.Get("Last-Event-Id")
	if last == "" {
		newest, _, err := h.app.Events(r.Context(), v.Customer, "", 1, "")
		if err != nil {
			return reply{}, err
		}
		if len(newest) > 0 {
			last = string(newest[0].ID)
		}
	}
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	tick, end := time.NewTicker(liveLook), time.NewTimer(liveLife)
	defer tick.Stop()
	defer end.Stop()
	for {
		_ = control.SetWriteDeadline(time.Now().Add(10 * time.Second)) // where it can be set
		if _, err := fmt.Fprint(w, ": alive\n\n"); err != nil {
			return reply{}, nil
		}
		if control.Flush() != nil {
			return reply{}, nil
		}
		select {
		case <-r.Context().Done():
			return reply{}, nil
		case <-h.stopped:
			return reply{}, nil
		case <-end.C:
			return reply{}, nil
		case <-tick.C:
		}
		if _, _, err := h.app.Visitor(r.Context(), v.session); err != nil {
			return reply{}, nil // signed out, or no longer let in
		}
		list, _, err := h.app.Events(r.Context(), v.Customer, "", 20, "")
		if err != nil {
			return reply{}, nil
		}
		for _, e := range slices.Backward(eventRows(list)) {
			if e.ID <= last {
				continue
			}
			last = e.ID
			data, err := json.Marshal(e)
			if err != nil {
				return reply{}, nil
			}
			if _, err := fmt.Fprintf(w, "id: %s\ndata: %s\n\n", e.ID, data); err != nil {
				return reply{}, nil
			}
		}
	}
}
