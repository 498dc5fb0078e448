package clients

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
)

// proxy passes TCP connections on to a server, counts the streams that clients
// open by GET, and can cut everything.
type proxy struct {
	address string

	mu    sync.Mutex
	links map[*link]struct{}
	count int  // of streams, ever
	ended bool // takes no more
}

// link is one connection of a client, with the one to the server.
type link struct {
	client, server net.Conn
	get            bool // the last request was a GET
	stream         bool // and its answer is a stream
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: listener.Addr().String(), links: map[*link]struct{}{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			l := &link{client: client, server: server}
			p.add(l)
			all.Go(func() { p.pass(l, server, watched{client, func(b []byte) { p.asked(l, b) }}) })
			all.Go(func() { p.pass(l, client, watched{server, func(b []byte) { p.answered(l, b) }}) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		p.end()
		all.Wait()
	})
	return p
}

func (p *proxy) pass(l *link, to io.Writer, from io.Reader) {
	_, _ = io.Copy(to, from)
	p.remove(l)
}

func (p *proxy) add(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links[l] = struct{}{}
	if p.ended {
		l.cut()
	}
}

func (p *proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
	_ = l.client.Close()
	_ = l.server.Close()
}

// asked and answered see what passes. A head begins a packet of its own.
func (p *proxy) asked(l *link, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case bytes.HasPrefix(b, []byte("GET /")):
		l.get, l.stream = true, false
	case bytes.HasPrefix(b, []byte("POST /")), bytes.HasPrefix(b, []byte("DELETE /")):
		l.get, l.stream = false, false
	}
}

func (p *proxy) answered(l *link, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.get && !l.stream && bytes.HasPrefix(b, []byte("HTTP/1.1 200 ")) && bytes.Contains(b, []byte("text/event-stream")) {
		l.stream = true
		p.count++
	}
}

// streams returns how many streams are open, and how many there ever were.
func (p *proxy) streams() (open, ever int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if l.stream {
			open++
		}
	}
	return open, p.count
}

// cut resets every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut()
	}
}

func (p *proxy) end() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.cut()
}

func (l *link) cut() {
	_ = l.client.(*net.TCPConn).SetLinger(0)
	_ = l.client.Close()
	_ = l.server.Close()
}

// watched tells what is read.
type watched struct {
	io.Reader
	tell func([]byte)
}

func (w watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	w.tell(b[:n])
	return n, err
}
