package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/mcp"
)

const prefix = "HEYCMO_"

// settings are all there is to set. A field with the tag secret is masked
// wherever settings are shown.
type settings struct {
	Env               string   `default:"development" enum:"development,production" help:"development or production."`
	Addr              string   `default:"127.0.0.1:8787" help:"Address to listen on."`
	PublicURL         string   `name:"public-url" help:"Address under which clients reach the server; derived when empty."`
	Database          string   `default:"heycmo.db" help:"A file for SQLite, :memory:, or postgres://…"`
	AdminKeys         []string `secret:"" help:"Keys of /api/admin, comma-separated, 32 characters or more each."`
	SecretKeys        []string `secret:"" help:"Keys that sign and encrypt, newest first, comma-separated id:base64 of 32 bytes. In development, one is made and kept beside the database."`
	AllowedOrigins    []string `help:"Browser origins that may call the server, comma-separated; default heycmo.ai, in development also localhost."`
	TrustedProxies    []string `help:"Networks of trusted proxies, comma-separated, such as 10.0.0.0/8."`
	LimitREST         int      `name:"limit-rest" default:"60" help:"REST requests a minute for each customer; -1 for no limit."`
	LimitMCP          int      `name:"limit-mcp" default:"30" help:"MCP requests a minute for each customer; -1 for no limit."`
	LimitCheckout     int      `default:"5" help:"Checkouts a minute for each address; -1 for no limit."`
	LimitWebhook      int      `default:"100" help:"Wrongly signed webhooks a minute for each address; -1 for no limit."`
	LimitLogin        int      `default:"20" help:"Failed logins a minute for each address; -1 for no limit."`
	MCPThrottle       string   `name:"mcp-throttle" default:"status" enum:"status,inband" help:"How a throttled /mcp/message is answered: status is 429, inband is an error on the stream."`
	FetchAllowPrivate bool     `help:"Let tools read web pages on private and loopback addresses; development only."`
	LogLevel          string   `default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`

	OpenAIKey       string   `name:"openai-key" secret:"" help:"Key of OpenAI; with it, agents do their work themselves."`
	OpenAIURL       string   `name:"openai-url" help:"Address of a server that is compatible with OpenAI, such as http://localhost:11434/v1 for Ollama; it may need no key."`
	AnthropicKey    string   `secret:"" help:"Key of Anthropic; with it, agents do their work themselves."`
	AnthropicURL    string   `help:"Address to ask instead of Anthropic."`
	ModelFast       string   `help:"Model for quick work, as provider/model: openai/gpt-5.4-mini or anthropic/claude-haiku-5-5 when empty."`
	ModelStandard   string   `help:"Model for most work: openai/gpt-5.5 or anthropic/claude-sonnet-5-5 when empty."`
	ModelResearch   string   `help:"Model for research and leading: that of standard when empty."`
	ModelPrices     []string `help:"Prices in US dollars for a million tokens, comma-separated model=input/output or model=input/output/cached, such as gpt-5.5=1.25/10."`
	BudgetRunTokens int64    `default:"500000" help:"Tokens that one task may use; -1 for no limit."`
	BudgetDayTokens int64    `default:"5000000" help:"Tokens that a customer may use a day; -1 for no limit."`
	BudgetRunCost   float64  `help:"US dollars that one task may cost; needs prices."`
	BudgetDayCost   float64  `help:"US dollars that a customer may cost a day; needs prices."`
	Embedder        string   `help:"Model that finds past content by its meaning, such as openai/text-embedding-3-small; by its words when empty."`
	ExaKey          string   `secret:"" help:"Key of Exa, with which the researcher searches the web."`
	XToken          string   `name:"x-token" secret:"" help:"Bearer token of X, with which the researcher searches posts."`

	PerplexityKey string `secret:"" help:"Key of Perplexity, whose answers citation tracking looks at."`
	GeminiKey     string `secret:"" help:"Key of Gemini, whose answers citation tracking looks at."`

	Connect           connectSettings `embed:"" prefix:"connect-"`
	ComposioKey       string          `secret:"" help:"Key of Composio, which connects further platforms."`
	ComposioPlatforms []string        `help:"Platforms at Composio, comma-separated name=auth config, such as trello=ac_1234."`

	Engine                    string `default:"embedded" enum:"embedded,inngest" help:"What runs workflows: embedded, in the database, or inngest."`
	Replica                   string `help:"Name of this process among those that share a PostgreSQL database, which it keeps over restarts; made at random when empty."`
	InngestSigningKey         string `secret:"" help:"Signing key of the Inngest environment."`
	InngestSigningKeyFallback string `secret:"" help:"The signing key before or after it, while keys are rotated."`
	InngestEventKey           string `secret:"" help:"Event key of the Inngest environment."`
	InngestURL                string `name:"inngest-url" help:"Address of an Inngest server of your own; Inngest Cloud when empty."`
	InngestDev                bool   `help:"Take requests of Inngest's dev server, which are not signed; on this machine only."`

	StripeKey            string        `secret:"" help:"Secret or restricted key of Stripe; without it nothing can be bought."`
	StripeWebhookSecrets []string      `secret:"" help:"Signing secrets of Stripe's webhook endpoint, comma-separated; any of them may have signed."`
	StripeURL            string        `help:"Address of a fake Stripe; development only."`
	Plans                string        `help:"YAML file of the plans that customers can have."`
	PromotionCodes       bool          `help:"Let buyers enter promotion codes."`
	AutomaticTax         bool          `help:"Have Stripe add taxes."`
	Grace                time.Duration `default:"168h" help:"How long customers whose payment failed are still let in; 0 for not at all."`
	ClaimRequired        bool          `help:"Show the first key only to the browser in which the checkout began."`
	ManageURL            string        `help:"Page with plans and payment, which notices and used-up quotas name."`
	Meters               []string      `help:"Usage to report to Stripe, comma-separated metric=event name of the meter, such as tool_calls=mcp_calls."`
	SMTPURL              string        `name:"smtp-url" secret:"" help:"Mail server for notices to customers: smtp://user:password@host:587, smtps://user:password@host:465 or smtp://localhost:25?tls=none."`
	MailFrom             string        `help:"Who notices are from, such as HeyCMO <hello@example.com>."`
	MailReplyTo          string        `help:"Where answers to notices go."`
}

func (s *settings) production() bool { return s.Env == "production" }

// environment reads the flags that are not on the command line from HEYCMO_
// variables.
func environment(environ []string) kong.Resolver {
	values := map[string]string{}
	for _, v := range environ {
		if name, value, ok := strings.Cut(v, "="); ok && value != "" {
			values[name] = value
		}
	}
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if value, ok := values[variable(flag.Name)]; ok {
			return value, nil
		}
		return nil, nil
	})
}

func variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// warnUnknown names the HEYCMO_ variables that mean nothing, since most are
// spelling mistakes.
func warnUnknown(w io.Writer, model *kong.Application, environ []string) {
	known := map[string]bool{}
	for _, flag := range model.Flags {
		known[variable(flag.Name)] = true
	}
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, prefix) && !strings.HasPrefix(name, prefix+"TEST_") && !known[name] {
			fmt.Fprintf(w, "heycmo-server: warning: there is no setting %s\n", name)
		}
	}
}

// options turns the settings into options of the host. The error names every
// setting that is missing or makes no sense.
func (s *settings) options(log *zap.Logger) (*heycmo.Options, error) {
	var f faults
	o := &heycmo.Options{
		Log:            log,
		PublicURL:      s.PublicURL,
		AllowedOrigins: s.AllowedOrigins,
		HSTS:           s.production(),
		AdminKeys:      s.AdminKeys,
		Marketing:      &marketing.Options{AllowPrivateAddresses: s.FetchAllowPrivate},
		Limits:         heycmo.Limits{REST: s.LimitREST, MCP: s.LimitMCP, Checkout: s.LimitCheckout, Webhook: s.LimitWebhook, Login: s.LimitLogin},
		MCP:            &mcp.Options{InBandThrottle: s.MCPThrottle == "inband", HijackStreams: true},
	}
	if len(o.AllowedOrigins) == 0 {
		o.AllowedOrigins = []string{"https://heycmo.ai", "https://app.heycmo.ai"}
		if !s.production() {
			o.AllowedOrigins = append(o.AllowedOrigins, "http://localhost:3000", "http://localhost:3001")
		}
	}
	for _, text := range s.TrustedProxies {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			f.add("trusted-proxies", "must be networks such as 10.0.0.0/8, not %q", text)
		}
		o.TrustedProxies = append(o.TrustedProxies, network)
	}
	for i, text := range s.SecretKeys {
		key, err := parseSecretKey(text)
		if err != nil {
			f.add("secret-keys", "must be id:base64 of 32 bytes; key %d is not", i+1)
			continue
		}
		o.SecretKeys = append(o.SecretKeys, key)
	}
	for i, key := range s.AdminKeys {
		if len(key) < 32 {
			f.add("admin-keys", "must have 32 characters or more each; key %d has %d", i+1, len(key))
		}
	}
	if s.production() {
		if len(s.SecretKeys) == 0 {
			f.add("secret-keys", `is missing: production needs one, such as "k1:$(openssl rand -base64 32)"`)
		}
		if s.FetchAllowPrivate {
			f.add("fetch-allow-private", "must not be set in production")
		}
		if strings.HasPrefix(s.PublicURL, "http://") {
			f.add("public-url", "must begin with https:// in production")
		}
		for _, origin := range s.AllowedOrigins {
			if strings.Contains(origin, "//localhost") || strings.Contains(origin, "//127.0.0.1") {
				f.add("allowed-origins", "must not hold %s in production", origin)
			}
		}
	}
	s.think(o, &f)
	s.answerEngines(o, &f)
	s.checkEngine(&f)
	s.platforms(o, &f)
	s.sell(o, &f)
	var plans []billing.Plan
	if o.Billing != nil {
		plans = o.Billing.Plans
	}
	if halves := s.halves(plans); s.production() {
		f = append(f, halves...)
	} else {
		for _, half := range halves {
			log.Warn(half.Error())
		}
	}
	return o, errors.Join(f...)
}

// faults are the settings that are missing or make no sense.
type faults []error

func (f *faults) add(flag, format string, args ...any) {
	*f = append(*f, fmt.Errorf("%s %s", variable(flag), fmt.Sprintf(format, args...)))
}

// check adds what somebody else found wrong with a setting.
func (f *faults) check(flag string, err error) {
	if err != nil {
		f.add(flag, "is wrong: %v", err)
	}
}

func parseSecretKey(text string) (heycmo.SecretKey, error) {
	id, encoded, _ := strings.Cut(text, ":")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || id == "" || len(key) != 32 {
		return heycmo.SecretKey{}, errors.New("not id:base64 of 32 bytes")
	}
	return heycmo.SecretKey{ID: id, Key: key}, nil
}

func (s *settings) logger(w io.Writer) *zap.Logger {
	level, _ := zapcore.ParseLevel(s.LogLevel) // one of the flag's enum
	config, encode := zap.NewProductionEncoderConfig(), zapcore.NewJSONEncoder
	if !s.production() {
		config, encode = zap.NewDevelopmentEncoderConfig(), zapcore.NewConsoleEncoder
	}
	config.EncodeTime = zapcore.ISO8601TimeEncoder
	return zap.New(zapcore.NewCore(encode(config), zapcore.Lock(zapcore.AddSync(w)), level))
}

type configCommand struct{}

// Run prints the settings as environment variables.
func (configCommand) Run(c console, s *settings, app *kong.Kong) error {
	for _, flag := range app.Model.Flags {
		if flag.Name == "help" {
			continue
		}
		value := fmt.Sprint(flag.Target.Interface())
		if list, ok := reflect.TypeAssert[[]string](flag.Target); ok {
			value = strings.Join(list, ",")
		}
		if flag.Tag.Has("secret") && value != "" {
			value = "********"
		}
		if flag.Name == "database" {
			value = maskDatabase(value)
		}
		if _, err := fmt.Fprintf(c.out, "%s=%s\n", variable(flag.Name), value); err != nil {
			return err
		}
	}
	_, err := s.options(zap.NewNop())
	return err
}
