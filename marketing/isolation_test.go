package marketing_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/storage"
)

// TestCustomersAreApart calls every tool, prompt and resource as one customer
// for what another one has. A tool without a row fails.
func TestCustomersAreApart(t *testing.T) {
	const canary = "CANARY"
	ada, _ := newOpenDesk(t).connected()
	ada.call("update_brand", object{"brandName": canary, "voice": canary})
	id := ada.call("save_content", draft(canary))["id"].(string)
	second := ada.call("save_content", draft(canary))["id"].(string)
	ada.call("review_content", object{"id": second, "version": 1, "decision": "revise", "note": canary})
	ada.call("log_event", object{"type": "lead.logged", "data": object{"name": canary}})
	cursor := ada.call("list_content", object{"limit": 1})["nextCursor"]
	eventCursor := ada.call("list_events", object{"limit": 1})["nextCursor"]
	memory := ada.call("remember", object{"layer": "brand", "text": canary})["id"].(string)
	query := ada.call("track_query", object{"query": canary})["id"].(string)
	ada.call("log_x_post", object{"postId": canary, "text": "What is " + canary + " for?", "author": "bob"})
	approved := ada.call("save_content", draft(canary))["id"].(string)
	ada.call("review_content", object{"id": approved, "version": 1, "decision": "approve"})
	ada.call("publish_post", object{"id": approved, "platform": "x"})
	campaign := ada.call("create_campaign", newCampaign(canary))["id"].(string)
	ada.call("suppress_address", object{"email": "canary@example.com", "reason": canary})
	action := ada.call("draft_linkedin_action", object{"action": "message", "targetUrl": "https://www.linkedin.com/in/canary", "text": canary})["id"].(string)
	before := ada.everything()

	eve := ada.as(ada.newCustomer())
	calls := map[string][]object{
		"ask_cmo":        {{"task": "Show me everything"}},
		"ask_agent":      {{"agent": "seo-writer", "task": "Show me everything"}},
		"list_agents":    {{}},
		"get_brand":      {{}},
		"update_brand":   {{"industry": "spying"}},
		"save_content":   {draft("Hers"), with(draft("Hers"), object{"id": id, "version": 1})},
		"list_content":   {{}, {"cursor": cursor}, {"state": "draft"}, {"type": "article"}},
		"get_content":    {{"id": id}, {"id": id, "version": 1}},
		"review_content": {{"id": id, "version": 1, "decision": "approve"}},
		"list_events":    {{}, {"cursor": eventCursor}, {"type": "lead.*"}},
		"log_event":      {{"type": "lead.logged"}},
		"read_page":      {{"url": newSite(t) + "/post"}},
		"scan_page":      {{"url": newSite(t) + "/post"}},
		"remember":       {{"layer": "brand", "text": "Hers"}},
		"recall":         {{"query": canary}, {"query": canary, "layer": "brand"}},
		"forget":         {{"id": memory}, {"id": id + ".part0"}},
		"list_memories":  {{}, {"layer": "brand"}},

		"get_performance_trend": {{}, {"period": "day"}},
		"log_x_post":            {{"postId": "hers", "text": "What is it for, please?", "author": "bob"}},
		"list_x_posts":          {{}, {"state": "new"}},
		"track_query":           {{"query": "Hers it is"}},
		"list_tracked_queries":  {{}},
		"untrack_query":         {{"id": query}},
		"list_citations":        {{}, {"queryId": query, "engine": "chatgpt"}},
		"roll_back_change":      {{"id": id}},

		"query_analytics":        {{}},
		"query_search_console":   {{}},
		"query_post_analytics":   {{}},
		"publish_post":           {{"id": approved, "platform": "x"}},
		"send_email":             {{"id": approved, "to": "bob@example.com", "mailbox": "gmail"}},
		"create_campaign":        {newCampaign("Hers")},
		"add_recipients":         {{"id": campaign, "recipients": []object{{"email": "bob@example.com", "name": "Bob"}}}},
		"start_campaign":         {{"id": campaign}},
		"stop_campaign":          {{"id": campaign}, {"id": campaign, "cancel": true}},
		"list_campaigns":         {{}},
		"get_campaign":           {{"id": campaign}},
		"suppress_address":       {{"email": "eve@example.com"}},
		"list_suppressed":        {{}},
		"draft_linkedin_action":  {{"action": "message", "targetUrl": "https://www.linkedin.com/in/bob", "text": "Hello"}},
		"review_linkedin_action": {{"id": action, "decision": "approve"}},
		"list_linkedin_actions":  {{}, {"state": "draft"}},
	}
	for _, tool := range ada.catalog.Tools {
		rows, ok := calls[tool.Name]
		if !ok {
			t.Errorf("%s has no row in this table", tool.Name)
		}
		for _, args := range rows {
			out, err := eve.try(eve.Context(), tool.Name, args)
			if data, _ := json.Marshal(out); strings.Contains(string(data), canary) || strings.Contains(string(data), id) {
				t.Errorf("%s(%v) shows another customer's data: %s", tool.Name, args, data)
			}
			if args["id"] == nil {
				if err != nil {
					t.Errorf("%s(%v): %v", tool.Name, args, err)
				}
				continue
			}
			_, unknown := eve.try(eve.Context(), tool.Name, with(args, object{"id": storage.NewID()}))
			if err == nil || unknown == nil || err.Error() != unknown.Error() {
				t.Errorf("%s(%v): foreign %v, unknown %v, want the same error", tool.Name, args, err, unknown)
			}
		}
	}
	for _, p := range ada.catalog.Prompts {
		if text, err := textOf(p.Get(t.Context(), eve.customer, nil)); err != nil || strings.Contains(text, canary) {
			t.Errorf("prompt %s: %v\n%s", p.Name, err, text)
		}
	}
	for _, r := range ada.catalog.Resources {
		for _, variable := range []string{"", id, "cmo"} {
			if text, err := textOf(r.Read(t.Context(), eve.customer, variable)); strings.Contains(text, canary) {
				t.Errorf("%s %s: %v\n%s", r.URI, variable, err, text)
			}
		}
		if r.List == nil {
			continue
		}
		infos, err := r.List(t.Context(), eve.customer)
		if data, _ := json.Marshal(infos); err != nil || strings.Contains(string(data), canary) || strings.Contains(string(data), id) {
			t.Errorf("list of %s: %s, %v", r.URI, data, err)
		}
	}
	if ada.everything() != before {
		t.Error("another customer changed something")
	}
}

// TestUnknownCustomer: whoever is gone gets nothing, and nothing is kept.
func TestUnknownCustomer(t *testing.T) {
	d := newDesk(t).as(storage.CustomerID(storage.NewID()))
	for tool, args := range map[string]object{
		"get_brand": {}, "update_brand": {"voice": "dry"}, "save_content": draft("One"), "log_event": {"type": "lead.logged"}, "ask_cmo": {"task": "x"},
	} {
		if out, err := d.try(t.Context(), tool, args); err == nil {
			t.Errorf("%s: %v, want an error", tool, out)
		}
	}
}
