package billing

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plan is what a customer can buy. A list of plans goes from the smallest to the
// largest: a customer who has several has the last of them.
type Plan struct {
	// ID is 1 to 64 characters of [a-z0-9_-], the first of them a letter or a digit.
	ID string
	// Name is for people; 1 to 100 characters.
	Name string
	// Price is the provider's ID of the price that is bought with this plan.
	// Empty: it can't be bought, an admin gives it.
	Price string
	// Prices are further prices, such as former ones, whose buyers have this plan.
	Prices []string
	// Quotas is how many units of a metric a customer may use in a [Period]. A
	// metric that is not there, or is negative, has no limit. Metrics are named
	// like plans.
	Quotas map[string]int64
	// Features are names that mean something to the host; 1 to 100 characters each.
	Features []string
	// TrialDays is how long it is free at first, 0 to 730; 0: no trial.
	TrialDays int
}

// Limit returns how many units of metric the plan allows in a period, and false
// when it sets no limit.
func (p Plan) Limit(metric string) (int64, bool) {
	limit, ok := p.Quotas[metric]
	return max(limit, 0), ok && limit >= 0
}

// has reports whether the price belongs to the plan.
func (p Plan) has(price string) bool {
	return price != "" && (price == p.Price || slices.Contains(p.Prices, price))
}

// PlanOf returns the plan to which one of the prices belongs: the last in the list
// when there are several, and false when there is none.
func PlanOf(plans []Plan, priceIDs []string) (Plan, bool) {
	for _, plan := range slices.Backward(plans) {
		if slices.ContainsFunc(priceIDs, plan.has) {
			return plan, true
		}
	}
	return Plan{}, false
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

const nameRule = "1 to 64 characters of [a-z0-9_-] that begin with a letter or a digit"

// ValidatePlans reports everything that is wrong with plans: an error for each
// field, joined by [errors.Join], or nil. No plans are fine.
func ValidatePlans(plans []Plan) error {
	c := planCheck{ids: map[string]int{}, prices: map[string]int{}}
	for i, plan := range plans {
		c.plan(i, plan)
	}
	return errors.Join(c.errs...)
}

type planCheck struct {
	ids, prices map[string]int // to the plan that has it
	errs        []error
}

func (c *planCheck) fail(i int, field, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("billing: plans[%d].%s: %s", i, field, fmt.Sprintf(format, args...)))
}

func (c *planCheck) plan(i int, p Plan) {
	if !nameForm.MatchString(p.ID) {
		c.fail(i, "id", "is %q, must be %s", p.ID, nameRule)
	} else if other, taken := c.ids[p.ID]; taken {
		c.fail(i, "id", "is %q, which plans[%d] is called already", p.ID, other)
	} else {
		c.ids[p.ID] = i
	}
	if !isText(p.Name) {
		c.fail(i, "name", "is %q, must be %s", p.Name, textRule)
	}
	if p.Price != "" {
		c.price(i, "price", p.Price)
	}
	for j, price := range p.Prices {
		c.price(i, fmt.Sprintf("prices[%d]", j), price)
	}
	for _, metric := range slices.Sorted(maps.Keys(p.Quotas)) {
		if !nameForm.MatchString(metric) {
			c.fail(i, "quotas", "has a metric %q, must be %s", metric, nameRule)
		}
	}
	for j, feature := range p.Features {
		field := fmt.Sprintf("features[%d]", j)
		if !isText(feature) {
			c.fail(i, field, "is %q, must be %s", feature, textRule)
		} else if first := slices.Index(p.Features, feature); first < j {
			c.fail(i, field, "is %q, as is features[%d]", feature, first)
		}
	}
	switch {
	case p.TrialDays < 0 || p.TrialDays > 730:
		c.fail(i, "trialDays", "is %d, must be 0 to 730", p.TrialDays)
	case p.TrialDays > 0 && p.Price == "":
		c.fail(i, "trialDays", "is %d, must be 0 for a plan without a price", p.TrialDays)
	}
}

func (c *planCheck) price(i int, field, price string) {
	if !isWord(price) {
		c.fail(i, field, "is %q, must be 1 to 255 visible ASCII characters", price)
	} else if other, taken := c.prices[price]; taken {
		c.fail(i, field, "is %q, which plans[%d] has already", price, other)
	} else {
		c.prices[price] = i
	}
}

const textRule = "1 to 100 characters without control characters or spaces at the ends"

func isText(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 100 &&
		strings.TrimSpace(s) == s && !strings.ContainsFunc(s, invisible)
}

// invisible finds also what changes the direction of the text around it.
func invisible(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

func isWord(s string) bool {
	return s != "" && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
