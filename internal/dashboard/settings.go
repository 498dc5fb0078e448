package dashboard

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/notify"
)

// field is one of a brand.
type field struct {
	Name, Title, Hint string
	Long              bool // needs more than a line
	List              bool // has an entry a line
	Value             string
}

// brandFields are what the settings show, with the names of get_brand.
var brandFields = []field{
	{Name: "brandName", Title: "Name"},
	{Name: "website", Title: "Website", Hint: "with https://"},
	{Name: "industry", Title: "Industry"},
	{Name: "offer", Title: "Offer", Hint: "what you sell, at what price, and why people buy it", Long: true},
	{Name: "audience", Title: "Audience", Hint: "who buys it", Long: true},
	{Name: "voice", Title: "Voice", Hint: "how you sound, and words that you never use", Long: true},
	{Name: "goals", Title: "Goals", Hint: "one a line", Long: true, List: true},
	{Name: "competitors", Title: "Competitors", Hint: "one a line", Long: true, List: true},
	{Name: "keywords", Title: "Keywords", Hint: "one a line", Long: true, List: true},
	{Name: "facts", Title: "Facts", Hint: "one a line: what is true and may be published", Long: true, List: true},
}

// settingsView is the brand, and the notices that can be done without.
type settingsView struct {
	Fields  []field // none: the catalog knows no brand
	Notices []noticeRow
}

type noticeRow struct {
	app.OptionalNotice
	Wanted bool
}

func (h *Handler) settings(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	var d settingsView
	var err error
	if h.app.HasTool("get_brand") {
		if d.Fields, err = h.brand(r, v); err != nil {
			return reply{}, err
		}
	}
	unwanted, err := h.app.UnwantedNotices(r.Context(), v.Customer)
	for _, n := range app.OptionalNotices {
		d.Notices = append(d.Notices, noticeRow{n, !slices.Contains(unwanted, n.Kind)})
	}
	return reply{page: "settings", title: "Settings", data: d}, err
}

// brand reads what the host knows of the brand.
func (h *Handler) brand(r *http.Request, v visitor) (fields []field, err error) {
	brand, err := h.tool(r, v, "get_brand", map[string]any{})
	if err != nil {
		return nil, err
	}
	for _, f := range brandFields {
		switch value := brand[f.Name].(type) {
		case string:
			f.Value = value
		case []any:
			var lines []string
			for _, line := range value {
				lines = append(lines, fmt.Sprint(line))
			}
			f.Value = strings.Join(lines, "\n")
		}
		fields = append(fields, f)
	}
	return fields, nil
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
	_, err := h.tool(r, v, "update_brand", args)
	return reply{to: "/dashboard/settings?done=saved"}, err
}

func (h *Handler) saveNotices(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	var unwanted []notify.Kind
	for _, n := range app.OptionalNotices {
		if !slices.Contains(r.PostForm["notice"], string(n.Kind)) {
			unwanted = append(unwanted, n.Kind)
		}
	}
	return reply{to: "/dashboard/settings?done=saved"}, h.app.SetUnwantedNotices(r.Context(), v.Customer, unwanted)
}
