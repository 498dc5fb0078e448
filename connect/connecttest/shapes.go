package connecttest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// shape is how a platform speaks.
type shape struct {
	platform, client   string // client is the group of its app
	authorize, token   string // addresses
	param              string // of the client's ID, where it isn't client_id
	basic, json, pkce  bool
	issuer             string
	refreshes, rotates bool
	eternal            bool // tokens don't end
	silent             bool // it doesn't say what was granted
	comma              bool // between scopes
	okErrors           bool // refusals have status 200
	revoke             string
	longLived, renew   string
	identity           string
	who                func(user string) map[string]any // what identity answers
	inToken            func(user string) map[string]any // what stands in the answer of token
}

var shapes = append([]shape{
	{
		platform: "linkedin", client: "linkedin", authorize: "www.linkedin.com/oauth/v2/authorization", token: "www.linkedin.com/oauth/v2/accessToken",
		comma: true, refreshes: true, revoke: "POST www.linkedin.com/oauth/v2/revoke", identity: "api.linkedin.com/v2/userinfo",
		who: func(user string) map[string]any {
			return map[string]any{"sub": AccountOf("linkedin", user), "name": user, "locale": map[string]any{"country": "DE"}}
		},
	},
	{
		platform: "x", client: "x", authorize: "x.com/i/oauth2/authorize", token: "api.x.com/2/oauth2/token", basic: true, pkce: true,
		refreshes: true, rotates: true, revoke: "POST api.x.com/2/oauth2/revoke", identity: "api.x.com/2/users/me",
		who: func(user string) map[string]any {
			return map[string]any{"data": map[string]any{"id": AccountOf("x", user), "username": user, "name": user}}
		},
	},
	{
		platform: "facebook", client: "facebook", authorize: "www.facebook.com/v23.0/dialog/oauth", token: "graph.facebook.com/v23.0/oauth/access_token",
		silent: true, longLived: "graph.facebook.com/v23.0/oauth/access_token", revoke: "DELETE graph.facebook.com/v23.0/me/permissions",
		identity: "graph.facebook.com/v23.0/me",
		who: func(user string) map[string]any {
			return map[string]any{"id": AccountOf("facebook", user), "name": user}
		},
	},
	{
		platform: "instagram", client: "instagram", authorize: "www.instagram.com/oauth/authorize", token: "api.instagram.com/oauth/access_token",
		silent: true, longLived: "graph.instagram.com/access_token", renew: "graph.instagram.com/refresh_access_token", identity: "graph.instagram.com/me",
		who: func(user string) map[string]any {
			return map[string]any{"user_id": AccountOf("instagram", user), "username": user, "id": "app-scoped"}
		},
		inToken: func(string) map[string]any { return map[string]any{"user_id": 17841400000000000} },
	},
	{
		platform: "outlook", client: "outlook", authorize: "login.microsoftonline.com/common/oauth2/v2.0/authorize", token: "login.microsoftonline.com/common/oauth2/v2.0/token",
		pkce: true, refreshes: true, rotates: true, identity: "graph.microsoft.com/v1.0/me",
		who: func(user string) map[string]any {
			return map[string]any{"id": AccountOf("outlook", user), "userPrincipalName": user + "@example.com", "mail": nil}
		},
	},
	{
		platform: "tiktok", client: "tiktok", authorize: "www.tiktok.com/v2/auth/authorize/", token: "open.tiktokapis.com/v2/oauth/token/", param: "client_key",
		comma: true, refreshes: true, okErrors: true, revoke: "POST open.tiktokapis.com/v2/oauth/revoke/", identity: "open.tiktokapis.com/v2/user/info/",
		who: func(user string) map[string]any {
			return map[string]any{
				"data":  map[string]any{"user": map[string]any{"open_id": AccountOf("tiktok", user), "display_name": user}},
				"error": map[string]any{"code": "ok", "message": ""},
			}
		},
		inToken: func(user string) map[string]any { return map[string]any{"open_id": AccountOf("tiktok", user)} },
	},
	{
		platform: "hubspot", client: "hubspot", authorize: "app.hubspot.com/oauth/authorize", token: "api.hubapi.com/oauth/v1/token",
		silent: true, refreshes: true, revoke: "DELETE api.hubapi.com/oauth/v1/refresh-tokens/", identity: "api.hubapi.com/account-info/v3/details",
		who: func(user string) map[string]any {
			return map[string]any{"portalId": number(user), "uiDomain": user + ".hubspot.com"}
		},
	},
	{
		platform: "mailchimp", client: "mailchimp", authorize: "login.mailchimp.com/oauth2/authorize", token: "login.mailchimp.com/oauth2/token",
		eternal: true, identity: "login.mailchimp.com/oauth2/metadata",
		who: func(user string) map[string]any {
			return map[string]any{"dc": "us6", "user_id": number(user), "accountname": user, "api_endpoint": "https://us6.api.mailchimp.com"}
		},
	},
	{
		platform: "slack", client: "slack", authorize: "slack.com/oauth/v2/authorize", token: "slack.com/api/oauth.v2.access", comma: true, eternal: true,
		okErrors: true, revoke: "POST slack.com/api/auth.revoke", identity: "slack.com/api/auth.test",
		who: func(user string) map[string]any {
			return map[string]any{"ok": true, "team_id": AccountOf("slack", user)}
		},
		inToken: func(user string) map[string]any {
			return map[string]any{"ok": true, "team": map[string]any{"id": AccountOf("slack", user), "name": user}, "bot_user_id": "B1"}
		},
	},
	{
		platform: "wordpress", client: "wordpress", authorize: "public-api.wordpress.com/oauth2/authorize", token: "public-api.wordpress.com/oauth2/token", eternal: true,
		silent: true, identity: "public-api.wordpress.com/rest/v1.1/me",
		who: func(user string) map[string]any { return map[string]any{"ID": number(user), "username": user} },
		inToken: func(user string) map[string]any {
			return map[string]any{"blog_id": AccountOf("wordpress", user), "blog_url": "https://" + user + ".example.com"}
		},
	},
	{
		platform: "notion", client: "notion", authorize: "api.notion.com/v1/oauth/authorize", token: "api.notion.com/v1/oauth/token", basic: true, json: true,
		eternal: true, silent: true, revoke: "POST api.notion.com/v1/oauth/revoke", identity: "api.notion.com/v1/users/me",
		who: func(user string) map[string]any { return map[string]any{"object": "user", "name": user} },
		inToken: func(user string) map[string]any {
			return map[string]any{"workspace_id": AccountOf("notion", user), "workspace_name": user, "bot_id": "b"}
		},
	},
}, shape{
	platform: "google", client: "google", authorize: "accounts.google.com/o/oauth2/v2/auth", token: "oauth2.googleapis.com/token", pkce: true,
	issuer: "https://accounts.google.com", refreshes: true, revoke: "POST oauth2.googleapis.com/revoke", identity: "openidconnect.googleapis.com/v1/userinfo",
	who: func(user string) map[string]any {
		return map[string]any{"sub": AccountOf("google", user), "email": user + "@example.com", "email_verified": true}
	},
})

var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func shapeOf(platform string) *shape {
	return &shapes[slices.IndexFunc(shapes, func(sh shape) bool { return sh.platform == platform })]
}

// number is an ID that is a number, as some platforms have it.
func number(user string) (n int64) {
	for _, c := range user {
		n = n*31 + int64(c)
	}
	return n
}

func (sh *shape) clientParam() string {
	if sh.param != "" {
		return sh.param
	}
	return "client_id"
}

func (sh *shape) mine(client string) bool { return client == "client-of-"+sh.client }

func (sh *shape) joiner() string {
	if sh.comma {
		return ","
	}
	return " "
}

func (sh *shape) refusal() int {
	if sh.okErrors {
		return http.StatusOK
	}
	return http.StatusBadRequest
}

func (sh *shape) more(user string) map[string]any {
	if sh.inToken == nil {
		return nil
	}
	return sh.inToken(user)
}

// authenticated reads the parameters of a request, if it is the app's.
func (sh *shape) authenticated(r *http.Request) (func(name string) string, bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, false
	}
	values := map[string]string{}
	switch kind := r.Header.Get("Content-Type"); {
	case sh.json && kind == "application/json":
		if json.Unmarshal(body, &values) != nil {
			return nil, false
		}
	case !sh.json && strings.HasPrefix(kind, "application/x-www-form-urlencoded"):
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, false
		}
		for name := range form {
			values[name] = form.Get(name)
		}
	default:
		return nil, false
	}
	id, password := values[sh.clientParam()], values["client_secret"]
	if sh.basic {
		id, password, _ = r.BasicAuth()
	}
	return func(name string) string { return values[name] }, sh.mine(id) && password == "CANARY-secret-of-"+sh.client
}
