package marketing

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/heycmo/heycmo-go/storage"
)

// answer is what asking an agent gives: a brief, or the work that the agent did.
type answer struct {
	Agent string `json:"agent" jsonschema:"id of the agent"`
	Title string `json:"title" jsonschema:"its title"`

	// A brief has these.
	Brief      string    `json:"brief,omitempty" jsonschema:"the brief in Markdown: carry it out now"`
	OutputForm string    `json:"outputForm,omitempty" jsonschema:"what the finished work looks like"`
	Tools      []string  `json:"tools,omitempty" jsonschema:"the tools to work with"`
	SaveWith   *saveWith `json:"saveWith,omitempty" jsonschema:"the call that hands in a finished piece; not there when the answer goes to the customer only"`

	// Work has these.
	RunID     storage.RunID  `json:"runId,omitempty" jsonschema:"id of the run, for get_run"`
	Text      string         `json:"text,omitempty" jsonschema:"what the agent hands over"`
	Notes     []string       `json:"notes,omitempty" jsonschema:"what to know about it, such as why it ended early"`
	Team      []contribution `json:"team,omitempty" jsonschema:"who did what, in the order in which it was done"`
	Proposals []proposal     `json:"proposals,omitempty" jsonschema:"calls that were not made since a person must decide on them: show them to the customer, and make those that they approve"`
}

type saveWith struct {
	Tool      string            `json:"tool" jsonschema:"name of the tool"`
	Arguments map[string]string `json:"arguments" jsonschema:"its arguments: values to send as they are, or in angle brackets what to put in"`
}

type contribution struct {
	Agent   string        `json:"agent" jsonschema:"id of the agent"`
	Title   string        `json:"title" jsonschema:"its title"`
	Task    string        `json:"task" jsonschema:"what it was asked for"`
	Outcome string        `json:"outcome" jsonschema:"done, or why it ended early: turns, tokens, budget, time, repeats, filter, failed or stopped"`
	Result  string        `json:"result,omitempty" jsonschema:"what it handed over, or its beginning"`
	RunID   storage.RunID `json:"runId" jsonschema:"id of its run, for get_run"`
}

type proposal struct {
	Tool      string         `json:"tool" jsonschema:"name of the tool"`
	Arguments map[string]any `json:"arguments" jsonschema:"its arguments"`
}

// answer returns the brief as what asking gives.
func (b brief) answer() answer {
	a := answer{
		Agent:      b.agent.ID,
		Title:      b.agent.Title,
		Brief:      b.markdown(),
		OutputForm: b.agent.Output,
		Tools:      append([]string{}, b.agent.Tools...),
	}
	if has(b.agent, "save_content") {
		a.SaveWith = &saveWith{Tool: "save_content", Arguments: map[string]string{
			"agent": b.agent.ID,
			"type":  "<type, as the output form says>",
			"title": "<title>",
			"body":  "<the whole text in Markdown>",
		}}
	}
	return a
}

// ReadableText implements [agent.Readable].
func (a answer) ReadableText() string {
	if a.Brief != "" {
		return a.Brief
	}
	var w strings.Builder
	w.WriteString(a.Text + "\n")
	for _, note := range a.Notes {
		w.WriteString("\n" + note + "\n")
	}
	if len(a.Team) > 0 {
		w.WriteString("\n## Who did what\n\n")
		for _, c := range a.Team {
			fmt.Fprintf(&w, "- %s (%s): %s\n", c.Title, c.Outcome, oneLine(cutRunes(c.Task, 200)))
			if a.Text == "" && c.Result != "" { // nobody has put it together
				w.WriteString(quote(c.Result))
			}
		}
	}
	if len(a.Proposals) > 0 {
		w.WriteString("\n## For a person to decide\n\n")
		for _, p := range a.Proposals {
			args, _ := json.Marshal(p.Arguments) // they came from JSON
			fmt.Fprintf(&w, "- `%s` with `%s`\n", p.Tool, args)
		}
	}
	return strings.TrimSpace(w.String())
}
