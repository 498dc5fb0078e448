package clients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/internal/testenv"
)

// driver is a process of drive.mjs, which drives one client.
type driver struct {
	command *exec.Cmd
	in      io.WriteCloser
	stderr  bytes.Buffer
	done    chan struct{} // closed when the process has written its last line

	mu      sync.Mutex
	last    int
	waiting map[int]func(line)
}

// line is what the process says about an order.
type line struct {
	ID       int             `json:"id"`
	OK       *result         `json:"ok"`
	Error    *string         `json:"error"`
	Progress *progress       `json:"progress"`
	Log      *logMessage     `json:"log"`
	Message  json.RawMessage `json:"message"`
}

func (l line) final() bool { return l.OK != nil || l.Error != nil }

// drivers are the processes that run, by client. Tests share them, since each
// takes a while to start.
var drivers = struct {
	sync.Mutex
	byClient map[string]*driver
}{byClient: map[string]*driver{}}

func driverOf(t *testing.T, client string) *driver {
	t.Helper()
	node, folder := testenv.Node(t, "../..", "test/clients")
	drivers.Lock()
	defer drivers.Unlock()
	if d := drivers.byClient[client]; d != nil {
		return d
	}
	d := &driver{command: exec.Command(node, "drive.mjs", client), done: make(chan struct{}), waiting: map[int]func(line){}}
	d.command.Dir = folder
	d.command.Stderr = &d.stderr
	var err error
	if d.in, err = d.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := d.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.command.Start(); err != nil {
		t.Fatal(err)
	}
	go d.listen(out)
	drivers.byClient[client] = d
	return d
}

// stopDrivers ends the processes, and what they started.
func stopDrivers() {
	drivers.Lock()
	defer drivers.Unlock()
	for _, d := range drivers.byClient {
		_ = d.in.Close()
	}
	for _, d := range drivers.byClient {
		select {
		case <-d.done:
		case <-time.After(patience):
			_ = d.command.Process.Kill()
			<-d.done
		}
		_ = d.command.Wait()
	}
}

func (d *driver) listen(out io.Reader) {
	defer close(d.done)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var l line
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue // what a client prints on its own
		}
		d.mu.Lock()
		hear := d.waiting[l.ID]
		d.mu.Unlock()
		if hear != nil {
			hear(l)
		}
	}
}

// order is sent to the process as a line.
type order struct {
	ID         int            `json:"id"`
	Do         string         `json:"do"`
	Connection string         `json:"connection,omitempty"`
	Config     *target        `json:"config,omitempty"`
	Session    int            `json:"session,omitempty"`
	Tool       string         `json:"tool,omitempty"`
	Args       map[string]any `json:"args,omitempty"`
	Progress   bool           `json:"progress,omitempty"`
	Meta       map[string]any `json:"meta,omitempty"`
	Level      string         `json:"level,omitempty"`
	Call       int            `json:"call,omitempty"`
}

// send gives an order. Whatever is said about it goes to hear, in order and from
// one goroutine, until forget is called.
func (d *driver) send(o order, hear func(line)) (id int, forget func(), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	o.ID = d.last
	d.waiting[o.ID] = hear
	b, err := json.Marshal(o)
	if err == nil {
		_, err = d.in.Write(append(b, '\n'))
	}
	return o.ID, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.waiting, o.ID)
	}, err
}

// do gives an order and waits for its end. Events go to event, which may be nil.
// When ctx ends, the order is cancelled, and what the client then says returned.
func (d *driver) do(ctx context.Context, o order, event func(line)) (result, error) {
	final := make(chan line, 1)
	id, forget, err := d.send(o, func(l line) {
		if l.final() {
			final <- l
		} else if event != nil {
			event(l)
		}
	})
	defer forget()
	if err != nil {
		return result{}, err
	}
	cancelled := ctx.Done()
	for {
		select {
		case l := <-final:
			if l.Error != nil {
				return result{}, errors.New(*l.Error)
			}
			return *l.OK, nil
		case <-cancelled:
			cancelled = nil
			if o.Do != "call" {
				return result{}, ctx.Err()
			}
			_, forget, err := d.send(order{Do: "cancel", Call: id}, nil)
			defer forget()
			if err != nil {
				return result{}, err
			}
		case <-d.done:
			return result{}, fmt.Errorf("the process has ended: %s", d.stderr.String())
		}
	}
}

// drivenSession is a session in a driver's process.
type drivenSession struct {
	*driver
	id     int
	forget func()
}

// driven opens a connection that the client's script names so.
func driven(client, name string) opener {
	return func(ctx context.Context, t *testing.T, to target, on events) (session, error) {
		d := driverOf(t, client)
		opened := make(chan line, 1)
		id, forget, err := d.send(order{Do: "open", Connection: name, Config: &to}, func(l line) {
			switch {
			case l.final():
				opened <- l
			case l.Log != nil && on.log != nil:
				on.log(*l.Log)
			case l.Message != nil && on.message != nil:
				on.message(l.Message)
			}
		})
		if err != nil {
			return nil, err
		}
		select {
		case l := <-opened:
			if l.Error != nil {
				forget()
				return nil, errors.New(*l.Error)
			}
			return &drivenSession{d, id, forget}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-d.done:
			return nil, fmt.Errorf("the process has ended: %s", d.stderr.String())
		}
	}
}

func (s *drivenSession) call(ctx context.Context, tool string, args map[string]any, o callOptions) (result, error) {
	return s.do(ctx, order{Do: "call", Session: s.id, Tool: tool, Args: args, Progress: o.progress != nil, Meta: o.meta()}, func(l line) {
		if l.Progress != nil {
			o.progress(*l.Progress)
		}
	})
}

func (s *drivenSession) list(ctx context.Context) error {
	_, err := s.do(ctx, order{Do: "list", Session: s.id}, nil)
	return err
}

func (s *drivenSession) setLevel(ctx context.Context, level string) error {
	_, err := s.do(ctx, order{Do: "level", Session: s.id, Level: level}, nil)
	return err
}

func (s *drivenSession) close(ctx context.Context) error {
	defer s.forget()
	_, err := s.do(ctx, order{Do: "close", Session: s.id}, nil)
	return err
}
