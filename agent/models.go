package agent

import "errors"

// Models says which model does the work of each tier. A tier that isn't there gets
// the model of TierStandard, or else of the next one there is.
type Models map[Tier]Choice

// Choice is a model of a provider.
type Choice struct {
	Model Model
	// Name is the provider's name of it.
	Name  string
	Price Price
}

// Price is what a model costs, in US dollars for a million tokens. The zero value is
// a model that costs nothing, or whose price isn't known.
type Price struct {
	Input, Output float64
	// Cached is the price of input that the provider remembered; 0: that of Input.
	Cached float64
}

// Cost returns what tokens cost, in millionths of a US dollar.
func (p Price) Cost(t Tokens) int64 {
	cached := p.Cached
	if cached == 0 {
		cached = p.Input
	}
	return int64(float64(t.Input-t.Cached)*p.Input + float64(t.Cached)*cached + float64(t.Output)*p.Output)
}

// For returns the model for a tier; none when there are no models.
func (m Models) For(t Tier) (Choice, bool) {
	for _, tier := range []Tier{t, TierStandard, TierResearch, TierFast} {
		if c, ok := m[tier]; ok {
			return c, true
		}
	}
	return Choice{}, false
}

// Validate reports a tier that doesn't exist, and a choice without a model or with a
// price below 0.
func (m Models) Validate() error {
	for tier, c := range m {
		switch {
		case tier != TierFast && tier != TierStandard && tier != TierResearch:
			return errors.New("models: the tiers are fast, standard and research")
		case c.Model == nil || c.Name == "":
			return errors.New("models: the model and its name must not be empty for tier " + string(tier))
		case c.Price.Input < 0 || c.Price.Output < 0 || c.Price.Cached < 0:
			return errors.New("models: the price must not be negative for tier " + string(tier))
		}
	}
	return nil
}

// Budget bounds what agents may use for a customer. 0 is the default, a negative
// number is no limit.
type Budget struct {
	// RunTokens bounds a run with all that it asks others for; default 500,000.
	RunTokens int64
	// DayTokens bounds a day (UTC); default 5,000,000.
	DayTokens int64
	// RunCost and DayCost are in US dollars, for models with a Price; default none.
	RunCost, DayCost float64
}
