package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"

	"github.com/heycmo/heycmo-go/storage"
)

// What follows is for engines, so that a workflow means the same in all of them.

var (
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
	idPattern   = regexp.MustCompile(`^[^\p{Cc}]{1,200}$`)
)

// CheckDefinitions reports everything that is wrong with definitions, for engines.
func CheckDefinitions(definitions []Definition) error {
	var errs []error
	seen := map[string]bool{}
	for _, d := range definitions {
		switch {
		case !namePattern.MatchString(d.Name):
			errs = append(errs, fmt.Errorf("workflow %q: the name must be 1 to 64 lower-case letters, digits and \"-\", and begin with a letter", d.Name))
		case seen[d.Name]:
			errs = append(errs, fmt.Errorf("workflow %q is there twice", d.Name))
		case d.Run == nil:
			errs = append(errs, fmt.Errorf("workflow %q: Run is nil", d.Name))
		}
		seen[d.Name] = true
	}
	return errors.Join(errs...)
}

// Check reports what is wrong with a run that is to begin, for engines.
func (r Run) Check() error {
	if !idPattern.MatchString(r.ID) {
		return storage.Invalid("id", "1 to 200 characters without control characters")
	}
	if r.Input != nil && !json.Valid(r.Input) {
		return storage.Invalid("input", "JSON")
	}
	return nil
}

// Names are what a run has done, by name.
type Names map[string]bool

// Take takes the name of something that a run does, or returns a [Permanent] error when
// it is empty or taken.
func (n Names) Take(name string) error {
	if name == "" || n[name] {
		return Permanent(fmt.Errorf("workflow: the name %q must be there, and unique in a run", name))
	}
	n[name] = true
	return nil
}

// Attempt carries a step out once: within o.Timeout, and with a panic as an error.
func (o StepOptions) Attempt(ctx context.Context, fn func(context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, o.WithDefaults().Timeout)
	defer cancel()
	return Guarded(func() (json.RawMessage, error) { return fn(ctx) })
}

// Guarded calls fn and makes a panic an error.
func Guarded(fn func() (json.RawMessage, error)) (result json.RawMessage, err error) {
	defer func() {
		if v := recover(); v != nil {
			result, err = nil, fmt.Errorf("workflow: panic: %v\n%s", v, debug.Stack())
		}
	}()
	return fn()
}
