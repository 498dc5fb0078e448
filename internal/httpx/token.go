package httpx

import (
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/heycmo/heycmo-go/auth"
)

var (
	errTokens = Status(http.StatusBadRequest, "the token parameter must be given only once")
	errDiffer = Status(http.StatusBadRequest, "the token parameter and the Authorization header differ; send only one of them")
)

// TakeQueryToken returns a request that carries its token query parameter as
// "Authorization: Bearer" instead, so that everything behind may log the URL. A
// request without the parameter is returned as it is. Several parameters, and an
// Authorization header that says something else, are refused with status 400. A
// token that no header could hold becomes one that is no key.
func TakeQueryToken(r *http.Request) (*http.Request, error) {
	query, tokens := cutTokens(r.URL.RawQuery)
	switch {
	case len(tokens) == 0:
		return r, nil
	case len(tokens) > 1:
		return nil, errTokens
	}
	token := tokens[0]
	if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		token = url.QueryEscape(token)
	}
	header := maps.Clone(r.Header)
	if token != "" {
		given, ok := auth.BearerToken(r)
		if len(header.Values("Authorization")) > 0 && (!ok || given != token) {
			return nil, errDiffer
		}
		header["Authorization"] = []string{"Bearer " + token}
	}

	clone, address := *r, *r.URL
	clone.Header, clone.URL, clone.Form = header, &address, nil
	address.RawQuery = query
	if path, _, ok := strings.Cut(r.RequestURI, "?"); ok {
		clone.RequestURI = path
		if query != "" {
			clone.RequestURI += "?" + query
		}
	}
	return &clone, nil
}

// cutTokens takes the token parameters out of a query, broken ones too. Package
// url gives up on a query that can't be decoded; here nothing may stay behind.
func cutTokens(query string) (rest string, tokens []string) {
	var kept []string
	for pair := range strings.FieldsFuncSeq(query, func(c rune) bool { return c == '&' || c == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		if unescape(name) == "token" {
			tokens = append(tokens, unescape(value))
		} else {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&"), tokens
}

func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}
