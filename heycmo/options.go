package heycmo

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"strings"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/mcp"
	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/ratelimit"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// Options are what an embedder may set. The zero value of every field is its
// default, and nil Options are all defaults.
type Options struct {
	// Log is where the host logs, without keys, prompts and payloads. Default:
	// nowhere.
	Log *zap.Logger

	// PublicURL is the address under which clients reach the host, such as
	// "https://example.com/ai". It is needed where a proxy takes a path prefix
	// away, and turns on the check of the Host header on /mcp. Default: derived
	// from each request.
	PublicURL string

	// AllowedOrigins are the origins of browser pages that may call the host,
	// such as "https://app.example.com". Default: none, no CORS headers at all.
	AllowedOrigins []string

	// HSTS adds Strict-Transport-Security to every response. Set it where the
	// host is reached over TLS only. Default: off.
	HSTS bool

	// TrustedProxies are the networks of the proxies whose X-Forwarded-For is
	// believed. Default: none, the address is that of the connection.
	TrustedProxies []netip.Prefix

	// Authenticator tells who is calling. Default: the API keys of the store. To
	// take both: auth.First(auth.Keys(store), yours).
	Authenticator auth.Authenticator

	// AdminKeys open /api/admin, each with at least 32 characters. Two at once
	// let a key be changed without a gap. Default: none, the routes answer 501.
	AdminKeys []string

	// SecretKeys sign what clients hand back, and encrypt what the database must not show,
	// each with 32 bytes: the first one signs and encrypts, all are believed and can
	// decrypt. Replicas must share them; kept, they let MCP sessions outlive a restart.
	// An old key may go after [Admin.RotateSecrets].
	// Default: one made at random.
	SecretKeys []SecretKey

	// Limiter counts requests. While it returns errors, each process counts for
	// itself. Default: in memory, for this process alone.
	Limiter ratelimit.Limiter

	// Limits are how many requests may pass in a minute.
	Limits Limits

	// Catalog is what the host offers over MCP. Default: the marketing team.
	// An empty Catalog offers nothing but Tools.
	Catalog *agent.Catalog

	// Marketing tunes the default Catalog. Its fields Models and Platforms are set by the host.
	// Default: see there.
	Marketing *marketing.Options

	// Tools are offered beside the Catalog's.
	Tools []*agent.Tool

	// Models do the work of the Catalog's agents. The store must have the role
	// [storage.Runs]. Default: none, and agents give briefs for the client's model to
	// carry out.
	Models agent.Models

	// Budget bounds what Models may use for each customer. Default: see there.
	Budget agent.Budget

	// Engine runs the Catalog's workflows. Run starts it, and Shutdown closes it. The
	// store must have the roles [storage.Runs] and [storage.Effects]. Default: in
	// memory, where runs end with the process. The endpoint of one that is an
	// [http.Handler], such as inngestengine's, is served at /api/inngest.
	Engine workflow.Engine

	// Platforms are what customers can link accounts at, such as those of package
	// oauth2connect; those without a Connector are listed as not configured. The store
	// must have the roles [storage.Connections] and [storage.Effects], and SecretKeys must
	// be set: what opens the accounts is encrypted with them. Default: none.
	Platforms []connect.Platform

	// Billing makes customers pay. The store must have the role
	// [storage.Billing]. Default: none, whoever has a key may come in.
	Billing *Billing

	// Notifier tells customers about their account, such as a payment that
	// failed. Default: nobody is told.
	Notifier notify.Notifier

	// OnEvent is called with each event of a customer, at least once and in no
	// order, by the replica that comes first; event.ID tells a repetition. An
	// error has it called again later. It has 30 s. The store must have the role
	// [storage.Effects]. Default: none.
	OnEvent func(ctx context.Context, event storage.Event) error

	// Dashboard are the pages for customers and for the operator, at /dashboard and
	// /operator. Default: there, as they are.
	Dashboard *Dashboard

	// MCP tunes streams and calls. Default: see there.
	MCP *mcp.Options
}

// Dashboard changes the pages.
type Dashboard struct {
	// Off leaves them out.
	Off bool
	// Templates take the place of those of the same name in internal/dashboard/templates,
	// such as overview.html; see package html/template. What they are given may change with
	// a minor version. Default: the built-in ones.
	Templates fs.FS
	// Style is CSS behind the built-in one, such as ":root { --accent: #7a1fa2 }".
	Style string
}

// SecretKey is a secret with a name.
type SecretKey struct {
	// ID names the key, so that what was made with it can be told: 1 to 32 letters,
	// digits, "_" or "-".
	ID  string
	Key []byte
}

// Limits are numbers of requests a minute. 0 is the default, a negative number
// is no limit. The whole number may come at once and is then refilled evenly.
type Limits struct {
	REST     int // for each customer; default 60
	MCP      int // for each customer; default 30
	Checkout int // for each address; default 5
	Webhook  int // wrongly signed ones, for each address; default 100
	Login    int // failed attempts, for each address; default 20
}

func (l Limits) scopes() app.Limits {
	or := func(n, otherwise int) int {
		if n == 0 {
			return otherwise
		}
		return n
	}
	return app.Limits{
		app.ScopeREST:     or(l.REST, 60),
		app.ScopeMCP:      or(l.MCP, 30),
		app.ScopeCheckout: or(l.Checkout, 5),
		app.ScopeWebhook:  or(l.Webhook, 100),
		app.ScopeLogin:    or(l.Login, 20),
	}
}

// validate reports everything that makes no sense.
func (o *Options) validate() error {
	var errs []error
	report := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			report("PublicURL must be an http or https address without a query, such as https://example.com/ai")
		}
	}
	for _, origin := range o.AllowedOrigins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin || strings.ContainsAny(origin, "*ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			report("AllowedOrigins: %q must be a whole origin in lower case, such as https://app.example.com", origin)
		}
	}
	for i, key := range o.AdminKeys {
		if len(key) < 32 {
			report("AdminKeys: key %d must have at least 32 characters", i+1)
		}
	}
	for i, key := range o.SecretKeys {
		if len(key.Key) != 32 {
			report("SecretKeys: key %d must have 32 random bytes", i+1)
		}
	}
	if _, err := o.ring(); err != nil {
		report("SecretKeys: %w", err)
	}
	if err := o.Billing.validate(o.PublicURL); err != nil {
		errs = append(errs, err)
	}
	if err := o.Models.Validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// sessionSecrets returns the keys that sign session IDs.
func (o *Options) sessionSecrets() ([][]byte, error) {
	if len(o.SecretKeys) == 0 {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret) // never fails, see crypto/rand
		return [][]byte{secret}, nil
	}
	secrets := make([][]byte, len(o.SecretKeys))
	for i, key := range o.SecretKeys {
		var err error
		if secrets[i], err = hkdf.Key(sha256.New, key.Key, nil, "heycmo mcp sessions", 32); err != nil {
			return nil, err
		}
	}
	return secrets, nil
}
