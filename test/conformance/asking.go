package main

import (
	"context"
	"fmt"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

func askingTools() []*agent.Tool {
	return []*agent.Tool{
		agent.NewTool("test_sampling", "Asks the client's model.", func(ctx context.Context, _ storage.CustomerID, in struct {
			Prompt string `json:"prompt"`
		},
		) (agent.Result, error) {
			answer, err := ask(ctx, agent.Completion{Prompt: in.Prompt, MaxTokens: 100})
			return agent.Text("LLM response: " + answer.Text()), err
		}, nil),
		agent.NewTool("test_elicitation", "Asks the person.", func(ctx context.Context, _ storage.CustomerID, in struct {
			Message string `json:"message"`
		},
		) (agent.Result, error) {
			return fill(ctx, in.Message, `{"type": "object", "properties": {
				"username": {"type": "string", "description": "User's response"}, "email": {"type": "string", "description": "User's email address"}
			}, "required": ["username", "email"]}`)
		}, nil),
		form("test_elicitation_sep1034_defaults", "A form with defaults.", `{"type": "object", "properties": {
			"name": {"type": "string", "default": "John Doe"}, "age": {"type": "integer", "default": 30}, "score": {"type": "number", "default": 95.5},
			"status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"}, "verified": {"type": "boolean", "default": true}
		}}`),
		form("test_elicitation_sep1330_enums", "A form with choices of every sort.", `{"type": "object", "properties": {
			"untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
			"titledSingle": {"type": "string", "oneOf": [
				{"const": "value1", "title": "First Option"}, {"const": "value2", "title": "Second Option"}, {"const": "value3", "title": "Third Option"}]},
			"legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]},
			"untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
			"titledMulti": {"type": "array", "items": {"anyOf": [
				{"const": "value1", "title": "First Choice"}, {"const": "value2", "title": "Second Choice"}, {"const": "value3", "title": "Third Choice"}]}}
		}}`),
		tool("test_missing_capability", "Needs the client's model.", func(ctx context.Context) (agent.Result, error) {
			_, err := ask(ctx, agent.Completion{Prompt: "Say yes."})
			return agent.Text("done"), err
		}),
		tool("test_streaming_elicitation", "Asks the person after a message.", func(ctx context.Context) (agent.Result, error) {
			agent.Progress(ctx, 1, 2, "about to ask")
			return greet(ctx)
		}),

		tool("test_input_required_result_elicitation", "Asks for a name.", greet),
		tool("test_input_required_result_sampling", "Asks the client's model.", func(ctx context.Context) (agent.Result, error) {
			answers, err := agent.Ask(ctx, map[string]agent.Question{
				"capital_question": agent.Completion{Prompt: "What is the capital of France?", MaxTokens: 100},
			})
			return agent.Text(answers["capital_question"].Text()), err
		}),
		tool("test_input_required_result_list_roots", "Asks for the client's folders.", func(ctx context.Context) (agent.Result, error) {
			answers, err := agent.Ask(ctx, map[string]agent.Question{"client_roots": agent.Roots{}})
			return agent.Text("Roots: " + string(answers["client_roots"].Content)), err
		}),
		tool("test_input_required_result_request_state", "Asks for a confirmation.", confirm),
		tool("test_input_required_result_tampered_state", "Asks for a confirmation.", confirm),
		tool("test_input_required_result_multiple_inputs", "Asks for three things at once.", func(ctx context.Context) (agent.Result, error) {
			answers, err := agent.Ask(ctx, map[string]agent.Question{
				"user_name":    nameForm,
				"greeting":     agent.Completion{Prompt: "Generate a greeting", MaxTokens: 50},
				"client_roots": agent.Roots{},
			})
			return agent.Text(answers["greeting"].Text()), err
		}),
		tool("test_input_required_result_multi_round", "Asks twice.", func(ctx context.Context) (agent.Result, error) {
			type name struct {
				Name string `json:"name"`
			}
			type color struct {
				Color string `json:"color"`
			}
			first, err := agent.AskFor[name](ctx, "step1", "Step 1: What is your name?")
			if err != nil {
				return agent.Result{}, err
			}
			second, err := agent.AskFor[color](ctx, "step2", "Step 2: What is your favorite color?")
			return agent.Text(first.Name + " likes " + second.Color), err
		}),
		tool("test_input_required_result_capabilities", "Asks for what the client can answer.", func(ctx context.Context) (agent.Result, error) {
			questions := map[string]agent.Question{}
			for name, q := range map[string]agent.Question{"user_name": nameForm, "greeting": agent.Completion{Prompt: "Generate a greeting"}} {
				if agent.CanAsk(ctx, q) {
					questions[name] = q
				}
			}
			_, err := agent.Ask(ctx, questions)
			return agent.Text("done"), err
		}),
	}
}

var nameForm = agent.Form{
	Message: "What is your name?",
	Schema:  parse(`{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}`),
}

// ask asks one question.
func ask(ctx context.Context, q agent.Question) (agent.Answer, error) {
	answers, err := agent.Ask(ctx, map[string]agent.Question{"question": q})
	return answers["question"], err
}

// form makes a tool that shows a form.
func form(name, description, schema string) *agent.Tool {
	return tool(name, description, func(ctx context.Context) (agent.Result, error) {
		return fill(ctx, "Please fill in the form", schema)
	})
}

func fill(ctx context.Context, message, schema string) (agent.Result, error) {
	answer, err := ask(ctx, agent.Form{Message: message, Schema: parse(schema)})
	action := "decline"
	if answer.Accepted {
		action = "accept"
	}
	return agent.Text(fmt.Sprintf("Elicitation completed: action=%s, content=%s", action, answer.Content)), err
}

func greet(ctx context.Context) (agent.Result, error) {
	answers, err := agent.Ask(ctx, map[string]agent.Question{"user_name": nameForm})
	if err != nil {
		return agent.Result{}, err
	}
	var who struct {
		Name string `json:"name"`
	}
	err = answers["user_name"].Decode(&who)
	return agent.Text("Hello, " + who.Name + "!"), err
}

func confirm(ctx context.Context) (agent.Result, error) {
	_, err := agent.AskFor[struct {
		OK bool `json:"ok"`
	}](ctx, "confirm", "Please confirm")
	return agent.Text("state-ok"), err
}
