package marketing

import (
	"context"
	"slices"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/workflow"
)

type productionIn struct {
	Task     string `json:"task" jsonschema:"what to make, in full: for whom, for which aim, with which facts, and what is not wanted"`
	Agent    string `json:"agent,omitempty" jsonschema:"id of the agent who writes it; chosen by the CMO when left out"`
	Research string `json:"research,omitempty" jsonschema:"always, never, or when it helps, which is the default"`
}

type productionOut struct {
	ContentID string `json:"contentId" jsonschema:"id of the piece, for get_content"`
	State     string `json:"state" jsonschema:"approved: it is ready to publish. rejected. draft: nobody decided in time. revision_requested: it was sent back too often"`
	Footer    string `json:"footer,omitempty" jsonschema:"of an approved piece: what to publish with it, in Markdown, on who made and approved it"`
}

// contentPlan is how a piece is to be made.
type contentPlan struct {
	Agent    string   `json:"agent" jsonschema:"id of the agent who writes it"`
	Type     string   `json:"type" jsonschema:"what it is, in lower-case letters, digits, _ or -, such as article or social_post"`
	Channel  string   `json:"channel,omitempty" jsonschema:"where it is meant to appear, such as blog or linkedin"`
	Angle    string   `json:"angle" jsonschema:"the one thing that the reader takes away"`
	Outline  []string `json:"outline" jsonschema:"its parts in order"`
	Keywords []string `json:"keywords,omitempty" jsonschema:"what it should be found for, the most important first, at most 10"`
	Research string   `json:"research,omitempty" jsonschema:"what must be looked up first, as one question; left out when nothing must"`
}

type researched struct {
	Findings []string `json:"findings" jsonschema:"statements that can be checked, each with its figure or quotation and the address where it stands"`
	Missing  []string `json:"missing,omitempty" jsonschema:"what was looked for and not found"`
}

// written is a version of a piece as its writer hands it in.
type written struct {
	Title string            `json:"title" jsonschema:"its title"`
	Body  string            `json:"body" jsonschema:"the whole text, in Markdown"`
	Meta  map[string]string `json:"meta,omitempty" jsonschema:"what belongs to it and is not in the text, such as description, slug, subject or preheader"`
}

func (t *team) productionWorkflow() *agent.Workflow {
	return agent.NewWorkflow("content-production",
		"Makes one piece of content: plans it, looks up what must be known, writes it, has it evaluated and improved, asks the customer, and hands it over ready to publish with a footer on who made it.",
		t.produce,
		&agent.WorkflowOptions{Title: "Content production", Input: func(s *jsonschema.Schema) {
			boundText(s, "task", 1, maxTask)
			oneOf(s, "agent", t.ids()...)
			oneOf(s, "research", "always", "never", "when it helps")
		}})
}

func (t *team) produce(c workflow.Context, in productionIn) (productionOut, error) {
	wish, err := given(map[string]any{"task": in.Task})
	if err != nil {
		return productionOut{}, err
	}
	plan, err := assign[contentPlan](c, t, chore{
		name: "plan", title: "Plan the piece", agent: cmoID, given: wish,
		task: "Plan the piece of content that the customer wants, as task below says: who of the team writes it, what it is and where it appears, its one message and its parts. Ask for research only where the piece can't be honest without it.",
	})
	if err != nil {
		return productionOut{}, err
	}
	plan = t.sane(plan, in)
	findings, err := t.lookUp(c, in, plan)
	if err != nil {
		return productionOut{}, err
	}
	about, err := given(map[string]any{"task": in.Task, "plan": plan, "research": findings})
	if err != nil {
		return productionOut{}, err
	}
	id, state, err := t.agreeOnPiece(c, piecework{
		step: "the piece", agent: plan.Agent, kind: plan.Type, question: "Publish this piece?", improve: maxImproved,
		write: func(round int, before, wanted string) (work, error) {
			w, err := assign[written](c, t, chore{
				name: again("write", round), title: "Write the piece", agent: plan.Agent,
				task:  "Write the piece as plan below says, for what the customer wants in task. Use facts of the brand and of research alone, and name their sources." + revising(before, wanted),
				given: about + revisingData(before, wanted),
			})
			return work{Agent: plan.Agent, Type: plan.Type, Channel: plan.Channel, Title: w.Title, Body: w.Body, Meta: tidyMeta(w.Meta), Keywords: plan.Keywords}, err
		},
	})
	if err != nil {
		return productionOut{}, err
	}
	out := productionOut{ContentID: id, State: state}
	if state == stateApproved {
		out.Footer, err = t.footerStep(c, id)
	}
	return out, err
}

// maxImproved is how often a version below the bar goes back to its writer.
const maxImproved = 2

// sane makes what a model planned fit for the piece.
func (t *team) sane(p contentPlan, in productionIn) contentPlan {
	if in.Agent != "" {
		p.Agent = in.Agent
	}
	if !slices.Contains(t.ids(), p.Agent) {
		p.Agent = t.present("seo-writer")
	}
	if len(p.Type) > maxType || !typePattern.MatchString(p.Type) {
		p.Type = "article"
	}
	p.Channel = cutRunes(oneLine(p.Channel), maxChannel)
	p.Keywords = lines(p.Keywords, maxKeywords, maxKeyword)
	return p
}

// lookUp has looked up what the plan needs; nil when it needs nothing.
func (t *team) lookUp(c workflow.Context, in productionIn, plan contentPlan) (*researched, error) {
	question := plan.Research
	if in.Research == "always" && question == "" {
		question = plan.Angle
	}
	if in.Research == "never" || question == "" {
		return nil, nil
	}
	if workflow.HasModels(c) && t.search != nil {
		return t.searchFor(c, question)
	}
	about, err := given(map[string]any{"question": question, "task": in.Task})
	if err != nil {
		return nil, err
	}
	found, err := assign[researched](c, t, chore{
		name: "research", title: "Look up what the piece must know", agent: "researcher", given: about,
		task: "Answer question below for the piece that task wants, with sources that can be named. Hand in only what you read there.",
	})
	return &found, err
}

// searchFor has the researcher search by its protocol, and takes the dossier.
func (t *team) searchFor(c workflow.Context, question string) (*researched, error) {
	text, err := workflow.Step(c, "research", func(ctx context.Context) (string, error) {
		w, ok := agent.WorkerFrom(ctx)
		if !ok {
			return "", workflow.Permanent(agent.Errorf("this service has no model any more"))
		}
		b, err := t.brief(ctx, c.Customer(), t.present("researcher"), question)
		if err != nil {
			return "", err
		}
		a, err := t.work(ctx, w, c.Customer(), b)
		return cut(clean(a.Text), maxGiven/2), err
	}, &workflow.StepOptions{Attempts: 2, Backoff: time.Minute, Timeout: 15 * time.Minute})
	return &researched{Findings: []string{text}}, err
}

// tidyMeta makes meta of a model fit for a piece.
func tidyMeta(meta map[string]string) map[string]string {
	tidy := map[string]string{}
	for name, value := range meta {
		if name = cutRunes(oneLine(name), maxMetaName); name != "" && value != "" && len(tidy) < maxMeta {
			tidy[name] = cutRunes(clean(value), maxMetaValue)
		}
	}
	return tidy
}
