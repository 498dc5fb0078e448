package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// contentStates are those of pieces, as people choose them.
var contentStates = []string{"draft", "approved", "rejected", "revision_requested"}

// contentView is the list of pieces.
type contentView struct {
	Pieces []any // as list_content has them
	State  string
	States []string
}

func (h *Handler) contentList(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	args := chosen(r, "state", "cursor")
	list, err := h.tool(r, v, "list_content", args)
	d := contentView{State: r.URL.Query().Get("state"), States: contentStates}
	d.Pieces, _ = list["pieces"].([]any)
	older, _ := list["nextCursor"].(string)
	return reply{page: "content", title: "Content", data: d, older: older}, err
}

func (h *Handler) contentPiece(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	piece, err := h.piece(r, v)
	title, _ := piece["title"].(string)
	return reply{page: "piece", title: title, data: piece}, err
}

// piece reads the piece of content that the address names.
func (h *Handler) piece(r *http.Request, v visitor) (map[string]any, error) {
	piece, err := h.tool(r, v, "get_content", map[string]any{"id": r.PathValue("id")})
	if _, told := agent.CallerText(err); told && !errors.Is(err, storage.ErrNotFound) {
		return nil, storage.ErrNotFound // the tool says so of an ID
	}
	return piece, err
}

func (h *Handler) review(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	piece, err := h.piece(r, v)
	if err != nil {
		return reply{}, err
	}
	version, _ := piece["version"].(float64)
	if r.PostForm.Get("version") != strconv.Itoa(int(version)) {
		return reply{}, storage.Conflict("there is a newer version than the one that you read: look at it first")
	}
	id, decision := r.PathValue("id"), r.PostForm.Get("decision")
	args := map[string]any{"id": id, "version": version, "decision": decision, "reviewer": v.customer.Email}
	if note := strings.TrimSpace(r.PostForm.Get("note")); note != "" {
		args["note"] = note
	}
	_, err = h.tool(r, v, "review_content", args)
	return reply{to: "/dashboard/content/" + url.PathEscape(id) + "?done=" + decided[decision]}, err
}

// decided says what a decision did, as done has it.
var decided = map[string]string{"approve": "approved", "reject": "rejected", "revise": "revised"}

// decide answers what a run asks, and leads to the run.
func (h *Handler) decide(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Runner == nil {
		return reply{}, storage.ErrNotFound
	}
	decision := r.PostForm.Get("decision")
	a, err := h.app.Decide(r.Context(), v.Customer, r.PathValue("id"), workflow.Answer{
		Decision: workflow.Decision(decision), Note: strings.TrimSpace(r.PostForm.Get("note")),
	})
	return reply{to: "/dashboard/runs/" + url.PathEscape(string(a.RunID)) + "?done=" + decided[decision]}, err
}
