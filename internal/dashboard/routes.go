package dashboard

import (
	"net/http"
	"strings"

	"github.com/heycmo/heycmo-go/internal/httpx"
)

func (h *Handler) routes() {
	h.mux.HandleFunc("GET /dashboard/assets/style.css", asset("text/css; charset=utf-8", h.style))
	h.mux.HandleFunc("GET /dashboard/assets/app.js", asset("text/javascript; charset=utf-8", script))
	h.mux.HandleFunc("GET /dashboard/sign-in", h.signInPage)
	h.mux.HandleFunc("POST /dashboard/sign-in", h.signIn)
	h.mux.HandleFunc("POST /dashboard/sign-out", h.session(h.signOut, h.signOut))
	h.mux.HandleFunc("POST /dashboard/payment", h.session(h.payment, h.payment))
	for pattern, do := range map[string]action{
		"GET /dashboard":                                    h.overview,
		"GET /dashboard/{$}":                                h.overview,
		"POST /dashboard/approvals/{id}":                    h.decide,
		"GET /dashboard/content":                            h.contentList,
		"GET /dashboard/content/{id}":                       h.contentPiece,
		"POST /dashboard/content/{id}/review":               h.review,
		"GET /dashboard/runs":                               h.runList,
		"GET /dashboard/runs/{id}":                          h.runPage,
		"POST /dashboard/runs/{id}/cancel":                  h.cancelRun,
		"GET /dashboard/performance":                        h.performance,
		"GET /dashboard/connections":                        h.connections,
		"POST /dashboard/connections/{platform}":            h.connect,
		"POST /dashboard/connections/{platform}/disconnect": h.disconnect,
		"GET /dashboard/keys":                               h.keys,
		"POST /dashboard/keys":                              h.createKey,
		"POST /dashboard/keys/{id}/rotate":                  h.rotateKey,
		"POST /dashboard/keys/{id}/revoke":                  h.revokeKey,
		"GET /dashboard/scan":                               h.scan,
		"POST /dashboard/scan":                              h.scan,
		"GET /dashboard/memory":                             h.memory,
		"POST /dashboard/memory":                            h.remember,
		"POST /dashboard/memory/{id}/forget":                h.forget,
		"GET /dashboard/settings":                           h.settings,
		"POST /dashboard/settings":                          h.saveSettings,
		"POST /dashboard/notices":                           h.saveNotices,
		"GET /dashboard/events":                             h.events,
		"GET /dashboard/events/live":                        h.liveEvents,
	} {
		h.mux.HandleFunc(pattern, h.session(do, h.shutOut))
	}
	h.mux.HandleFunc("POST /operator/sign-in", h.operatorSignIn)
	for pattern, do := range map[string]action{
		"GET /operator":                         h.operator,
		"POST /operator/sign-out":               h.operatorSignOut,
		"GET /operator/customers/{id}":          h.operatorCustomer,
		"POST /operator/customers/{id}/suspend": h.suspend,
		"POST /operator/customers/{id}/resume":  h.resume,
	} {
		h.mux.HandleFunc(pattern, h.operators(do))
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, r, visitor{}, httpx.Status(http.StatusNotFound, "there is nothing at this address"))
	})
}

func asset(kind string, data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(data)
	}
}

// link leads to a page.
type link struct {
	Path, Title string
	Here        bool
}

// nav are the pages that this host has, as seen from one of them.
func (h *Handler) nav(here string) (list []link) {
	for _, n := range []struct {
		path, title string
		there       bool
	}{
		{"/dashboard", "Overview", true},
		{"/dashboard/content", "Content", h.app.HasTool("list_content")},
		{"/dashboard/runs", "Workflows", h.app.Runner != nil},
		{"/dashboard/performance", "Performance", h.app.HasTool("get_performance_trend")},
		{"/dashboard/connections", "Connections", h.app.Connections != nil},
		{"/dashboard/keys", "Keys", true},
		{"/dashboard/scan", "Scan", h.app.HasTool("scan_page")},
		{"/dashboard/memory", "Memory", h.app.HasTool("list_memories")},
		{"/dashboard/settings", "Settings", true},
		{"/dashboard/events", "Events", true},
	} {
		if n.there {
			isHere := here == n.path || n.path != "/dashboard" && strings.HasPrefix(here, n.path+"/")
			list = append(list, link{n.path, n.title, isHere})
		}
	}
	return list
}
