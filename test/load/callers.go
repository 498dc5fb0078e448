package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
)

// caller makes one call after the other.
type caller interface {
	// call makes a call with this ID and checks its answer.
	call(id int) error
	// until lets no call take longer.
	until(t time.Time)
	close()
}

// plain calls by request and response, in turn for each of its customers.
type plain struct {
	*wire
	calls []plainCall
	next  int
}

type plainCall struct {
	template
	want string // that the response holds
}

func (p *plain) call(id int) error {
	c := &p.calls[p.next]
	p.next = (p.next + 1) % len(p.calls)
	r, err := p.do(c.with(id))
	switch {
	case err != nil:
		return err
	case r.status != 200:
		return fmt.Errorf("status %d: %.200q", r.status, r.body)
	case c.idAt > 0:
		return checkAnswer(r.body, id, c.want)
	case !bytes.Contains(r.body, []byte(c.want)):
		return fmt.Errorf("a wrong answer: %.200q", r.body)
	}
	return nil
}

func (p *plain) until(t time.Time) { _ = p.SetDeadline(t) }
func (p *plain) close()            { _ = p.Close() }

// transport makes a caller for customers of a server.
type transport struct {
	name string
	file string // the name in those of files
	open func(s *server, customers []customer) (caller, error)
}

var (
	overREST   = transport{"REST", "rest", openREST}
	overSSE    = transport{"SSE", "sse", openSSE}
	overLegacy = transport{"/mcp, " + legacyVersion, "mcp-legacy", openLegacy}
	overModern = transport{"/mcp, " + modernVersion, "mcp-modern", openModern}
)

func openREST(s *server, customers []customer) (caller, error) {
	w, err := s.dial()
	if err != nil {
		return nil, err
	}
	p := &plain{wire: w}
	for _, c := range customers {
		p.calls = append(p.calls, plainCall{
			template{httpRequest("GET", "/api/customer/"+c.ID, c.bearer(), ""), 0},
			`"id":"` + c.ID + `"`,
		})
	}
	return p, nil
}

var acceptBoth = [2]string{"Accept", "application/json, text/event-stream"}

func openModern(s *server, customers []customer) (caller, error) {
	w, err := s.dial()
	if err != nil {
		return nil, err
	}
	p := &plain{wire: w}
	for _, c := range customers {
		header := append(c.bearer(), acceptBoth, [2]string{"Mcp-Protocol-Version", modernVersion},
			[2]string{"Mcp-Method", "tools/call"}, [2]string{"Mcp-Name", "page"})
		p.calls = append(p.calls, plainCall{newTemplate(httpRequest("POST", "/mcp", header, callToolModern("page"))), pageText})
	}
	return p, nil
}

func openLegacy(s *server, customers []customer) (caller, error) {
	w, err := s.dial()
	if err != nil {
		return nil, err
	}
	p := &plain{wire: w}
	for _, c := range customers {
		header, err := openSession(w, c)
		if err != nil {
			p.close()
			return nil, err
		}
		p.calls = append(p.calls, plainCall{newTemplate(httpRequest("POST", "/mcp", header, callTool("page"))), pageText})
	}
	return p, nil
}

// openSession opens a session of Streamable HTTP and returns the header of its
// requests.
func openSession(w *wire, c customer) ([][2]string, error) {
	header := append(c.bearer(), acceptBoth)
	r, err := w.do(httpRequest("POST", "/mcp", header, initialize(legacyVersion)))
	if err != nil {
		return nil, err
	}
	if r.status != 200 || r.session == "" {
		return nil, fmt.Errorf("initialize: status %d: %.200q", r.status, r.body)
	}
	header = append(header, [2]string{"Mcp-Session-Id", r.session}, [2]string{"Mcp-Protocol-Version", legacyVersion})
	if r, err = w.do(httpRequest("POST", "/mcp", header, initialized())); err != nil {
		return nil, err
	}
	if r.status != 202 {
		return nil, fmt.Errorf("initialized: status %d: %.200q", r.status, r.body)
	}
	return header, nil
}

// sse calls by POST and takes the answers from a stream.
type sse struct {
	stream, posts *wire
	events        *bufio.Reader
	target        string
	customer      customer
	tool          template
}

func openSSE(s *server, customers []customer) (caller, error) {
	posts, err := s.dial()
	if err != nil {
		return nil, err
	}
	c, err := openStream(s, customers[0], posts)
	if err != nil {
		_ = posts.Close()
		return nil, err
	}
	return c, nil
}

// openStream opens a stream and says hello. Several may share posts.
func openStream(s *server, c customer, posts *wire) (*sse, error) {
	stream, err := s.dial()
	if err != nil {
		return nil, err
	}
	x := &sse{stream: stream, posts: posts, customer: c}
	if err := x.hello(s); err != nil {
		_ = stream.Close()
		return nil, err
	}
	return x, nil
}

func (x *sse) hello(s *server) error {
	path := "/mcp/sse"
	if s.bare {
		path = "/sse"
	}
	var err error
	if x.events, err = x.stream.open(httpRequest("GET", path, append(x.customer.bearer(), [2]string{"Accept", "text/event-stream"}), "")); err != nil {
		return err
	}
	target, err := nextData(x.events)
	if err != nil {
		return err
	}
	if x.target = string(target); !strings.HasPrefix(x.target, "/") {
		return fmt.Errorf("endpoint %q", target)
	}
	if err := x.post(httpRequest("POST", x.target, x.customer.bearer(), initialize("2024-11-05"))); err != nil {
		return err
	}
	answer, err := nextData(x.events)
	if err != nil {
		return err
	}
	if err := checkAnswer(answer, 1, "protocolVersion"); err != nil {
		return err
	}
	return x.post(httpRequest("POST", x.target, x.customer.bearer(), initialized()))
}

func (x *sse) post(request []byte) error {
	r, err := x.posts.do(request)
	if err == nil && r.status != 202 {
		err = fmt.Errorf("status %d: %.200q", r.status, r.body)
	}
	return err
}

func (x *sse) call(id int) error {
	if x.tool.bytes == nil {
		x.tool = newTemplate(httpRequest("POST", x.target, x.customer.bearer(), callTool("page")))
	}
	if err := x.post(x.tool.with(id)); err != nil {
		return err
	}
	answer, err := nextData(x.events)
	if errors.Is(err, bufio.ErrBufferFull) {
		return errors.New("an event is too long")
	}
	if err != nil {
		return err
	}
	return checkAnswer(answer, id, pageText)
}

func (x *sse) until(t time.Time) {
	_ = x.stream.SetDeadline(t)
	_ = x.posts.SetDeadline(t)
}

func (x *sse) close() {
	_ = x.stream.Close()
	_ = x.posts.Close()
}
