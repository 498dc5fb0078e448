package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds waits that end with a signal.
const patience = 30 * time.Second

// server is the program, running in this process.
type server struct {
	url    string
	output string // up to the line that says it listens
	key    string // of the development customer, on the first start
	id     string
	stop   func() error
}

// start runs the program on a free port, with the environment and arguments.
func start(t *testing.T, environ []string, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var log bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"--addr", "127.0.0.1:0"}, args...), environ, in, &log)
		_ = in.CloseWithError(io.EOF)
		ended <- err
	}()
	s := &server{}
	lines := bufio.NewScanner(out)
	for s.url == "" && lines.Scan() {
		line := lines.Text()
		s.output += line + "\n"
		if rest, ok := strings.CutPrefix(line, "listening on "); ok {
			s.url, _, _ = strings.Cut(rest, " ")
		}
		if rest, ok := strings.CutPrefix(line, "key: "); ok {
			s.key = rest
		}
		if rest, ok := strings.CutPrefix(line, "customer: "); ok {
			s.id = rest
		}
	}
	if s.url == "" {
		cancel()
		t.Fatalf("it did not start: %v\n%s%s", <-ended, s.output, log.String())
	}
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return fmt.Errorf("it did not stop")
		}
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

// command runs a command to its end.
func command(t *testing.T, environ []string, args ...string) (out, errOut string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	err = run(t.Context(), args, environ, &o, &e)
	return o.String(), e.String(), err
}

func get(t *testing.T, url, key string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func database(t *testing.T) []string {
	return []string{"HEYCMO_DATABASE=" + filepath.Join(t.TempDir(), "test.db")}
}

func TestFirstStart(t *testing.T) {
	environ := database(t)
	first := start(t, environ)
	if !regexp.MustCompile(`^hcmo_live_[0-9a-f]{64}$`).MatchString(first.key) || first.id == "" {
		t.Fatalf("no key and customer in\n%s", first.output)
	}
	for _, want := range []string{
		"claude mcp add --transport http heycmo " + first.url + `/mcp --header "Authorization: Bearer ` + first.key + `"`,
		first.url + "/mcp/sse?token=" + first.key,
		`"mcpServers"`, `"servers"`, "mcp-remote", "Claude Desktop", "Cursor", "VS Code",
	} {
		if !strings.Contains(first.output, want) {
			t.Errorf("the first start does not print %q", want)
		}
	}
	if status, body := get(t, first.url+"/api/customer/"+first.id, first.key); status != http.StatusOK {
		t.Errorf("the key does not work: %d %s", status, body)
	}
	if err := first.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}

	second := start(t, environ)
	if second.key != "" || strings.Contains(second.output, "hcmo_live_") {
		t.Errorf("the second start shows a key:\n%s", second.output)
	}
	if status, body := get(t, second.url+"/api/customer/"+first.id, first.key); status != http.StatusOK {
		t.Errorf("the key is forgotten: %d %s", status, body)
	}
	if status, _ := get(t, second.url+"/api/health/ready", ""); status != http.StatusOK {
		t.Errorf("not ready: %d", status)
	}
}

func TestPrintedSettingsAreWholeJSON(t *testing.T) {
	s := start(t, database(t))
	found := 0
	for part := range strings.SplitSeq(s.output, "\n# ") {
		_, text, _ := strings.Cut(part, ":\n")
		if !strings.HasPrefix(text, "{") {
			continue
		}
		text = text[:strings.LastIndex(text, "}")+1]
		var settings map[string]map[string]map[string]any
		if err := json.Unmarshal([]byte(text), &settings); err != nil {
			t.Errorf("not JSON: %v\n%s", err, text)
		}
		found++
	}
	if found < 5 {
		t.Errorf("only %d settings in\n%s", found, s.output)
	}
}

func TestProductionRefusesHalfConfigurations(t *testing.T) {
	base := append(database(t), "HEYCMO_ENV=production")
	_, _, err := command(t, base)
	if err == nil || !strings.Contains(err.Error(), "HEYCMO_SECRET_KEYS is missing") {
		t.Errorf("no secret keys: %v", err)
	}
	_, _, err = command(t, append(base, "HEYCMO_SECRET_KEYS=k:short", "HEYCMO_ADMIN_KEYS=short", "HEYCMO_PUBLIC_URL=http://example.com",
		"HEYCMO_TRUSTED_PROXIES=everybody", "HEYCMO_ALLOWED_ORIGINS=http://localhost:3000", "HEYCMO_FETCH_ALLOW_PRIVATE=true"))
	for _, want := range []string{"HEYCMO_SECRET_KEYS", "HEYCMO_ADMIN_KEYS", "HEYCMO_PUBLIC_URL", "HEYCMO_TRUSTED_PROXIES", "HEYCMO_ALLOWED_ORIGINS", "HEYCMO_FETCH_ALLOW_PRIVATE"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %s: %v", want, err)
		}
	}
	if strings.Contains(fmt.Sprint(err), "short") {
		t.Errorf("the error shows a secret: %v", err)
	}
	s := start(t, append(base, "HEYCMO_SECRET_KEYS="+secretForTests))
	if strings.Contains(s.output, "hcmo_live_") {
		t.Errorf("production makes a customer:\n%s", s.output)
	}
	res, err := http.Get(s.url + "/api/health")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS in production")
	}
}

func TestBadSettings(t *testing.T) {
	for name, c := range map[string]struct {
		environ []string
		args    []string
		want    string
	}{
		"unknown environment":  {[]string{"HEYCMO_ENV=staging"}, nil, "env"},
		"unknown flag":         {nil, []string{"--no-such"}, "no-such"},
		"not a number":         {[]string{"HEYCMO_LIMIT_REST=many"}, nil, "limit-rest"},
		"database is a folder": {[]string{"HEYCMO_DATABASE=" + t.TempDir()}, nil, "HEYCMO_DATABASE"},
		"no PostgreSQL":        {[]string{"HEYCMO_DATABASE=postgres://127.0.0.1:1/x?connect_timeout=1"}, nil, "HEYCMO_DATABASE"},
		"address":              {append(database(t), "HEYCMO_ADDR=nowhere:x"), nil, "HEYCMO_ADDR"},
		"public address":       {append(database(t), "HEYCMO_PUBLIC_URL=example.com"), nil, "PublicURL"},
	} {
		if _, _, err := command(t, c.environ, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnknownVariablesAreNamed(t *testing.T) {
	_, errOut, err := command(t, []string{"HEYCMO_DATABSE=x", "HEYCMO_TEST_REQUIRE=x", "PATH=x"}, "version")
	if err != nil || !strings.Contains(errOut, "HEYCMO_DATABSE") || strings.Contains(errOut, "TEST_REQUIRE") {
		t.Errorf("%v %q", err, errOut)
	}
}

func TestConfigMasksSecrets(t *testing.T) {
	admin := strings.Repeat("admin-key-", 4)
	out, _, err := command(t, []string{"HEYCMO_ADMIN_KEYS=" + admin, "HEYCMO_DATABASE=postgres://user:pass" + "word@db/x"}, "config", "--limit-mcp", "7")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, admin) || strings.Contains(out, "password") {
		t.Errorf("a secret is shown:\n%s", out)
	}
	for _, want := range []string{"HEYCMO_LIMIT_MCP=7\n", "HEYCMO_ADMIN_KEYS=********\n", "HEYCMO_ENV=development\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the settings lack %q:\n%s", want, out)
		}
	}
}

func TestConfigMasksWhatSells(t *testing.T) {
	environ := []string{
		"HEYCMO_STRIPE_KEY=sk_test_hunter2hunter2", "HEYCMO_STRIPE_WEBHOOK_SECRETS=whsec_hunter2,whsec_hunter2too", "HEYCMO_GRACE=72h",
		"HEYCMO_SMTP_URL=smtp://ada:hunter2@mail.example.com", "HEYCMO_MAIL_FROM=hello@example.com", "HEYCMO_PROMOTION_CODES=true",
	}
	out, errOut, err := command(t, environ, "config")
	if err != nil || strings.Contains(out+errOut, "hunter2") {
		t.Errorf("%v\n%s%s", err, out, errOut)
	}
	for _, want := range []string{
		"HEYCMO_STRIPE_KEY=********\n", "HEYCMO_STRIPE_WEBHOOK_SECRETS=********\n", "HEYCMO_SMTP_URL=********\n",
		"HEYCMO_GRACE=72h0m0s\n", "HEYCMO_MAIL_FROM=hello@example.com\n", "HEYCMO_PROMOTION_CODES=true\n", "HEYCMO_AUTOMATIC_TAX=false\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the settings lack %q:\n%s", want, out)
		}
	}
}

func TestConfigShowsNoPassword(t *testing.T) {
	for _, database := range []string{
		"postgres://u@h/db?password=hunter2", "POSTGRES://u:hunter2@h/db", "postgres://u:hun%ter2@h/db", "host=h password=hunter2",
	} {
		out, _, err := command(t, []string{"HEYCMO_DATABASE=" + database}, "config")
		if err != nil || strings.Contains(out, "ter2") {
			t.Errorf("%s: %v\n%s", database, err, out)
		}
	}
	for _, database := range []string{"host=h password=hunter2", "mysql://u:hunter2@h/db"} {
		if _, _, err := command(t, []string{"HEYCMO_DATABASE=" + database}, "migrate"); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", database, err)
		}
	}
}

func TestCustomerCommands(t *testing.T) {
	environ := database(t)
	out, _, err := command(t, environ, "customer", "create", "--email", "ada@example.com", "--brand", "Ada", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		Customer struct{ ID, Email, BrandName, Status string }
		APIKey   string
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Customer.Email != "ada@example.com" || made.Customer.BrandName != "Ada" || made.APIKey == "" {
		t.Fatalf("%v: %s", err, out)
	}
	s := start(t, environ, "--env", "development", "--limit-rest=-1")
	if s.key != "" {
		t.Error("a development customer is made beside another")
	}
	customer := s.url + "/api/customer/" + made.Customer.ID
	status := func(key string) int {
		code, _ := get(t, customer, key)
		return code
	}
	if got := status(made.APIKey); got != http.StatusOK {
		t.Fatalf("the key does not work: %d", got)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"customer", "list", "ADA@"}, made.Customer.ID},
		{[]string{"customer", "list", "--json"}, `"nextCursor":""`},
		{[]string{"customer", "show", made.Customer.ID}, `"lastFour"`},
		{[]string{"customer", "suspend", made.Customer.ID}, "inactive"},
	} {
		out, _, err := command(t, environ, c.args...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%v: %v: %s", c.args, err, out)
		}
		if strings.Contains(out, made.APIKey) {
			t.Errorf("%v shows the key", c.args)
		}
	}
	// The command is another process, whose changes the server sees a little later.
	got := http.StatusOK
	for end := time.Now().Add(5 * time.Second); got == http.StatusOK && time.Now().Before(end); {
		got = status(made.APIKey)
	}
	if got != http.StatusUnauthorized {
		t.Errorf("5 s after the suspension: %d", got)
	}
	if out, _, err := command(t, environ, "customer", "resume", made.Customer.ID); err != nil || !strings.Contains(out, "is onboarding") {
		t.Errorf("resume: %v %s", err, out)
	}
	out, _, err = command(t, environ, "customer", "key", made.Customer.ID)
	key, ok := strings.CutPrefix(strings.TrimSpace(out), "key: ")
	if err != nil || !ok || status(key) != http.StatusOK || status(made.APIKey) != http.StatusOK {
		t.Errorf("a further key: %v %s", err, out)
	}
	for _, args := range [][]string{
		{"customer", "show", "0197f5a0-0000-7000-8000-000000000000"},
		{"customer", "create", "--email", "nobody"},
		{"customer", "list", "--status", "sleeping"},
		{"customer", "create"},
	} {
		if _, _, err := command(t, environ, args...); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

func TestMigrate(t *testing.T) {
	environ := database(t)
	if out, _, err := command(t, environ, "migrate"); err != nil || out == "" {
		t.Errorf("%v %q", err, out)
	}
	path := strings.TrimPrefix(environ[0], "HEYCMO_DATABASE=")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", err, info)
	}
}

func TestHelp(t *testing.T) {
	out, _, err := command(t, nil, "--help")
	if err != nil || !strings.Contains(out, "--public-url") || !strings.Contains(out, "HEYCMO_PUBLIC_URL") {
		t.Errorf("%v\n%s", err, out)
	}
}
