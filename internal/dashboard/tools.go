package dashboard

import (
	"encoding/json"
	"net/http"
)

// listed is how many entries a list shows.
const listed = 50

// tool calls a tool for the visitor, and returns its result.
func (h *Handler) tool(r *http.Request, v visitor, tool string, args map[string]any) (map[string]any, error) {
	data, err := h.app.Show(r.Context(), v.Principal, tool, args)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(data, &out)
}

// chosen are arguments of a tool that lists, from those of the page.
func chosen(r *http.Request, names ...string) map[string]any {
	args := map[string]any{"limit": listed}
	for _, name := range names {
		if value := r.URL.Query().Get(name); value != "" {
			args[name] = value
		}
	}
	return args
}
