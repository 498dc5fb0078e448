package marketing

import (
	"context"
	"strings"

	"github.com/heycmo/heycmo-go/agent"
)

// mayOpen refuses addresses that an agent at work made up. A page can tell it to open
// an address with the customer's facts in it, which would hand them over to whoever
// reads the log of that site; so an agent opens only what it was given word for word.
func mayOpen(ctx context.Context, url string) error {
	w, ok := agent.WorkingFrom(ctx)
	if !ok {
		return nil
	}
	address := strings.TrimSuffix(url, "/")
	for _, scheme := range []string{"https://", "http://"} { // people leave it out
		address = strings.TrimPrefix(address, scheme)
	}
	if strings.Contains(address, ".") && w.Given(address) {
		return nil
	}
	return agent.Errorf("you may only open addresses that stand word for word in the task, in the brand or on pages that were opened, and this one doesn't; open the site's front page for its links")
}
