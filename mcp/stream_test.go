package mcp

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// aliveSink fails the test when it is touched after it was given up.
type aliveSink struct {
	t    *testing.T
	dead atomic.Bool
}

func (s *aliveSink) touch() {
	if s.dead.Load() {
		s.t.Error("the sink is touched after close has returned")
	}
}

func (s *aliveSink) Write(p []byte) (int, error)      { s.touch(); return len(p), nil }
func (s *aliveSink) SetWriteDeadline(time.Time) error { s.touch(); return nil }
func (s *aliveSink) Close() error                     { s.touch(); return nil }

// When close has returned, the handler returns, and its writer belongs to
// somebody else.
func TestNothingTouchesTheSinkAfterClose(t *testing.T) {
	for range 20_000 {
		sink := &aliveSink{t: t}
		s := newStream(sink, time.Second)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { _ = write(s, comment) })
			wg.Go(s.keepAlive)
			wg.Go(s.close)
		}
		s.close()
		sink.dead.Store(true)
		wg.Wait()
	}
}

func write(s *stream, p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writeLocked(p)
}
