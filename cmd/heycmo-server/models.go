package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/anthropicmodel"
	"github.com/heycmo/heycmo-go/agent/openaimodel"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/marketing/research/exasearch"
	"github.com/heycmo/heycmo-go/marketing/research/xsearch"
)

// modelTimeout is how long a model may take for one message: local ones are slow, and a
// whole article in one call takes its time everywhere.
const modelTimeout = 4 * time.Minute

// The providers of models.
const (
	openAI    = "openai"
	anthropic = "anthropic"
)

// defaultModels are what a provider does the work of a tier with.
var defaultModels = map[string]map[agent.Tier]string{
	openAI:    {agent.TierFast: "gpt-5.4-mini", agent.TierStandard: "gpt-5.5"},
	anthropic: {agent.TierFast: "claude-haiku-5-5", agent.TierStandard: "claude-sonnet-5-5"},
}

// think sets the options by which agents work themselves and look things up.
func (s *settings) think(o *heycmo.Options, f *faults) {
	o.Models = s.models(o.Log, f)
	o.Budget = agent.Budget{RunTokens: s.BudgetRunTokens, DayTokens: s.BudgetDayTokens, RunCost: s.BudgetRunCost, DayCost: s.BudgetDayCost}
	if s.BudgetRunCost < 0 || s.BudgetDayCost < 0 {
		f.add("budget-run-cost", "and %s must not be negative", variable("budget-day-cost"))
	}
	for tier, c := range o.Models {
		if (s.BudgetRunCost > 0 || s.BudgetDayCost > 0) && c.Price == (agent.Price{}) {
			f.add("model-prices", "lacks %s, the model of tier %s: without its price there is no budget of money", c.Name, tier)
		}
	}
	if s.Embedder != "" {
		provider, model, _ := strings.Cut(s.Embedder, "/")
		if provider != openAI || model == "" {
			f.add("embedder", "must be openai/model, such as openai/text-embedding-3-small")
		} else if embedder, err := openaimodel.NewEmbedder(s.openAIKey(), model, 0, &openaimodel.Options{BaseURL: s.OpenAIURL, Log: o.Log}); err != nil {
			f.check("embedder", err)
		} else {
			o.Marketing.Embedder = embedder
		}
	}
	if s.ExaKey != "" {
		search, err := exasearch.New(s.ExaKey, nil)
		f.check("exa-key", err)
		o.Marketing.Search = search
	}
	if s.XToken != "" {
		search, err := xsearch.New(s.XToken, nil)
		f.check("x-token", err)
		o.Marketing.XSearch = search
	}
}

// openAIKey returns the key, or any word for a server that needs none.
func (s *settings) openAIKey() string {
	if s.OpenAIKey == "" && s.OpenAIURL != "" {
		return "none"
	}
	return s.OpenAIKey
}

// models returns the model of each tier; none when no provider is set up.
func (s *settings) models(log *zap.Logger, f *faults) agent.Models {
	providers := s.providers(log, f)
	names := map[agent.Tier]string{agent.TierFast: s.ModelFast, agent.TierStandard: s.ModelStandard, agent.TierResearch: s.ModelResearch}
	if len(providers) == 0 {
		for _, tier := range tiers {
			if names[tier] != "" {
				f.add("model-"+string(tier), "does nothing without %s, %s or %s", variable("openai-key"), variable("openai-url"), variable("anthropic-key"))
			}
		}
		return nil
	}
	prices := s.prices(f)
	models := agent.Models{}
	for _, tier := range tiers {
		provider, name := s.modelOf(names[tier], tier)
		wrong := names[tier] != "" && (name == "" || providers[provider] == nil)
		switch {
		case wrong:
			f.add("model-"+string(tier), "must be provider/model, such as openai/gpt-5.5, of a provider that is set up; %q is not", names[tier])
		case name == "" && tier == agent.TierResearch, name == "" && tier == agent.TierFast && names[agent.TierStandard] != "":
			continue // the standard one does it
		case name == "":
			f.add("model-"+string(tier), "is missing: %s is set, and its models aren't known; set it to openai/ and a name", variable("openai-url"))
		default:
			models[tier] = agent.Choice{Model: providers[provider], Name: name, Price: prices[name]}
		}
	}
	for name := range prices {
		used := func(c agent.Choice) bool { return c.Name == name }
		if !slices.ContainsFunc(slices.Collect(maps.Values(models)), used) {
			f.add("model-prices", "names %s, which no tier uses", name)
		}
	}
	return models
}

var tiers = []agent.Tier{agent.TierFast, agent.TierStandard, agent.TierResearch}

// modelOf returns the provider and the model for a tier; no model when there is no
// default.
func (s *settings) modelOf(setting string, tier agent.Tier) (provider, name string) {
	if setting != "" {
		provider, name, _ = strings.Cut(setting, "/")
		return provider, name
	}
	switch {
	case s.OpenAIURL != "": // who knows what they have there
		return openAI, ""
	case s.OpenAIKey != "":
		return openAI, defaultModels[openAI][tier]
	}
	return anthropic, defaultModels[anthropic][tier]
}

func (s *settings) providers(log *zap.Logger, f *faults) map[string]agent.Model {
	providers := map[string]agent.Model{}
	if s.openAIKey() != "" {
		m, err := openaimodel.New(s.openAIKey(), &openaimodel.Options{
			BaseURL: s.OpenAIURL, Timeout: modelTimeout, Log: log,
			OldMaxTokens: s.OpenAIURL != "", // compatible servers know the old name
		})
		f.check("openai-key", err)
		providers[openAI] = m
	}
	if s.AnthropicKey != "" {
		m, err := anthropicmodel.New(s.AnthropicKey, &anthropicmodel.Options{
			BaseURL: s.AnthropicURL, Timeout: modelTimeout, Log: log,
			NoThinking: true, // the researcher must call tools, which thinking forbids
		})
		f.check("anthropic-key", err)
		providers[anthropic] = m
	} else if s.AnthropicURL != "" {
		f.add("anthropic-key", "is missing: %s does nothing without it", variable("anthropic-url"))
	}
	return providers
}

func (s *settings) prices(f *faults) map[string]agent.Price {
	prices := map[string]agent.Price{}
	for _, text := range s.ModelPrices {
		name, list, _ := strings.Cut(text, "=")
		price, err := parsePrice(list)
		if _, twice := prices[name]; err != nil || name == "" || twice {
			f.add("model-prices", "must be model=input/output or model=input/output/cached in US dollars for a million tokens, each model once; %q is not", text)
			continue
		}
		prices[name] = price
	}
	return prices
}

func parsePrice(text string) (p agent.Price, err error) {
	parts := strings.Split(text, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return p, errors.New("not two or three prices")
	}
	for i, to := range []*float64{&p.Input, &p.Output, &p.Cached}[:len(parts)] {
		if *to, err = strconv.ParseFloat(parts[i], 64); err != nil || !(*to >= 0 && *to < 1e6) {
			return p, fmt.Errorf("%q is no price", parts[i])
		}
	}
	return p, nil
}
