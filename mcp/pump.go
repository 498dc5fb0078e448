package mcp

import (
	"context"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// pump brings what mcp-go puts into a session's notification channel to the
// client, in order. mcp-go's own forwarder can drop the last notification before
// an answer, such as the acknowledgement of a subscription that ends at once.
type pump struct {
	in      chan mcpgo.JSONRPCNotification
	flushes chan chan struct{}
	ctx     context.Context
}

func startPump(ctx context.Context, notify func(message any)) *pump {
	p := &pump{
		in:      make(chan mcpgo.JSONRPCNotification, 16),
		flushes: make(chan chan struct{}),
		ctx:     ctx,
	}
	go p.run(notify)
	return p
}

func (p *pump) run(notify func(message any)) {
	for {
		select {
		case n := <-p.in:
			notify(n)
		case done := <-p.flushes:
			for len(p.in) > 0 {
				notify(<-p.in)
			}
			close(done)
		case <-p.ctx.Done():
			return
		}
	}
}

// flush returns when everything that was put in has been sent.
func (p *pump) flush() {
	done := make(chan struct{})
	select {
	case p.flushes <- done:
		<-done
	case <-p.ctx.Done():
	}
}

type pumpKey struct{}

func withPump(ctx context.Context, p *pump) context.Context {
	return context.WithValue(ctx, pumpKey{}, p)
}

func pumpFrom(ctx context.Context) *pump {
	p, _ := ctx.Value(pumpKey{}).(*pump)
	return p
}
