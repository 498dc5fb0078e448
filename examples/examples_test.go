// Package examples runs the example programs.
package examples

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
)

const patience = 20 * time.Second

// program is a running example.
type program struct {
	url, key string
}

// start builds and runs an example in a folder of its own, and stops it with an
// interrupt when the test ends.
func start(t *testing.T, name string) program {
	t.Helper()
	return startWith(t, name, nil)
}

func startWith(t *testing.T, name string, environ []string, flags ...string) program {
	t.Helper()
	folder := t.TempDir()
	binary := filepath.Join(folder, name)
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := exec.Command(binary, append(flags, "127.0.0.1:0")...)
	c.Dir, c.Env = folder, append(os.Environ(), environ...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	t.Cleanup(func() {
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("it ended with %v\n%s", err, stderr.String())
			}
		case <-time.After(patience):
			_ = c.Process.Kill()
			t.Error("an interrupt does not end it")
		}
	})
	var p program
	lines := bufio.NewScanner(out)
	for p.url == "" && lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "key: "); ok {
			p.key = rest
		}
		if rest, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			p.url = rest
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, out)
		ended <- c.Wait()
	}()
	if p.url == "" {
		t.Fatalf("it does not listen: %s", stderr.String())
	}
	return p
}

func get(t *testing.T, url, bearer string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// connect opens an MCP session with a token.
func connect(t *testing.T, url, token string) *sdk.ClientSession {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(ctx, &sdk.StreamableClientTransport{Endpoint: url + "/mcp?token=" + token}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func TestMinimal(t *testing.T) {
	p := start(t, "minimal")
	if status, body := get(t, p.url+"/api/health", ""); status != http.StatusOK {
		t.Errorf("health: %d %s", status, body)
	}
	tools, err := connect(t, p.url, p.key).ListTools(t.Context(), nil)
	if err != nil || len(tools.Tools) == 0 {
		t.Errorf("tools: %v", err)
	}
}

func TestMount(t *testing.T) {
	p := start(t, "mount")
	if _, body := get(t, p.url+"/", ""); !strings.Contains(body, "the program's own") {
		t.Errorf("the program's page: %s", body)
	}
	if status, _ := get(t, p.url+"/ai/api/health", ""); status != http.StatusOK {
		t.Errorf("health: %d", status)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/ai/api/admin/provision", strings.NewReader(`{"email":"ada@example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer an-admin-key-of-32-characters-or-more")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var made struct{ APIKey string }
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("provision: %d %v", res.StatusCode, err)
	}
	if _, err := connect(t, p.url+"/ai", made.APIKey).ListTools(t.Context(), nil); err != nil {
		t.Errorf("tools: %v", err)
	}
}

func TestOwnAuth(t *testing.T) {
	p := start(t, "ownauth")
	_, text := get(t, p.url+"/me", "session-of-ada")
	path := regexp.MustCompile(`/ai/api/customer/\S+`).FindString(text)
	if path == "" {
		t.Fatalf("/me: %s", text)
	}
	if status, body := get(t, p.url+path, "session-of-ada"); status != http.StatusOK || !strings.Contains(body, "ada@example.com") {
		t.Errorf("her own customer: %d %s", status, body)
	}
	get(t, p.url+"/me", "session-of-grace")
	if status, _ := get(t, p.url+path, "session-of-grace"); status != http.StatusNotFound {
		t.Errorf("somebody else's: %d", status)
	}
	if status, _ := get(t, p.url+path, "nobody"); status != http.StatusUnauthorized {
		t.Errorf("a stranger: %d", status)
	}
	if _, err := connect(t, p.url+"/ai", "session-of-ada").ListTools(t.Context(), nil); err != nil {
		t.Errorf("tools: %v", err)
	}
}

func TestOwnDashboard(t *testing.T) {
	p := start(t, "owndashboard")
	res, err := http.PostForm(p.url+"/marketing", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`name="t" value="([^"]+)"`).FindSubmatch(page)
	if token == nil || !strings.Contains(string(page), "Show me the marketing") {
		t.Fatalf("the button leads to %d %s", res.StatusCode, page)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	res, err = browser.PostForm(p.url+"/dashboard/sign-in", url.Values{"t": {string(token[1])}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if page, err = io.ReadAll(res.Body); err != nil || !strings.Contains(string(page), "ada@example.com") {
		t.Errorf("the dashboard: %v %s", err, page)
	}
	if _, text := get(t, p.url+"/dashboard/assets/style.css", ""); !strings.Contains(text, "#7a2e8d") {
		t.Error("it doesn't have the program's colours")
	}
	if _, text := get(t, p.url+"/dashboard", ""); !strings.Contains(text, "our own page") {
		t.Errorf("without a session: %s", text)
	}
}

func TestOwnTools(t *testing.T) {
	p := start(t, "owntools")
	session := connect(t, p.url, p.key)
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
	}
	if slices.Sort(names); !slices.Equal(names, []string{"open_dashboard", "repay"}) {
		t.Fatalf("tools: %v", names)
	}
	r, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "repay", Arguments: map[string]any{"amount": 1200, "rate": 0, "years": 1}})
	if err != nil || r.IsError || fmt.Sprint(r.StructuredContent) != "map[monthly:100 total:1200]" {
		t.Errorf("%v %+v", err, r)
	}
	for _, args := range []map[string]any{{"amount": -1, "rate": 0, "years": 1}, {"amount": "much", "rate": 0, "years": 1}, {}} {
		if r, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "repay", Arguments: args}); err != nil || !r.IsError {
			t.Errorf("%v: %v %+v", args, err, r)
		}
	}
}

func TestOwnAgent(t *testing.T) {
	gpt := agenttest.StartOpenAI(t,
		agenttest.Answer{Calls: []agent.ToolCall{{Name: "repay", Arguments: json.RawMessage(`{"amount":1200,"rate":12,"years":1}`)}}},
		agenttest.Answer{Text: "Take the shorter one."}, agenttest.Answer{Text: "No objection."})
	p := startWith(t, "ownagent", []string{"OPENAI_API_KEY=" + agenttest.Key, "OPENAI_BASE_URL=" + gpt.URL, "MODEL=a-model"})
	session := connect(t, p.url, p.key)
	for _, c := range []struct{ agent, want string }{{"advisor", "Take the shorter one."}, {"reviewer", "No objection."}} {
		r, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "ask_agent", Arguments: map[string]any{"agent": c.agent, "task": "One year or two?"}})
		if err != nil || r.IsError || r.Content[0].(*sdk.TextContent).Text != c.want {
			t.Errorf("%s: %v %+v", c.agent, err, r)
		}
	}
	asked := gpt.Requests()
	if len(asked) != 3 || asked[0].Model != "a-model" || asked[1].Messages[2].Results[0].Text != `{"monthly":106.62}` {
		t.Errorf("the model was asked %+v", asked)
	}
}

func TestOwnWorkflow(t *testing.T) {
	p := start(t, "ownworkflow")
	session := connect(t, p.url, p.key)
	call := func(tool string, args map[string]any) map[string]any {
		t.Helper()
		r, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
		if err != nil || r.IsError {
			t.Fatalf("%s: %v %+v", tool, err, r)
		}
		out, _ := r.StructuredContent.(map[string]any)
		return out
	}
	run := call("start_workflow", map[string]any{"workflow": "lend", "input": map[string]any{"amount": 500}, "wait": 30})
	waiting, _ := run["waiting"].(map[string]any)
	if waiting["title"] != "Borrow 500 euros at 4.5 %?" {
		t.Fatalf("it is %v", run)
	}
	call("decide", map[string]any{"id": waiting["id"], "decision": "approve"})
	if run = call("get_run", map[string]any{"id": run["id"], "wait": 30}); run["status"] != "completed" || fmt.Sprint(run["output"]) != fmt.Sprintf("map[paid:P-%s rate:4.5]", run["id"]) {
		t.Errorf("it is %v", run)
	}
	if run = call("start_workflow", map[string]any{"workflow": "lend", "input": map[string]any{"amount": -1}, "wait": 30}); run["error"] != "the amount must be between 1 and 100,000 euros" {
		t.Errorf("it is %v", run)
	}
}

// The README's Go code stands in an example, and its commands exist.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	programs, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range programs {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	code := strings.Join(strings.Fields(all.String()), " ")
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) == 0 {
		t.Fatal("the README has no Go code")
	}
	for _, block := range blocks {
		for line := range strings.Lines(block[1]) {
			if line = strings.Join(strings.Fields(line), " "); !strings.Contains(code, line) {
				t.Errorf("no example has the README's line %q", line)
			}
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([a-z][^):]*)\)`).FindAllStringSubmatch(string(readme), -1) {
		if _, err := os.Stat("../" + link[1]); err != nil {
			t.Errorf("the README links to %s: %v", link[1], err)
		}
	}
}
