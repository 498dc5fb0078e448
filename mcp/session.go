package mcp

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
)

// maxWatched bounds the resources that one session watches.
const maxWatched = 100

// session is a client's session, and what mcp-go sees of it. Requests of a
// revision without sessions have one of their own each: mcp-go keys
// cancellations by it, and with an empty ID anybody's notifications/cancelled
// would reach the request of the same number of anybody else.
type session struct {
	id string
	// keep is called before the session gets a state that its ID doesn't carry,
	// and returns the one to have it; nil: this one.
	keep func(*session) *session
	// acks takes the one notification that mcp-go itself sends, the
	// acknowledgement of a subscription; nil in sessions that don't subscribe
	// that way.
	acks chan mcpgo.JSONRPCNotification

	mu      sync.Mutex
	caps    capabilities
	level   mcpgo.LoggingLevel
	watched []string
}

var (
	_ mcpserver.SessionWithLogging                  = (*session)(nil)
	_ mcpserver.SessionWithResourceSubscriptionsErr = (*session)(nil)
)

func newSession(id string, caps capabilities) *session {
	return &session{id: id, caps: caps, level: mcpgo.LoggingLevelInfo}
}

// SessionID names the session.
func (s *session) SessionID() string { return s.id }

// Initialize does nothing: a client that reconnects over HTTP+SSE opens a new
// session and doesn't repeat the handshake, so a session is ready from the start.
func (s *session) Initialize() {}

// Initialized is always true.
func (s *session) Initialized() bool { return true }

// NotificationChannel is for acknowledgements alone: everything else goes out in
// order with the answers.
func (s *session) NotificationChannel() chan<- mcpgo.JSONRPCNotification { return s.acks }

// SetLogLevel is called for logging/setLevel.
func (s *session) SetLogLevel(level mcpgo.LoggingLevel) {
	s = s.kept()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.level = level
}

// GetLogLevel returns the least serious level that the client wants.
func (s *session) GetLogLevel() mcpgo.LoggingLevel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.level
}

// SubscribeToResourceErr is called for resources/subscribe and
// subscriptions/listen.
func (s *session) SubscribeToResourceErr(uri string) error {
	s = s.kept()
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.watched, uri) {
		return nil
	}
	if len(s.watched) == maxWatched {
		return fmt.Errorf("a session may watch %d resources at most", maxWatched)
	}
	s.watched = append(s.watched, uri)
	return nil
}

// SubscribeToResource is SubscribeToResourceErr for those who don't ask whether
// it worked.
func (s *session) SubscribeToResource(uri string) { _ = s.SubscribeToResourceErr(uri) }

// UnsubscribeFromResource is called for resources/unsubscribe.
func (s *session) UnsubscribeFromResource(uri string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watched = slices.DeleteFunc(s.watched, func(w string) bool { return w == uri })
}

// SubscribedResources returns what the session watches.
func (s *session) SubscribedResources() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.watched)
}

// IsSubscribedToResource reports whether the session watches the resource.
func (s *session) IsSubscribedToResource(uri string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.watched, uri)
}

func (s *session) setCapabilities(caps capabilities) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caps = caps
}

func (s *session) capabilities() capabilities {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caps
}

func (s *session) kept() *session {
	if s.keep == nil {
		return s
	}
	return s.keep(s)
}

// capabilities are what a client has said that it can be asked.
type capabilities byte

const (
	capForm capabilities = 1 << iota
	capURL
	capSampling
	capRoots
)

func (c capabilities) has(one capabilities) bool { return c&one == one }

// readCapabilities reads the ClientCapabilities of the protocol. What can't be
// read is not there.
func readCapabilities(raw json.RawMessage) (c capabilities) {
	var declared struct {
		Elicitation *struct {
			Form *struct{} `json:"form"`
			URL  *struct{} `json:"url"`
		} `json:"elicitation"`
		Sampling *struct{} `json:"sampling"`
		Roots    *struct{} `json:"roots"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &declared) != nil {
		return 0
	}
	if e := declared.Elicitation; e != nil {
		// An empty object stands for forms, the only mode there once was.
		if e.Form != nil || e.URL == nil {
			c |= capForm
		}
		if e.URL != nil {
			c |= capURL
		}
	}
	if declared.Sampling != nil {
		c |= capSampling
	}
	if declared.Roots != nil {
		c |= capRoots
	}
	return c
}

// declaration returns a capability as the protocol writes it.
func (c capabilities) declaration() map[string]any {
	none := map[string]any{}
	switch c {
	case capURL:
		return map[string]any{"elicitation": map[string]any{"url": none}}
	case capSampling:
		return map[string]any{"sampling": none}
	case capRoots:
		return map[string]any{"roots": none}
	}
	return map[string]any{"elicitation": none}
}
