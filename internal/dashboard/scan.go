package dashboard

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
)

// scanView is a page to scan, and what came of it.
type scanView struct {
	URL    string
	Report map[string]any // as scan_page has it; nil: none was scanned
}

// scan shows the form, and what comes of it. Scanning is work, and counts as it does for
// clients.
func (h *Handler) scan(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if !h.app.HasTool("scan_page") {
		return reply{}, storage.ErrNotFound
	}
	d := scanView{URL: v.customer.Website}
	if r.Method == http.MethodPost {
		d.URL = strings.TrimSpace(r.PostForm.Get("url"))
		args, err := json.Marshal(map[string]any{"url": d.URL})
		if err != nil {
			return reply{}, err
		}
		result, err := h.app.CallTool(auth.NewContext(r.Context(), v.Principal), v.Principal, "scan_page", args)
		if err != nil {
			return reply{}, err
		}
		if err := json.Unmarshal(result.Structured, &d.Report); err != nil {
			return reply{}, err
		}
	}
	return reply{page: "scan", title: "Scan a page", data: d}, nil
}
