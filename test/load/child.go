package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"
)

// How long a server gets to start, to answer, and to end.
const (
	startTimeout  = time.Minute
	answerTimeout = 20 * time.Second
	endTimeout    = 8 * time.Second
)

// server is a server in a process of its own.
type server struct {
	ready
	bare   bool
	pause  time.Duration // before figures are taken
	source net.IP        // from which to dial; nil is any

	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *os.File
	answers *json.Decoder
}

// start starts a server. The caller must end it.
func (set *settings) start(ctx context.Context, c serverConfig) (_ *server, err error) {
	config, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer childOut.Close()
	s := &server{bare: c.Bare, pause: set.pause, out: out, answers: json.NewDecoder(out)}
	s.cmd = exec.CommandContext(ctx, program)
	s.cmd.Env = append(os.Environ(), serverVariable+"="+string(config))
	s.cmd.Stdout, s.cmd.Stderr = childOut, os.Stderr
	s.cmd.WaitDelay = endTimeout
	s.cmd.Cancel = func() error { return s.in.Close() }
	run := s.cmd.Start
	if set.pinned {
		run = func() error { return startPinned(s.cmd) }
	}
	if s.in, err = s.cmd.StdinPipe(); err == nil {
		err = run()
	}
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	_ = out.SetReadDeadline(time.Now().Add(startTimeout))
	if err := s.answers.Decode(&s.ready); err != nil {
		return nil, errors.Join(fmt.Errorf("the server did not start: %w", err), s.end())
	}
	return s, nil
}

// name is what the tables call the server.
func (s *server) name() string {
	if s.bare {
		return "bare mcp-go"
	}
	return "heycmo"
}

// dial opens a connection to the server.
func (s *server) dial() (*wire, error) { return dialFrom(s.source, s.Address) }

// from returns the server as it is reached from another address.
func (s *server) from(source net.IP) *server {
	other := *s
	other.source = source
	return &other
}

// ask has the server take its figures.
func (s *server) ask(r request) (figures, error) {
	var f figures
	if err := json.NewEncoder(s.in).Encode(r); err != nil {
		return f, fmt.Errorf("asking the server: %w", err)
	}
	_ = s.out.SetReadDeadline(time.Now().Add(answerTimeout))
	if err := s.answers.Decode(&f); err != nil {
		return f, fmt.Errorf("the server's answer: %w", err)
	}
	if f.Error != "" {
		return f, errors.New("server: " + f.Error)
	}
	return f, nil
}

// end ends the server, by force if it takes too long.
func (s *server) end() error {
	_ = s.in.Close()
	force := time.AfterFunc(endTimeout, func() { _ = s.cmd.Process.Kill() })
	defer force.Stop()
	return errors.Join(s.cmd.Wait(), s.out.Close())
}
