package workflows_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// client does a client's model's work: what it hands in for each title.
func client(t *testing.T, briefs map[string]string) func(title, brief string) any {
	return func(title, brief string) any {
		briefs[title] = brief
		switch title {
		case "Draft what is true about the brand":
			return object{"offer": "Engines", "audience": "People who count", "voice": "Exact", "facts": []string{"Built since 1837"}}
		case "Draft a first content plan":
			return object{"title": "Four weeks", "body": "# Four weeks\n\nOne piece a week."}
		case "Plan the piece":
			return object{"agent": "seo-writer", "type": "article", "angle": "Engines save time", "outline": []string{"Why", "How"}}
		case "Write the piece":
			return object{"title": "Engines save time", "body": "# Engines save time\n\nThey do, since 1837."}
		case "Study the figures":
			return object{"report": "Quiet.", "insights": []object{{"insight": "Nothing yet", "severity": "neutral", "actionable": false}}, "recommendations": []string{"Write"}}
		case "Draft replies to posts":
			return object{"replies": []object{{"postId": "1", "text": "Thank you, it does."}, {"postId": "unknown", "text": "Hm"}}}
		}
		t.Fatalf("work that nobody knows: %s", title)
		return nil
	}
}

func (h *house) onboard() (runID string) {
	h.Helper()
	var started struct{ RunID, Status string }
	body := object{"brandName": "Analytical Engines", "website": h.site, "goals": []string{"10 leads"}}
	if status := h.rest(http.MethodPost, "/api/onboard/:id", body, &started); status != http.StatusAccepted {
		h.Fatalf("status %d", status)
	}
	first := started
	if status := h.rest(http.MethodPost, "/api/onboard/:id", body, &started); status != http.StatusOK || started.RunID != first.RunID {
		h.Errorf("again: status %d, run %s after %s", status, started.RunID, first.RunID)
	}
	return first.RunID
}

func TestOnboardingByAClientsModel(t *testing.T) {
	h := newHouse(t, nil)
	id := h.onboard()
	briefs := map[string]string{}
	asked := []string{}
	run := h.follow(id, client(t, briefs), func(title, text string) (string, string) {
		asked = append(asked, title)
		if len(asked) == 1 {
			return "revise", "We build them since 1837, in London."
		}
		return "approve", ""
	})
	if run.Status != "completed" {
		t.Fatalf("it is %s: %s", run.Status, run.Error)
	}
	if want := []string{"Is this true about your brand?", "Is this true about your brand?", "Is this the plan for Analytical Engines?"}; !slices.Equal(asked, want) {
		t.Errorf("asked: %q", asked)
	}
	if brief := briefs["Draft what is true about the brand"]; !strings.Contains(brief, ">") || !strings.Contains(brief, "17,000 pounds") || !strings.Contains(brief, "in London") || !strings.Contains(brief, "hand_in") {
		t.Errorf("the brief lacks the site, what was wanted, or how to hand in:\n%s", brief)
	}
	var brand struct {
		BrandName, Offer, Voice string
		Facts, Goals            []string
	}
	h.call("get_brand", object{}, &brand)
	if brand.BrandName != "Analytical Engines" || brand.Offer != "Engines" || len(brand.Facts) != 1 || len(brand.Goals) != 1 {
		t.Errorf("the brand is %+v", brand)
	}
	var customer struct{ Status string }
	h.rest(http.MethodGet, "/api/customer/:id", nil, &customer)
	if customer.Status != "active" {
		t.Errorf("the customer is %s", customer.Status)
	}
	var out struct{ Plan, State string }
	if err := json.Unmarshal(run.Output, &out); err != nil || out.State != "approved" {
		t.Fatalf("output %s", run.Output)
	}
	var plan struct{ Title, State, RunID string }
	h.call("get_content", object{"id": out.Plan}, &plan)
	if plan.Title != "Four weeks" || plan.State != "approved" || plan.RunID != id {
		t.Errorf("the plan is %+v", plan)
	}
	if got := h.events("customer."); !slices.Contains(got, "customer.onboarded") {
		t.Errorf("events: %v", got)
	}
}

// A model that hands in whatever its tool hand_in asks for.
func handingIn(t *testing.T) agent.Model {
	do := client(t, map[string]string{})
	return agenttest.ScriptFunc(func(_ int, r agent.ModelRequest) (agenttest.Answer, error) {
		i := slices.IndexFunc(r.Tools, func(tool *agent.Tool) bool { return tool.Name == "hand_in" })
		if i < 0 { // grading
			return agenttest.Answer{Text: "{}"}, nil
		}
		title := ""
		for has, name := range map[string]string{"facts": "Draft what is true about the brand", "outline": "Plan the piece", "insights": "Study the figures", "replies": "Draft replies to posts", "meta": "Write the piece"} {
			if _, ok := r.Tools[i].InputSchema().Properties[has]; ok {
				title = name
			}
		}
		if title == "" {
			title = "Draft a first content plan"
		}
		args, err := json.Marshal(do(title, ""))
		return agenttest.Answer{Calls: []agent.ToolCall{{ID: "1", Name: "hand_in", Arguments: args}}}, err
	})
}

func withModel(t *testing.T) func(*heycmo.Options) {
	return func(o *heycmo.Options) {
		o.Models = agent.Models{agent.TierStandard: {Model: handingIn(t), Name: "m-1"}}
	}
}

func nobody(t *testing.T) func(string, string) any {
	return func(title, _ string) any {
		t.Fatalf("work was handed over though there are models: %s", title)
		return nil
	}
}

func TestOnboardingByAgents(t *testing.T) {
	h := newHouse(t, withModel(t))
	run := h.follow(h.onboard(), nobody(t), approveAll)
	if run.Status != "completed" || len(run.Asked) != 2 {
		t.Errorf("it is %s, with %d runs of agents: %s", run.Status, len(run.Asked), run.Error)
	}
}

func TestContentProduction(t *testing.T) {
	for name, change := range map[string]func(*testing.T) func(*heycmo.Options){
		"brief": func(*testing.T) func(*heycmo.Options) { return nil }, "model": withModel,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, change(t))
			var started seen
			h.call("start_workflow", object{"workflow": "content-production", "input": object{"task": "An article on engines"}, "wait": 1}, &started)
			run := h.follow(started.ID, client(t, map[string]string{}), approveAll)
			var out struct{ ContentID, State, Footer string }
			if err := json.Unmarshal(run.Output, &out); err != nil || out.State != "approved" {
				t.Fatalf("it is %s: %s %s", run.Status, run.Output, run.Error)
			}
			if !strings.Contains(out.Footer, "Built by HeyCMO") || !strings.Contains(out.Footer, "seo-writer") || !strings.Contains(out.Footer, started.ID[:12]) || !strings.Contains(out.Footer, "by the customer") {
				t.Errorf("footer: %s", out.Footer)
			}
			var piece struct{ Footer, State string }
			h.call("get_content", object{"id": out.ContentID}, &piece)
			if piece.Footer != out.Footer || piece.State != "approved" {
				t.Errorf("the piece: %+v", piece)
			}
		})
	}
}

// A decision about the piece by review_content answers the run that asks about it.
func TestReviewAnswersTheRun(t *testing.T) {
	h := newHouse(t, withModel(t))
	var started seen
	h.call("start_workflow", object{"workflow": "content-production", "input": object{"task": "An article"}, "wait": 50}, &started)
	for started.Waiting == nil {
		h.call("get_run", object{"id": started.ID, "wait": 50}, &started)
	}
	var pieces struct {
		Pieces []struct {
			ID      string
			Version int
		}
	}
	h.call("list_content", object{"state": "draft"}, &pieces)
	h.call("review_content", object{"id": pieces.Pieces[0].ID, "version": pieces.Pieces[0].Version, "decision": "reject", "note": "Not us", "reviewer": "Ada"}, nil)
	run := h.follow(started.ID, nobody(t), func(title, _ string) (string, string) {
		t.Fatalf("it still asks: %s", title)
		return "", ""
	})
	if !strings.Contains(string(run.Output), `"state":"rejected"`) {
		t.Errorf("output: %s", run.Output)
	}
}

func TestSnapshotsAndReports(t *testing.T) {
	h := newHouse(t, nil)
	h.call("log_event", object{"type": "lead.logged"}, nil)
	take := func() (out struct {
		ID, Before string
		KPIs       map[string]float64
		Deltas     []object
	}) {
		var run seen
		h.call("start_workflow", object{"workflow": "performance-snapshot", "input": object{"period": "day"}, "wait": 50}, &run)
		if err := json.Unmarshal(run.Output, &out); err != nil || run.Status != "completed" {
			t.Fatalf("it is %s: %s", run.Status, run.Error)
		}
		return out
	}
	first := take()
	for range 4 {
		h.call("log_event", object{"type": "lead.logged"}, nil)
	}
	second := take()
	if _, known := second.KPIs["ctr"]; first.KPIs["leads"] != 1 || second.KPIs["leads"] != 5 || second.Before != first.ID || known {
		t.Errorf("snapshots: %+v, %+v", first, second)
	}
	i := slices.IndexFunc(second.Deltas, func(d object) bool { return d["kpi"] == "leads" })
	if i < 0 || second.Deltas[i]["change"] != 4.0 || second.Deltas[i]["significant"] != true {
		t.Errorf("deltas: %v", second.Deltas)
	}
	var trend struct{ Snapshots []struct{ ID string } }
	h.call("get_performance_trend", object{"period": "day"}, &trend)
	if len(trend.Snapshots) != 2 || trend.Snapshots[0].ID != second.ID {
		t.Errorf("trend: %+v", trend)
	}
	var run seen
	h.call("start_workflow", object{"workflow": "analytics-report"}, &run)
	run = h.follow(run.ID, client(t, map[string]string{}), approveAll)
	var report struct {
		Report         string
		ChannelMetrics []struct{ Channel string }
	}
	if err := json.Unmarshal(run.Output, &report); err != nil || report.Report != "Quiet." || len(report.ChannelMetrics) < 5 {
		t.Errorf("the report: %s", run.Output)
	}
}

func TestSelfOptimizationWithoutPatterns(t *testing.T) {
	h := newHouse(t, nil)
	var run seen
	h.call("start_workflow", object{"workflow": "self-optimization", "wait": 50}, &run)
	if run.Status != "completed" || !strings.Contains(string(run.Output), `"patterns":[]`) {
		t.Errorf("it is %s: %s", run.Status, run.Output)
	}
}

func TestCitationTracking(t *testing.T) {
	answers := []string{"1. Analytical Engines\n2. Others", "Try others."}
	model := agenttest.ScriptFunc(func(n int, _ agent.ModelRequest) (agenttest.Answer, error) {
		return agenttest.Answer{Text: answers[min(n, len(answers)-1)]}, nil
	})
	h := newHouse(t, func(o *heycmo.Options) {
		o.Marketing.AnswerEngines = map[string]agent.Choice{"chatgpt": {Model: model, Name: "m"}}
	})
	h.call("update_brand", object{"brandName": "Analytical Engines"}, nil)
	h.call("track_query", object{"query": "Which engine computes best?"}, nil)
	type result struct{ Asked, Appeared, Unknown, Changed int }
	for i, want := range []result{{4, 1, 3, 0}, {4, 0, 3, 1}} {
		var run seen
		var got result
		h.call("start_workflow", object{"workflow": "citation-tracking", "wait": 50}, &run)
		if err := json.Unmarshal(run.Output, &got); err != nil || got != want {
			t.Errorf("run %d: %s %s", i+1, run.Output, run.Error)
		}
	}
	var list struct {
		Citations []struct {
			Engine, CitationType, RawResponse string
			Appeared                          *bool
			Position                          int
		}
	}
	h.call("list_citations", object{}, &list)
	known := 0
	for _, c := range list.Citations {
		if c.Appeared != nil {
			known++
		} else if c.Engine == "chatgpt" || c.RawResponse != "" {
			t.Errorf("not known: %+v", c)
		}
	}
	if len(list.Citations) != 8 || known != 2 {
		t.Errorf("%d results, %d known", len(list.Citations), known)
	}
	if got := h.events("citation."); !slices.Equal(got, []string{"citation.changed"}) {
		t.Errorf("events: %v", got)
	}
}

func TestEngagement(t *testing.T) {
	h := newHouse(t, nil)
	h.call("update_brand", object{"brandName": "Acme", "competitors": []string{"Globex"}}, nil)
	post := object{"postId": "1", "text": "Does Acme do this at all?", "author": "bob", "followers": 9000}
	h.call("log_x_post", object{"postId": "2", "text": "Globex has a new office in town", "author": "eve"}, nil)
	h.call("log_x_post", post, nil)
	h.call("log_x_post", post, nil) // the same one
	// The strong mention started a run by itself.
	var runs struct {
		Runs []struct{ ID, Name string }
	}
	h.call("list_runs", object{"workflow": "engagement-response"}, &runs)
	if len(runs.Runs) != 1 {
		t.Fatalf("runs: %+v", runs)
	}
	run := h.follow(runs.Runs[0].ID, client(t, map[string]string{}), approveAll)
	if !strings.Contains(string(run.Output), `"posts":1,"replies":[{"postId":"1","text":"Thank you, it does."}]`) {
		t.Errorf("it is %s: %s %s", run.Status, run.Output, run.Error)
	}
	var posts struct {
		Posts []struct{ ID, State, Bucket, Reply string }
	}
	h.call("list_x_posts", object{}, &posts)
	if len(posts.Posts) != 2 || posts.Posts[0].State != "passed" || posts.Posts[0].Bucket != "competitor" || posts.Posts[1].State != "ready" || posts.Posts[1].Reply == "" {
		t.Errorf("posts: %+v", posts)
	}
	if got := h.events("x_stream_"); !slices.Equal(got, []string{"x_stream_competitor.matched", "x_stream_brand_mention.matched"}) {
		t.Errorf("events: %v", got)
	}
}

// Who waits for a run is told what it does.
func TestProgress(t *testing.T) {
	goOn := make(chan struct{})
	slow := agent.NewWorkflow("slow", "Takes its time.", func(c workflow.Context, _ struct{}) (struct{}, error) {
		_, err := workflow.Step(c, "think", func(ctx context.Context) (bool, error) {
			agent.Progress(ctx, 1, 2, "halfway there")
			<-goOn
			return true, nil
		}, nil)
		return struct{}{}, err
	}, &agent.WorkflowOptions{Title: "Slow work"})
	h := newHouse(t, func(o *heycmo.Options) { o.Catalog = &agent.Catalog{Workflows: []*agent.Workflow{slow}} })
	ended := make(chan *sdk.CallToolResult, 1)
	go func() {
		p := &sdk.CallToolParams{Name: "start_workflow", Arguments: object{"workflow": "slow", "wait": 50}}
		p.SetProgressToken("p")
		result, err := h.mcp.CallTool(t.Context(), p)
		if err != nil {
			t.Error(err)
		}
		ended <- result
	}()
	for said := ""; said != "Slow work: think: halfway there"; {
		select {
		case said = <-h.told:
		case <-time.After(patience):
			t.Fatal("nothing is told")
		}
	}
	close(goOn)
	if result := <-ended; result == nil || result.StructuredContent.(map[string]any)["status"] != "completed" {
		t.Errorf("it ends with %+v", result)
	}
}

func TestBadInput(t *testing.T) {
	h := newHouse(t, nil)
	for name, c := range map[string]struct {
		tool string
		args object
		want string
	}{
		"unknown workflow": {"start_workflow", object{"workflow": "x"}, "there is no workflow"},
		"missing input":    {"start_workflow", object{"workflow": "onboarding"}, `"brandName" is missing`},
		"wrong input":      {"start_workflow", object{"workflow": "performance-snapshot", "input": object{"period": "year"}}, "day"},
		"unknown field":    {"start_workflow", object{"workflow": "performance-snapshot", "input": object{"x": 1}}, "x"},
		"a website of another kind": {
			"start_workflow", object{"workflow": "onboarding", "input": object{"brandName": "A", "website": "ftp://example.com"}}, "website",
		},
		"unknown run":      {"get_run", object{"id": storage.NewID()}, "no such run"},
		"wait too long":    {"get_run", object{"id": storage.NewID(), "wait": 51}, "wait"},
		"cancel unknown":   {"cancel_run", object{"id": storage.NewID()}, "no such run"},
		"decide unknown":   {"decide", object{"id": storage.NewID(), "decision": "approve"}, "no such approval"},
		"hand in unknown":  {"hand_in", object{"id": storage.NewID(), "result": object{}}, "no run waits"},
		"decision unknown": {"decide", object{"id": storage.NewID(), "decision": "maybe"}, "decision"},
	} {
		if got := h.try(c.tool, c.args, nil); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	var run seen
	h.call("start_workflow", object{"workflow": "analytics-report", "key": "mine", "wait": 50}, &run)
	for run.Waiting == nil {
		h.call("get_run", object{"id": run.ID, "wait": 50}, &run)
	}
	var same seen
	h.call("start_workflow", object{"workflow": "analytics-report", "key": "mine"}, &same)
	if same.ID != run.ID {
		t.Errorf("the same key began %s and %s", run.ID, same.ID)
	}
	if got := h.try("hand_in", object{"id": run.Waiting.ID, "result": object{"report": 1}}, nil); !strings.Contains(got, `"`) {
		t.Errorf("a result of another form: %q", got)
	}
	var errors struct{ Error string }
	for _, body := range []object{{}, {"brandName": "A"}, {"brandName": "", "website": h.site}, {"brandName": "A", "website": "example.com"}, {"brandName": "A", "website": h.site, "goals": "many"}} {
		if got := h.rest(http.MethodPost, "/api/onboard/:id", body, &errors); got != 400 || errors.Error == "" {
			t.Errorf("onboard with %v: %d %s", body, got, errors.Error)
		}
	}
	for path, want := range map[string]int{
		"/api/runs/:id/" + storage.NewID(): 404, "/api/runs/:id?status=x": 400, "/api/approvals/:id?status=x": 400, "/api/runs/:id/nonsense": 404,
	} {
		if got := h.rest(http.MethodGet, path, nil, &errors); got != want || errors.Error == "" {
			t.Errorf("GET %s: %d %s", path, got, errors.Error)
		}
	}
	var cancelled struct{ Status string }
	if got := h.rest(http.MethodPost, "/api/runs/:id/"+run.ID+"/cancel", nil, &cancelled); got != 200 || cancelled.Status != "cancelled" {
		t.Errorf("cancel: %d %+v", got, cancelled)
	}
	if got := h.rest(http.MethodPost, "/api/runs/:id/"+run.ID+"/cancel", nil, &errors); got != 409 {
		t.Errorf("cancel again: %d %s", got, errors.Error)
	}
	if got := h.try("hand_in", object{"id": run.Waiting.ID, "result": object{"report": "x", "insights": []object{}, "recommendations": []string{}}}, nil); !strings.Contains(got, "withdrawn") {
		t.Errorf("work for a cancelled run: %q", got)
	}
}

// fourWeeks stores four weeks of pieces whose brand voice falls.
func (h *house) fourWeeks() {
	h.Helper()
	for week, voice := range []float64{0.8, 0.8, 0.7, 0.5} {
		at := storage.Now().Add(-time.Duration(4-week)*7*24*time.Hour + 24*time.Hour)
		data, err := json.Marshal(object{"agent": "seo-writer", "type": "article", "title": "T", "version": 1, "evaluation": object{"brandVoice": object{"score": voice}, "bar": 0.6}})
		if err != nil {
			h.Fatal(err)
		}
		err = h.store.CreateDocument(h.Context(), storage.Document{CustomerID: h.id, Kind: "content", ID: storage.NewID(), Status: "draft", Data: data, CreatedAt: at, UpdatedAt: at})
		if err != nil {
			h.Fatal(err)
		}
	}
}

func TestSelfOptimization(t *testing.T) {
	h := newHouse(t, nil)
	h.fourWeeks()
	var run seen
	h.call("start_workflow", object{"workflow": "self-optimization", "wait": 50}, &run)
	asked := 0
	run = h.follow(run.ID, func(_, brief string) any {
		if !strings.Contains(brief, "critical") || !strings.Contains(brief, "0.50, below 0.6") {
			t.Errorf("the brief lacks the pattern:\n%s", brief)
		}
		return object{"proposals": []object{
			{"category": "voice_refinement", "key": "formality", "proposedValue": 0.9, "rationale": "It falls.", "expectedImpact": "+0.1", "confidence": 0.8},
			{"category": "format_weights", "key": "blog", "proposedValue": 0.4, "rationale": "It falls.", "expectedImpact": "+0.1", "confidence": 0.3},
		}}
	}, func(title, text string) (string, string) {
		asked++
		if asked == 1 && (title != "Move voice_refinement.formality from 0.5 to 0.7?" || !strings.Contains(text, "80 %")) {
			t.Errorf("asked: %s %s", title, text)
		}
		return []string{"approve", "reject"}[min(asked-1, 1)], ""
	})
	var out struct {
		Applied []struct {
			ID    string
			Value float64
		}
		Rejected int
	}
	if err := json.Unmarshal(run.Output, &out); err != nil || len(out.Applied) != 1 || out.Applied[0].Value != 0.7 || out.Rejected != 1 {
		t.Fatalf("it is %s: %s %s", run.Status, run.Output, run.Error)
	}
	weights := func() (w map[string]float64) {
		var list struct {
			Memories []struct {
				Key    string
				Weight float64
			}
		}
		h.call("list_memories", object{"layer": "procedural"}, &list)
		w = map[string]float64{}
		for _, m := range list.Memories {
			if m.Key != "" {
				w[m.Key] = m.Weight
			}
		}
		return w
	}
	if w := weights(); len(w) != 1 || w["voice_refinement.formality"] != 0.7 {
		t.Errorf("weights: %v", w)
	}
	h.call("roll_back_change", object{"id": out.Applied[0].ID}, nil)
	if w := weights(); w["voice_refinement.formality"] != 0.5 {
		t.Errorf("weights: %v", w)
	}
	if got := h.try("roll_back_change", object{"id": out.Applied[0].ID}, nil); !strings.Contains(got, "already") {
		t.Errorf("again: %q", got)
	}
}

// A customer who doesn't want the draft keeps what they said themselves, and may begin
// again.
func TestOnboardingRejected(t *testing.T) {
	h := newHouse(t, withModel(t))
	run := h.follow(h.onboard(), nobody(t), func(string, string) (string, string) { return "reject", "" })
	if run.Status != "failed" || !strings.Contains(run.Error, "was rejected") {
		t.Errorf("it is %s: %s", run.Status, run.Error)
	}
	var brand struct{ BrandName, Offer string }
	h.call("get_brand", object{}, &brand)
	if brand.BrandName != "Analytical Engines" || brand.Offer != "" {
		t.Errorf("the brand is %+v", brand)
	}
	var customer struct{ Status string }
	h.rest(http.MethodGet, "/api/customer/:id", nil, &customer)
	if customer.Status != "onboarding" {
		t.Errorf("the customer is %s", customer.Status)
	}
	if run = h.follow(h.onboard(), nobody(t), approveAll); run.Status != "completed" {
		t.Errorf("the second one is %s: %s", run.Status, run.Error)
	}
}

// A site that can't be read is no reason to give up.
func TestOnboardingWithoutASite(t *testing.T) {
	h := newHouse(t, nil)
	h.site = "http://127.0.0.1:1"
	briefs := map[string]string{}
	run := h.follow(h.onboard(), client(t, briefs), approveAll)
	if run.Status != "completed" || !strings.Contains(briefs["Draft what is true about the brand"], "can't be read") {
		t.Errorf("it is %s: %s\n%s", run.Status, run.Error, briefs["Draft what is true about the brand"])
	}
}

// An account that is shut out has nothing more done for it.
func TestSuspended(t *testing.T) {
	h := newHouse(t, nil)
	var run seen
	h.call("start_workflow", object{"workflow": "analytics-report", "wait": 50}, &run)
	for run.Waiting == nil {
		h.call("get_run", object{"id": run.ID, "wait": 50}, &run)
	}
	h.call("hand_in", object{"id": run.Waiting.ID, "result": object{"report": "x", "insights": []object{}, "recommendations": []string{}}}, nil)
	if _, err := h.host.Admin().Suspend(t.Context(), h.id); err != nil {
		t.Fatal(err)
	}
	runs, _ := storage.RoleOf[storage.Runs](h.store)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		r, err := runs.Run(t.Context(), h.id, storage.RunID(run.ID))
		if err != nil {
			t.Fatal(err)
		}
		if r.Status == "completed" { // it was faster
			return
		}
		if r.Status == "failed" {
			if !strings.Contains(string(r.Data), "the account is inactive") {
				t.Errorf("it failed: %s", r.Data)
			}
			return
		}
	}
	t.Error("the run goes on")
}
