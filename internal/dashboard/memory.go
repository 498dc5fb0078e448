package dashboard

import (
	"net/http"
	"strings"
)

// memoryView is the list of what is remembered.
type memoryView struct {
	Memories []any // as list_memories has them
	Layer    string
	Layers   []string
}

func (h *Handler) memory(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	list, err := h.tool(r, v, "list_memories", chosen(r, "layer", "cursor"))
	d := memoryView{Layer: r.URL.Query().Get("layer"), Layers: []string{"brand", "semantic", "procedural", "working"}}
	d.Memories, _ = list["memories"].([]any)
	older, _ := list["nextCursor"].(string)
	return reply{page: "memory", title: "Memory", data: d, older: older}, err
}

// remember stores a text, in the place of another one when that is corrected.
func (h *Handler) remember(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	_, err := h.tool(r, v, "remember", map[string]any{
		"layer": r.PostForm.Get("layer"), "text": strings.TrimSpace(r.PostForm.Get("text")),
	})
	if instead := r.PostForm.Get("instead"); err == nil && instead != "" {
		_, err = h.tool(r, v, "forget", map[string]any{"id": instead})
	}
	return reply{to: "/dashboard/memory?done=remembered"}, err
}

func (h *Handler) forget(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	_, err := h.tool(r, v, "forget", map[string]any{"id": r.PathValue("id")})
	return reply{to: "/dashboard/memory?done=forgotten"}, err
}
