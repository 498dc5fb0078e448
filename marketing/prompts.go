package marketing

import (
	"context"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// prompts returns the one to start with, and one for each agent: its brief.
func (t *team) prompts() []agent.Prompt {
	prompts := []agent.Prompt{t.startPrompt()}
	for _, a := range t.agents {
		prompts = append(prompts, agent.Prompt{
			Name:        a.ID,
			Title:       a.Title,
			Description: a.Role,
			Arguments:   []agent.Argument{{Name: "task", Description: "what to make; the agent asks when it is left out"}},
			Get: func(ctx context.Context, customer storage.CustomerID, args map[string]string) (agent.Result, error) {
				return t.prompt(ctx, customer, a.ID, args["task"])
			},
		})
	}
	return prompts
}

func (t *team) prompt(ctx context.Context, customer storage.CustomerID, id, task string) (agent.Result, error) {
	if utf8.RuneCountInString(task) > maxTask {
		return agent.Result{}, storage.Invalid("task", "a text of at most %d characters", maxTask)
	}
	if err := checkText("task", task); err != nil {
		return agent.Result{}, err
	}
	b, err := t.brief(ctx, customer, id, task)
	if err != nil {
		return agent.Result{}, err
	}
	return agent.Text(b.markdown()), nil
}
