package mcp

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/heycmo/heycmo-go/auth"
)

// watcher is a member that hears of resources.
type watcher interface {
	owner() auth.Principal
	// updated tells the client that the resource has changed, if it watches it.
	updated(uri string)
}

func (l *listener) updated(uri string) {
	if l.session.IsSubscribedToResource(uri) {
		_ = l.send(updatedNotification(uri, nil))
	}
}

// subscription is a subscriptions/listen that stays open (MCP 2026-07-28).
type subscription struct {
	*reply
	request *exchange
	// acknowledged is closed once the client knows what it subscribed to, before
	// which it must hear nothing else.
	acknowledged chan struct{}
}

func (s *subscription) updated(uri string) {
	if !s.request.session.IsSubscribedToResource(uri) {
		return
	}
	select {
	case <-s.acknowledged:
		_ = s.notify(updatedNotification(uri, s.request.ID))
	default:
	}
}

func updatedNotification(uri string, subscription json.RawMessage) rpcMessage {
	params := map[string]any{"uri": uri}
	if subscription != nil {
		params["_meta"] = map[string]any{mcpgo.MetaKeySubscriptionID: subscription}
	}
	return notification(mcpgo.MethodNotificationResourceUpdated, params)
}

// subscribe serves subscriptions/listen.
func (h *Handler) subscribe(w http.ResponseWriter, r *http.Request, c caller, x *exchange) error {
	release, err := h.registry.reserve(c.Principal, kindStream)
	if err != nil {
		return err
	}
	defer release()
	var ctx context.Context
	ctx, x.cancel = context.WithCancel(auth.NewContext(r.Context(), c.Principal))
	defer x.cancel()
	s := &subscription{newReply(w, r, c, time.Now(), h.opts), x, make(chan struct{})}
	acks, forwarded := make(chan mcpgo.JSONRPCNotification, 1), make(chan struct{})
	x.session.acks = acks
	go func() {
		defer close(forwarded)
		for ack := range acks {
			_ = s.notify(ack)
			close(s.acknowledged)
		}
	}()
	return h.hold(s, s.reply, x, func() any {
		defer func() { <-forwarded }() // ahead of the answer
		defer close(acks)
		return h.answer(ctx, x)
	})
}
