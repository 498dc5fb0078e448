package heycmo

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// stopTimeout is how long Serve takes to stop, at most.
const stopTimeout = 4 * time.Second

// Serve runs the host on the listener until ctx ends, with an HTTP server whose
// time limits fit streams, and stops everything in order within 4 s. Handler is
// what to serve when the host is mounted in it; nil serves the host itself. The
// store stays open. Serve returns nil after a clean stop.
//
// It is for programs that don't have an [http.Server] of their own.
func (s *Server) Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	if handler == nil {
		handler = s
	}
	hs := &http.Server{
		Handler: handler,
		// No limit on writing: each write to a stream has its own.
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          zap.NewStdLog(s.app.Log.Named("http")),
	}
	hs.RegisterOnShutdown(s.CloseStreams)
	failed := make(chan error, 1)
	go func() { failed <- hs.Serve(listener) }()
	background := make(chan struct{})
	go func() {
		defer close(background)
		_ = s.Run(context.WithoutCancel(ctx)) // ends with Shutdown
	}()

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err = errors.Join(err, hs.Shutdown(stopping), s.Shutdown(stopping))
	<-background
	return err
}
