package heycmo

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// How long Serve takes to stop, at most.
const (
	stopTimeout  = 2500 * time.Millisecond // for clients
	closeTimeout = time.Second             // for what is left then
)

// Serve runs the host on the listener until ctx ends, with an HTTP server whose
// time limits fit streams, and stops everything in order within 5 s. Handler is
// what to serve when the host is mounted in it; nil serves the host itself. The
// store stays open. Serve returns nil after a clean stop, and the error of Run when that
// can't begin.
//
// It is for programs that don't have an [http.Server] of their own.
func (s *Server) Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	if handler == nil {
		handler = s
	}
	hs := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second, // streams have limits of their own
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          zap.NewStdLog(s.app.Log.Named("http")),
	}
	hs.RegisterOnShutdown(s.CloseStreams)
	failed := make(chan error, 1)
	go func() { failed <- hs.Serve(listener) }()
	background := make(chan error, 1)
	go func() { background <- s.Run(context.WithoutCancel(ctx)) }() // ends with Shutdown

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	case err = <-background:
		background <- nil
		if errors.Is(err, ErrClosed) {
			err = nil
		}
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if hs.Shutdown(stopping) != nil {
		_ = hs.Close() // only clients that don't send or don't read are left
	}
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer done()
	if cut := s.Shutdown(closing); cut != nil {
		s.app.Log.Warn("the stop cut something off", zap.Error(cut))
	}
	<-background //nolint:errcheck // the end that was asked for
	return err
}
