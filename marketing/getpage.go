package marketing

import (
	"context"

	"github.com/heycmo/heycmo-go/internal/fetch"
)

// guardedPages gets pages through the guarded client.
type guardedPages struct{ client *fetch.Client }

func (g guardedPages) getPage(ctx context.Context, url string) (webPage, error) {
	r, err := fetchPage(ctx, g.client, url)
	if err != nil {
		return webPage{}, err
	}
	return webPage{url: r.URL, contentType: r.ContentType, body: r.Body, truncated: r.Truncated}, nil
}
