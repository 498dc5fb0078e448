package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/auth"
)

// attack is a way to misbehave. It returns how it ended: a status, or what
// happened to the connection.
type attack struct {
	name      string
	perSecond float64
	do        func(ctx context.Context, g *gang, w *wire, turn int) string
}

func attacks() []attack {
	return []attack{
		{"unknown keys", 30, wrongKey(func() string { return auth.NewAPIKey().Reveal() })},
		{"keys of the wrong form", 30, wrongKey(func() string { return "Bearer-" + rand.Text() })},
		{"sessions of others", 15, foreignSession},
		{"made-up sessions", 15, forgedSession},
		{"streams that nobody reads", 0.33, slowReader},
		{"headers that don't end", 10, halfHeader},
		{"bodies that don't end", 5, halfBody},
		{"bodies of 4 MiB, in chunks", 2, hugeBody},
		{"bodies said to have 1 GiB", 5, boastfulBody},
		{"connections without a word", 50, silence},
	}
}

// How attacks end that get no answer.
const (
	cutOff  = "cut off"
	stopped = "under way at the end"
	endless = "held for over 45 s"
)

// patience is how long the server may wait for the rest of a request.
const patience = 45 * time.Second

// wrongKey asks with a key that isn't one, on all faces.
func wrongKey(key func() string) func(context.Context, *gang, *wire, int) string {
	return func(_ context.Context, _ *gang, w *wire, turn int) string {
		header := [][2]string{{"Authorization", "Bearer " + key()}, acceptBoth}
		switch turn % 3 {
		case 0:
			return status(w, httpRequest("GET", "/mcp/sse", header, ""))
		case 1:
			return status(w, httpRequest("GET", "/api/customer/0193a000-0000-7000-8000-000000000000", header, ""))
		}
		return status(w, httpRequest("POST", "/mcp", header, initialize(legacyVersion)))
	}
}

// foreignSession uses an open session of a good customer with the abuser's key.
func foreignSession(_ context.Context, g *gang, w *wire, turn int) string {
	return status(w, httpRequest("POST", g.victims[turn%len(g.victims)].target, g.abuser(turn).bearer(), callTool("bulk")))
}

func forgedSession(_ context.Context, g *gang, w *wire, turn int) string {
	header := g.abuser(turn).bearer()
	if turn%2 == 0 {
		return status(w, httpRequest("POST", "/mcp/message?sessionId="+rand.Text(), header, callTool("bulk")))
	}
	header = append(header, acceptBoth, [2]string{"Mcp-Session-Id", strings.Repeat("A", 43)}, [2]string{"Mcp-Protocol-Version", legacyVersion})
	return status(w, httpRequest("POST", "/mcp", header, callTool("bulk")))
}

// slowReader opens a stream and calls for 6 MiB, more than the kernel takes for
// it, and reads nothing of it.
func slowReader(ctx context.Context, g *gang, w *wire, turn int) string {
	if tcp, ok := w.Conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10)
	}
	c := g.abuser(turn)
	events, err := w.open(httpRequest("GET", "/mcp/sse", c.bearer(), ""))
	if err != nil {
		return outcome(err)
	}
	target, err := nextData(events)
	if err != nil {
		return outcome(err)
	}
	posts, err := dialFrom(g.source(turn), g.server.Address)
	if err != nil {
		return outcome(err)
	}
	defer posts.Close()
	defer context.AfterFunc(ctx, func() { _ = posts.Close() })()
	call := httpRequest("POST", string(target), c.bearer(), callTool("bulk"))
	for range 24 {
		if answer := status(posts, call); answer != "202" {
			return answer
		}
	}
	// Longer than the server waits for a stream to take something.
	select {
	case <-ctx.Done():
		return stopped
	case <-time.After(12 * time.Second):
	}
	if status(posts, call) == "202" {
		return "open after 12 s"
	}
	return cutOff
}

func halfHeader(_ context.Context, _ *gang, w *wire, _ int) string {
	if _, err := w.Write([]byte("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")); err != nil {
		return outcome(err)
	}
	return waitFor(w)
}

// halfBody promises more of a body than it sends, with a good key.
func halfBody(_ context.Context, g *gang, w *wire, turn int) string {
	c := g.abuser(turn)
	path := []string{"/mcp", "/mcp/message?sessionId=none", "/api/keys/" + c.ID}[turn%3]
	whole := httpRequest("POST", path, append(c.bearer(), acceptBoth), initialize(legacyVersion))
	if _, err := w.Write(whole[:len(whole)-20]); err != nil {
		return outcome(err)
	}
	return waitFor(w)
}

// waitFor waits for the server to lose its patience.
func waitFor(w *wire) string {
	_ = w.SetReadDeadline(time.Now().Add(patience))
	return answerTo(w)
}

func hugeBody(_ context.Context, g *gang, w *wire, turn int) string {
	head := fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", g.abuser(turn).Key)
	chunk := "10000\r\n" + strings.Repeat(" ", 1<<16) + "\r\n"
	if _, err := io.WriteString(w, head); err != nil {
		return outcome(err)
	}
	for range 64 {
		if _, err := io.WriteString(w, chunk); err != nil {
			break // the answer may be there
		}
	}
	_, _ = io.WriteString(w, "0\r\n\r\n")
	return answerTo(w)
}

func boastfulBody(_ context.Context, g *gang, w *wire, turn int) string {
	head := fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", g.abuser(turn).Key, 1<<30)
	if _, err := io.WriteString(w, head+strings.Repeat(" ", 2<<20)); err != nil {
		// The answer may be there.
		return answerTo(w)
	}
	return answerTo(w)
}

func silence(context.Context, *gang, *wire, int) string { return "closed by the abuser" }

// status sends the request and returns the answer's status.
func status(w *wire, request []byte) string {
	r, err := w.do(request)
	if r.status == 0 {
		return outcome(err)
	}
	return fmt.Sprint(r.status)
}

// answerTo returns the status of the answer to what was sent by hand.
func answerTo(w *wire) string {
	r, err := w.head()
	if r.status == 0 {
		return outcome(err)
	}
	return fmt.Sprint(r.status)
}

// outcome says what became of a connection without an answer.
func outcome(err error) string {
	refused, isRefused := errors.AsType[errStatus](err)
	switch {
	case isRefused:
		return fmt.Sprint(int(refused))
	case errors.Is(err, net.ErrClosed):
		return stopped
	case errors.Is(err, os.ErrDeadlineExceeded):
		return endless
	}
	return cutOff
}
