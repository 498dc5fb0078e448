package heycmo_test

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/heycmo/heycmo-go/"

// forbidden is what a program must not get by importing heycmo, and why.
var forbidden = map[string]string{
	"github.com/uptrace/bun":           "the store's driver is the embedder's choice",
	"github.com/pressly/goose":         "migrations belong to a driver",
	"modernc.org/":                     "SQLite is a driver",
	"github.com/jackc/":                "PostgreSQL is a driver",
	"database/sql":                     "a store need not be SQL",
	"github.com/stripe/":               "payment is a driver",
	"github.com/wneessen/":             "mail is a driver",
	"github.com/redis/":                "the shared limiter is a driver",
	"github.com/dbos-inc/":             "the workflow engine is a driver",
	"github.com/openai/":               "the model is a driver",
	"github.com/anthropics/":           "the model is a driver",
	"github.com/alecthomas/kong":       "the library has no command line",
	"github.com/stretchr/":             "tests' libraries stay in tests",
	"go.uber.org/goleak":               "tests' libraries stay in tests",
	"github.com/getkin/":               "tests' libraries stay in tests",
	"testing":                          "tests' libraries stay in tests",
	module + "storage/bunstore":        "a driver",
	module + "notify/smtpnotify":       "a driver",
	module + "agent/openaimodel":       "a driver",
	module + "agent/anthropicmodel":    "a driver",
	module + "workflow/dbosengine":     "a driver",
	module + "workflow/inngestengine":  "a driver",
	module + "connect/oauth2connect":   "a driver",
	module + "connect/composioconnect": "a driver",
	module + "connect/connecttest":     "tests' libraries stay in tests",
	"golang.org/x/oauth2":              "the connector is a driver",
	module + "cmd/":                    "arrows go down",
}

func TestImportsStayClean(t *testing.T) {
	for _, dep := range deps(t, module+"heycmo") {
		for prefix, reason := range forbidden {
			whole := strings.Contains(prefix, ".") && strings.HasPrefix(dep, strings.TrimSuffix(prefix, "/")+"/")
			if dep == prefix || whole {
				t.Errorf("heycmo imports %s: %s", dep, reason)
			}
		}
	}
}

// below lists what of this module each package may import; anything in it that
// is not named may not be imported by those named.
var below = map[string][]string{
	"storage":            {},
	"ratelimit":          {},
	"billing":            {},
	"notify":             {},
	"auth":               {"storage"},
	"agent":              {"storage", "workflow", "internal/plain"},
	"agent/agentfile":    {"storage", "workflow", "agent", "internal/plain"},
	"internal/fetch":     {},
	"internal/plain":     {},
	"internal/seal":      {},
	"marketing/page":     {"internal/plain"},
	"marketing/scan":     {"internal/plain"},
	"marketing/measure":  {},
	"marketing/citation": {"internal/plain"},
	"marketing/channel":  {"storage", "workflow", "agent", "connect", "internal/plain"},
	"marketing/xstream":  {"internal/plain"},
	"marketing/research": {"storage", "workflow", "agent", "internal/plain"},
	"workflow":           {"storage"},
	"memory":             {"storage", "workflow", "agent", "internal/plain"},
	"internal/worker":    {"storage", "workflow", "agent", "internal/plain"},
	"internal/runner":    {"storage", "workflow", "agent", "notify", "internal/outbox", "internal/plain"},
	"marketing":          {"storage", "workflow", "agent", "agent/agentfile", "auth", "connect", "memory", "internal/fetch", "internal/plain", "marketing/page", "marketing/scan", "marketing/measure", "marketing/research", "marketing/citation", "marketing/channel", "marketing/xstream"},
	"internal/recent":    {"storage"},
	"internal/outbox":    {"storage"},
	"internal/usage":     {"storage", "billing"},
	"internal/subscription": {
		"storage", "auth", "billing", "notify", "internal/httpx", "internal/outbox",
	},
	"connect":             {"storage"},
	"internal/connection": {"storage", "connect", "notify", "internal/outbox", "internal/plain", "internal/seal"},
	"internal/app":        usecases,
	"mcp":                 append([]string{"internal/app"}, usecases...),
	"internal/dashboard":  append([]string{"internal/app"}, usecases...),
	"internal/rest": append([]string{
		"internal/app", "api",
	}, usecases...),
}

// usecases is what is below the faces.
var usecases = []string{
	"storage", "ratelimit", "auth", "workflow", "agent", "billing", "notify", "connect",
	"internal/connection", "internal/seal", "internal/httpx", "internal/outbox", "internal/plain", "internal/runner", "internal/recent", "internal/subscription", "internal/usage", "internal/worker",
}

func TestArrowsGoDown(t *testing.T) {
	for name, allowed := range below {
		may := map[string]bool{name: true}
		for _, a := range allowed {
			may[a] = true
		}
		for _, dep := range deps(t, module+name) {
			if own, ok := strings.CutPrefix(dep, module); ok && !may[own] {
				t.Errorf("%s imports %s", name, own)
			}
		}
	}
}

func deps(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", pkg).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Fields(string(out))
}
