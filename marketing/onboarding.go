package marketing

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

const onboardingID = "onboarding"

type onboardingIn struct {
	BrandName string   `json:"brandName" jsonschema:"name of the brand"`
	Website   string   `json:"website" jsonschema:"its address, with https:// or http://"`
	Industry  string   `json:"industry,omitempty" jsonschema:"the market it is in"`
	Audience  string   `json:"audience,omitempty" jsonschema:"who buys it, and what they want to get done"`
	Goals     []string `json:"goals,omitempty" jsonschema:"what marketing must reach"`
	Voice     string   `json:"voice,omitempty" jsonschema:"how it sounds"`
}

type onboardingOut struct {
	Brand []string `json:"brand" jsonschema:"the fields of the brand that were stored"`
	Plan  string   `json:"plan" jsonschema:"id of the first content plan, for get_content"`
	State string   `json:"state" jsonschema:"what the plan is: draft or approved"`
}

func (t *team) onboardingWorkflow() *agent.Workflow {
	return agent.NewWorkflow(onboardingID,
		"Gets to know a new customer: reads and scans the website, drafts what is true about the brand and a first content plan, and stores what the customer approves.",
		t.onboard,
		&agent.WorkflowOptions{Title: "Onboarding", Onboarding: true, Input: func(s *jsonschema.Schema) {
			boundText(s, "brandName", 1, 200)
			boundText(s, "website", 1, 2048)
			boundText(s, "industry", 1, 200)
			boundText(s, "audience", 1, 2000)
			boundText(s, "voice", 1, 2000)
			boundList(s, "goals", 10, 300)
			s.Properties["website"].Pattern = "^https?://[^/@]+"
		}})
}

// siteRead is what the website says of itself.
type siteRead struct {
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Language    string   `json:"language,omitempty"`
	Headings    []string `json:"headings,omitempty"`
	Text        string   `json:"text,omitempty"`
	Problem     string   `json:"problem,omitempty"`
}

// siteScanned is what the scan found.
type siteScanned struct {
	SEO     int      `json:"seoScore,omitempty"`
	GEO     int      `json:"geoScore,omitempty"`
	Grade   string   `json:"citabilityGrade,omitempty"`
	Urgent  []string `json:"urgent,omitempty"`
	Problem string   `json:"problem,omitempty"`
}

// brandDraft is what an agent takes the brand for.
type brandDraft struct {
	Industry    string   `json:"industry,omitempty" jsonschema:"the market it is in"`
	Offer       string   `json:"offer" jsonschema:"what it sells, at what price, and why people buy it"`
	Audience    string   `json:"audience" jsonschema:"who buys it, and what they want to get done"`
	Voice       string   `json:"voice" jsonschema:"how it sounds: language, three traits, and two phrases of theirs that show it"`
	Competitors []string `json:"competitors,omitempty" jsonschema:"whom buyers compare it with, as far as the site or the customer says; no guesses"`
	Keywords    []string `json:"keywords,omitempty" jsonschema:"what its buyers search for"`
	Facts       []string `json:"facts,omitempty" jsonschema:"what the site says word for word and may be quoted: numbers, dates, prices, customers that are named"`
}

type planDraft struct {
	Title string `json:"title" jsonschema:"its title in one line"`
	Body  string `json:"body" jsonschema:"the plan in Markdown, one page at most: the goal with its number, at most three moves and six pieces, each with agent, reader, message, channel and date"`
}

func (t *team) onboard(c workflow.Context, in onboardingIn) (onboardingOut, error) {
	out := onboardingOut{Brand: []string{}}
	_, err := step(c, "store what was told", func(ctx context.Context) (bool, error) {
		return true, t.storeTold(ctx, c.Customer(), in)
	})
	if err != nil {
		return out, err
	}
	site, err := step(c, "read the website", func(ctx context.Context) (siteRead, error) { return t.readSite(ctx, in.Website) })
	if err != nil {
		return out, err
	}
	scanned, err := step(c, "scan the website", func(ctx context.Context) (siteScanned, error) { return t.scanSite(ctx, in.Website) })
	if err != nil {
		return out, err
	}
	if out.Brand, err = t.agreeOnBrand(c, in, site); err != nil {
		return out, err
	}
	out.Plan, out.State, err = t.agreeOnPlan(c, in, scanned)
	return out, err
}

// storeTold stores what the customer said themselves.
func (t *team) storeTold(ctx context.Context, customer storage.CustomerID, in onboardingIn) error {
	u := brandUpdate{BrandName: &in.BrandName, Website: &in.Website, Goals: in.Goals}
	for _, f := range []struct {
		to   **string
		text string
	}{{&u.Industry, in.Industry}, {&u.Audience, in.Audience}, {&u.Voice, in.Voice}} {
		if f.text != "" {
			*f.to = &f.text
		}
	}
	_, err := t.updateBrand(ctx, customer, u)
	return final(err)
}

// final marks what a caller may see as an error that trying again doesn't help against.
func final(err error) error {
	if _, ok := agent.CallerText(err); ok {
		return workflow.Permanent(err)
	}
	return err
}

// readSite reads the website. That it can't be read is something to know, not a failure.
func (t *team) readSite(ctx context.Context, url string) (siteRead, error) {
	p, err := readPage(ctx, t.fetch, readPageIn{URL: url, MaxChars: 6000})
	if text, ok := agent.CallerText(err); ok {
		return siteRead{Problem: text}, nil
	}
	if err != nil {
		return siteRead{}, err
	}
	site := siteRead{Title: p.Title, Description: p.Description, Language: p.Language, Text: p.Text, Problem: p.Note}
	for _, h := range p.Headings {
		site.Headings = append(site.Headings, h.Text)
	}
	return site, nil
}

// scanSite scans the website, as readSite reads it.
func (t *team) scanSite(ctx context.Context, url string) (siteScanned, error) {
	r, err := scanPage(ctx, guardedPages{t.fetch}, url)
	if text, ok := agent.CallerText(err); ok {
		return siteScanned{Problem: text}, nil
	}
	if err != nil {
		return siteScanned{}, err
	}
	s := siteScanned{SEO: r.SEOScore, GEO: r.GEOScore, Grade: r.Grade}
	for _, item := range r.Checks.Urgent[:min(len(r.Checks.Urgent), 5)] {
		s.Urgent = append(s.Urgent, item.Title+": "+item.Fix)
	}
	return s, nil
}

// errRejected ends a run whose customer doesn't want what it is for.
func errRejected(what string, a workflow.Answer) error {
	if a.Decision == workflow.DecisionExpired {
		return agent.Errorf("nobody decided on %s in time, so nothing of it was stored; start again when you like", what)
	}
	return agent.Errorf("%s was rejected, so nothing of it was stored; start again when you like", what)
}

// agreeOnBrand drafts what is true about the brand until the customer agrees, and
// stores that. What they told themselves stays as it is.
func (t *team) agreeOnBrand(c workflow.Context, in onboardingIn, site siteRead) ([]string, error) {
	wanted := ""
	for round := range maxRounds {
		about, err := given(map[string]any{"website": in.Website, "says": site, "toChange": wanted})
		if err != nil {
			return nil, err
		}
		draft, err := assign[brandDraft](c, t, chore{
			name: again("draft the brand", round), title: "Draft what is true about the brand", agent: "brand-strategist",
			task:  "Draft what is true about the brand, for the customer to correct: from the website below and what is known. Leave a field empty rather than guess. Where toChange isn't empty, it is what the customer wants otherwise than in your last draft.",
			given: about,
		})
		if err != nil {
			return nil, err
		}
		a, err := workflow.Ask(c, workflow.Question{Name: again("agree on the brand", round), Title: "Is this true about your brand?", Text: draft.text(in)})
		if err != nil {
			return nil, err
		}
		switch a.Decision {
		case workflow.DecisionApprove:
			return step(c, "store the brand", func(ctx context.Context) ([]string, error) {
				updated, err := t.updateBrand(ctx, c.Customer(), draft.update(in))
				return append([]string{}, updated.Changed...), final(err)
			})
		case workflow.DecisionRevise:
			wanted = a.Note
		default:
			return nil, errRejected("the draft of the brand", a)
		}
	}
	return nil, agent.Errorf("the brand was drafted %d times and is still not right; tell it in your own words with update_brand", maxRounds)
}

// text shows the draft to the customer, with what they told themselves.
func (d brandDraft) text(in onboardingIn) string {
	return asLines(
		[2]string{"Name", in.BrandName}, [2]string{"Website", in.Website},
		[2]string{"Industry", orElse(in.Industry, d.Industry)}, [2]string{"Offer", d.Offer},
		[2]string{"Audience", orElse(in.Audience, d.Audience)}, [2]string{"Voice", orElse(in.Voice, d.Voice)},
		[2]string{"Goals", sentences(in.Goals)}, [2]string{"Competitors", sentences(d.Competitors)},
		[2]string{"Keywords", strings.Join(d.Keywords, ", ")}, [2]string{"Facts to quote", sentences(d.Facts)},
	)
}

// update is what of the draft is stored: what the customer did not tell themselves.
func (d brandDraft) update(in onboardingIn) brandUpdate {
	u := brandUpdate{Offer: shortened(d.Offer, 2000), Competitors: lines(d.Competitors, 20, 200), Keywords: lines(d.Keywords, 50, 100), Facts: lines(d.Facts, 50, 500)}
	if in.Industry == "" && d.Industry != "" {
		u.Industry = shortened(oneLine(d.Industry), 200)
	}
	if in.Audience == "" {
		u.Audience = shortened(d.Audience, 2000)
	}
	if in.Voice == "" {
		u.Voice = shortened(d.Voice, 2000)
	}
	return u
}

func shortened(text string, size int) *string {
	text = cutRunes(clean(text), size)
	return &text
}

// lines makes items of a model fit for a list.
func lines(items []string, n, size int) []string {
	list := []string{}
	for _, item := range items {
		if item = cutRunes(oneLine(item), size); item != "" && len(list) < n {
			list = append(list, item)
		}
	}
	return list
}

// agreeOnPlan drafts a first plan until the customer agrees. One that they don't want
// stays a draft or is rejected, and the onboarding is over all the same.
func (t *team) agreeOnPlan(c workflow.Context, in onboardingIn, scanned siteScanned) (id, state string, err error) {
	about, err := given(map[string]any{"website": in.Website, "scan": scanned, "goals": in.Goals})
	if err != nil {
		return "", "", err
	}
	return t.agreeOnPiece(c, piecework{
		step: "the plan", agent: cmoID, kind: "plan",
		write: func(round int, before string, wanted string) (work, error) {
			p, err := assign[planDraft](c, t, chore{
				name: again("draft the plan", round), title: "Draft a first content plan", agent: cmoID,
				task:  "Draft the first content plan for four weeks: the goal with its number, at most three moves and six pieces, each with agent, reader, message, channel and date, and the repairs of the website that bring most." + revising(before, wanted),
				given: about + revisingData(before, wanted),
			})
			return work{Agent: t.present(cmoID), Type: "plan", Title: p.Title, Body: p.Body}, err
		},
		question: fmt.Sprintf("Is this the plan for %s?", oneLine(in.BrandName)),
	})
}

// isDone reports whether an error says that the step's work is there already.
func isDone(err error) bool { return errors.Is(err, storage.ErrExists) }
