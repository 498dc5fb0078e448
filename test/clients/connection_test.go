package clients

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
)

// transport is how the messages of a connection travel.
type transport string

const (
	sse    transport = "sse"    // HTTP+SSE
	stream transport = "stream" // Streamable HTTP with a session, which keeps a stream open
	modern transport = "modern" // Streamable HTTP of 2026-07-28, requests alone
)

// connection is one way in which one client connects.
type connection struct {
	client, name string
	transport    transport
	open         opener

	// each call is a process of its own, which connects anew
	shortLived bool
	// makes several requests for each call, and takes a second for it
	busy bool
	// doesn't show progress and log messages to its caller
	mute bool
	// can't cancel
	patient bool
	// doesn't tell the server that a call is cancelled
	cancelsAlone bool
	// a session that lost its stream stays dead
	mortal bool
}

// streams is how many it keeps open by GET.
func (c connection) streams() int {
	switch {
	case c.transport == modern || c.shortLived:
		return 0
	case c.client == "remote" && c.transport == stream: // connects twice, and keeps both
		return 2
	}
	return 1
}

// test is its name in tests.
func (c connection) test() string { return strings.ReplaceAll(c.client+" "+c.name, " ", "_") }

// all are the connections of every client.
func all() []connection {
	node := func(client, name string, transport transport) connection {
		return connection{client: client, name: name, transport: transport, open: driven(client, name)}
	}
	mcpdo := func(name string, transport transport) connection {
		c := node("mcpdo", name, transport)
		c.mute, c.busy, c.patient = true, true, true
		return c
	}
	inspector := func(name string, transport transport) connection {
		c := node("inspector", name, transport)
		c.mute, c.busy, c.shortLived = true, true, true
		return c
	}
	remoteAuto := node("remote", "http auto", modern)
	remoteAuto.cancelsAlone = true
	return []connection{
		node("sdk1", "sse", sse),
		node("sdk1", "http", stream),
		node("sdk2", "sse legacy", sse),
		node("sdk2", "sse auto", sse),
		node("sdk2", "http legacy", stream),
		node("sdk2", "http auto", modern),
		node("sdk2", "http 2026-07-28", modern),
		node("remote", "sse", sse),
		node("remote", "http", stream),
		remoteAuto,
		mcpdo("sse", sse),
		mcpdo("http legacy", stream),
		mcpdo("http modern", modern),
		inspector("sse", sse),
		inspector("http legacy", stream),
		inspector("http modern", modern),
		{client: "go", name: "sse", transport: sse, open: goSSE, mortal: true},
		{client: "go", name: "http 2025-11-25", transport: stream, open: goHTTP("2025-11-25")},
		{client: "go", name: "http 2026-07-28", transport: modern, open: goHTTP("2026-07-28")},
	}
}

// each runs a test for every connection, unless unfit tells why it can't.
func each(t *testing.T, unfit func(connection) string, test func(*testing.T, connection)) {
	for _, c := range all() {
		t.Run(c.test(), func(t *testing.T) {
			c.skip(t, unfit)
			t.Parallel()
			test(t, c)
		})
	}
}

// together runs a test for all connections at once. Each test calls meet when it
// is ready. When all are, between is called, and then they go on.
func together(t *testing.T, unfit func(connection) string, between func(), test func(t *testing.T, c connection, meet func())) {
	met := make(chan struct{})
	var ready, ended sync.WaitGroup
	for _, c := range all() {
		ready.Add(1)
		isReady := sync.OnceFunc(ready.Done)
		ended.Go(func() {
			defer isReady()
			t.Run(c.test(), func(t *testing.T) {
				defer isReady()
				c.skip(t, unfit)
				test(t, c, func() {
					isReady()
					<-met
				})
			})
		})
	}
	ready.Wait()
	between()
	close(met)
	ended.Wait()
}

// idleVariable is the environment variable that says how long clients stay
// silent, and that there is time for slow ones.
const idleVariable = "HEYCMO_TEST_IDLE"

// skip leaves a connection out that doesn't fit, and a client that needs a
// second or more for each call, unless there is time.
func (c connection) skip(t *testing.T, unfit func(connection) string) {
	t.Helper()
	if reason := unfit(c); reason != "" {
		t.Skip(reason)
	}
	if c.busy && os.Getenv(idleVariable) == "" {
		t.Skipf("this client is slow: make clients runs it, or %s=6m", idleVariable)
	}
}

// fit is any connection.
func fit(connection) string { return "" }

// mute says why a connection's caller hears neither progress nor log messages.
func mute(c connection) string {
	if c.mute {
		return "this client shows results alone"
	}
	return ""
}

// connect opens a session, which is closed with the test.
func (c connection) connect(t *testing.T, to target, on events) session {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := c.open(ctx, t, to, on)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := s.close(ctx); err != nil && !c.mortal {
			t.Errorf("close: %v", err)
		}
	})
	return s
}
