package clients

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// goSession is a session of the official Go SDK.
type goSession struct {
	*sdk.ClientSession
	web    *http.Transport
	cancel context.CancelFunc

	mu       sync.Mutex
	last     int
	progress map[any]func(progress) // by token
}

func goSSE(ctx context.Context, _ *testing.T, to target, on events) (session, error) {
	return goConnect(ctx, to, on, "", func(web *http.Client) sdk.Transport {
		return &sdk.SSEClientTransport{Endpoint: to.SSEURL, HTTPClient: web}
	})
}

func goHTTP(version string) opener {
	return func(ctx context.Context, _ *testing.T, to target, on events) (session, error) {
		return goConnect(ctx, to, on, version, func(web *http.Client) sdk.Transport {
			return &sdk.StreamableClientTransport{Endpoint: to.URL, HTTPClient: web}
		})
	}
}

func goConnect(ctx context.Context, to target, on events, version string, transport func(*http.Client) sdk.Transport) (session, error) {
	s := &goSession{web: &http.Transport{}, progress: map[any]func(progress){}}
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, &sdk.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) {
			s.mu.Lock()
			hear := s.progress[r.Params.ProgressToken]
			s.mu.Unlock()
			if hear != nil {
				hear(progress{r.Params.Progress, r.Params.Total, r.Params.Message})
			}
		},
		LoggingMessageHandler: func(_ context.Context, r *sdk.LoggingMessageRequest) { //nolint:staticcheck // clients in use still have it
			if on.log != nil {
				on.log(logMessage{string(r.Params.Level), r.Params.Data})
			}
		},
	})
	// The stream of HTTP+SSE ends with the context of Connect, and the one of
	// /mcp, for which Connect waits, does not.
	connected := make(chan error, 1)
	var lasting context.Context
	lasting, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		var err error
		s.ClientSession, err = client.Connect(lasting, transport(&http.Client{Transport: bearer{to.Token, s.web}}), &sdk.ClientSessionOptions{ProtocolVersion: version})
		connected <- err
	}()
	select {
	case err := <-connected:
		if err != nil {
			s.cancel()
			return nil, err
		}
		return s, nil
	case <-ctx.Done():
		s.cancel()
		return nil, ctx.Err()
	}
}

func (s *goSession) call(ctx context.Context, tool string, args map[string]any, o callOptions) (result, error) {
	params := &sdk.CallToolParams{Name: tool, Arguments: args, Meta: o.meta()}
	if o.progress != nil {
		s.mu.Lock()
		s.last++
		token := float64(s.last) // as JSON brings it back
		s.progress[token] = o.progress
		s.mu.Unlock()
		params.SetProgressToken(int(token))
	}
	r, err := s.CallTool(ctx, params)
	if err != nil {
		return result{}, err
	}
	var texts []string
	for _, c := range r.Content {
		if c, ok := c.(*sdk.TextContent); ok {
			texts = append(texts, c.Text)
		}
	}
	return result{strings.Join(texts, "\n"), r.IsError}, nil
}

func (s *goSession) list(ctx context.Context) error {
	_, err := s.ListTools(ctx, nil)
	return err
}

func (s *goSession) setLevel(ctx context.Context, level string) error {
	return s.SetLoggingLevel(ctx, &sdk.SetLoggingLevelParams{Level: sdk.LoggingLevel(level)}) //nolint:staticcheck // see above
}

func (s *goSession) close(context.Context) error {
	defer s.web.CloseIdleConnections()
	defer s.cancel()
	return s.Close()
}

// bearer sends the key in the header.
type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}
