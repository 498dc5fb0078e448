package heycmo

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rs/cors"

	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/internal/rest"
)

// middleware returns what every request passes on its way in.
func (s *Server) middleware(o *Options) (func(http.Handler) http.Handler, error) {
	crossOrigin := func(next http.Handler) http.Handler { return next }
	// With an empty list, package cors would allow every origin.
	if len(o.AllowedOrigins) > 0 {
		crossOrigin = cors.New(cors.Options{
			AllowedOrigins: o.AllowedOrigins,
			AllowedMethods: []string{http.MethodGet, http.MethodPost, http.MethodDelete},
			// MCP clients send Mcp-Param-* headers, whose names only the tools know.
			AllowedHeaders: []string{"*"},
			ExposedHeaders: []string{
				"Mcp-Session-Id", "Mcp-Protocol-Version", "RateLimit", "RateLimit-Policy",
				"Retry-After", "WWW-Authenticate", "X-Request-Id",
			},
			MaxAge: 600,
		}).Handler
	}
	// An embedder's login may be a cookie, which browsers send along for any page.
	sameSite := http.NewCrossOriginProtection()
	for _, origin := range o.AllowedOrigins {
		if err := sameSite.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("AllowedOrigins: %w", err)
		}
	}
	checked := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case s.isClosed():
				httpx.Error(w, r, errClosed)
			case sameSite.Check(r) != nil:
				httpx.Error(w, r, errForeignPage)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
	headers := httpx.SecurityHeaders(o.HSTS)
	log, recovered := httpx.AccessLog(o.Log, o.TrustedProxies...), httpx.Recover(o.Log)
	based := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			base := strings.TrimSuffix(o.PublicURL, "/")
			if base == "" {
				base = addressOf(r)
			}
			next.ServeHTTP(w, r.WithContext(httpx.WithBase(r.Context(), base)))
		})
	}
	return func(next http.Handler) http.Handler {
		return httpx.RequestID(log(headers(recovered(crossOrigin(checked(based(next)))))))
	}, nil
}

var errForeignPage = httpx.Status(http.StatusForbidden, "pages of this Origin may not use this server")

// routes returns the handler of the whole host.
func (s *Server) routes(publicURL string) http.Handler {
	name, title := s.mcp.Name()
	api, front := rest.New(s.app), newFront(publicURL, name, title, s.app.Catalog)
	welcome, links := newWelcome(front, s.app), connecting{front, s.app}
	beyond := outside{front, s.app}
	return s.outer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/":
			front.ServeHTTP(w, r)
		case path == "/welcome" && s.app.Sells():
			welcome.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/connect/") && s.app.Connections != nil:
			links.ServeHTTP(w, r)
		case s.pages != nil && (path == "/dashboard" || strings.HasPrefix(path, "/dashboard/") || path == "/operator" || strings.HasPrefix(path, "/operator/")):
			s.pages.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/go/") && len(s.app.Catalog.Links) > 0:
			beyond.ServeHTTP(w, r)
		case path == "/register":
			refuseRegistration(w, r)
		case path == "/mcp" || strings.HasPrefix(path, "/mcp/"):
			s.mcp.ServeHTTP(w, r)
		default:
			api.ServeHTTP(w, r)
		}
	}))
}

// refuseRegistration answers clients that take a refused key for a call to sign
// in with OAuth and try to register (RFC 7591, section 3.2.2). Without it, their
// users see an unrelated error.
func refuseRegistration(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		httpx.Error(w, r, httpx.Status(http.StatusMethodNotAllowed, "method not allowed").WithHeader("Allow", http.MethodPost))
		return
	}
	httpx.JSON(w, http.StatusBadRequest, map[string]string{
		"error":             "invalid_client_metadata",
		"error_description": "This server uses API keys, not OAuth: the key that was sent is missing or not valid.",
	})
}
