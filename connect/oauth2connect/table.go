package oauth2connect

// The platforms' own pages are the source of what stands here, as of autumn 2026. Where one
// changes an address, an embedder can put a [Platform] of the same ID in its place.

var google = Platform{
	Group:   "google",
	AuthURL: "https://accounts.google.com/o/oauth2/v2/auth", TokenURL: "https://oauth2.googleapis.com/token",
	PKCE: true, Issuer: "https://accounts.google.com",
	AuthParams: map[string]string{"access_type": "offline", "prompt": "consent", "include_granted_scopes": "false"},
	Identity:   Identity{URL: "https://openidconnect.googleapis.com/v1/userinfo", ID: "sub", Name: "email"},
	Revoke:     &Revoke{URL: "https://oauth2.googleapis.com/revoke", Form: true},
}

func ofGoogle(id, title, purpose string, hosts []string, scopes ...string) Platform {
	p := google
	p.ID, p.Title, p.Purpose, p.Hosts = id, title, purpose, hosts
	p.Scopes, p.Optional = append([]string{"openid", "email"}, scopes...), []string{"openid", "email"}
	return p
}

const (
	facebookGraph  = "https://graph.facebook.com/v23.0"
	instagramGraph = "https://graph.instagram.com"
)

// Table returns the platforms that are known here.
func Table() []Platform {
	return []Platform{
		ofGoogle("google_analytics", "Google Analytics", "Read the figures of your website.",
			[]string{"analyticsdata.googleapis.com", "analyticsadmin.googleapis.com"}, "https://www.googleapis.com/auth/analytics.readonly"),
		ofGoogle("google_search_console", "Google Search Console", "Read how your pages are found.",
			[]string{"www.googleapis.com"}, "https://www.googleapis.com/auth/webmasters.readonly"),
		ofGoogle("gmail", "Gmail", "Send e-mails that you have approved.",
			[]string{"gmail.googleapis.com"}, "https://www.googleapis.com/auth/gmail.send"),
		ofGoogle("youtube", "YouTube", "Read the figures of your channel.",
			[]string{"www.googleapis.com", "youtubeanalytics.googleapis.com"}, "https://www.googleapis.com/auth/youtube.readonly"),
		{
			ID: "linkedin", Title: "LinkedIn", Purpose: "Publish posts that you have approved.",
			AuthURL: "https://www.linkedin.com/oauth/v2/authorization", TokenURL: "https://www.linkedin.com/oauth/v2/accessToken",
			Scopes: []string{"openid", "profile", "w_member_social"}, Optional: []string{"openid", "profile"},
			Identity: Identity{URL: "https://api.linkedin.com/v2/userinfo", ID: "sub", Name: "name"},
			Revoke:   &Revoke{URL: "https://www.linkedin.com/oauth/v2/revoke", Form: true},
			Hosts:    []string{"api.linkedin.com"},
			Header:   map[string]string{"X-Restli-Protocol-Version": "2.0.0", "Linkedin-Version": "202610"},
		},
		{
			ID: "x", Title: "X", Purpose: "Publish posts that you have approved, and read their figures.",
			AuthURL: "https://x.com/i/oauth2/authorize", TokenURL: "https://api.x.com/2/oauth2/token",
			Scopes: []string{"tweet.read", "tweet.write", "users.read", "offline.access"}, PKCE: true, BasicAuth: true,
			Identity: Identity{URL: "https://api.x.com/2/users/me", ID: "data.id", Name: "data.username"},
			Revoke:   &Revoke{URL: "https://api.x.com/2/oauth2/revoke", Form: true},
			Hosts:    []string{"api.x.com"},
		},
		{
			ID: "facebook", Title: "Facebook", Purpose: "Publish posts that you have approved on your page, and read their figures.",
			AuthURL: "https://www.facebook.com/v23.0/dialog/oauth", TokenURL: facebookGraph + "/oauth/access_token",
			Scopes: []string{"pages_show_list", "pages_manage_posts", "pages_read_engagement", "read_insights"}, Separator: ",",
			Identity:  Identity{URL: facebookGraph + "/me?fields=id,name", ID: "id", Name: "name"},
			LongLived: &Exchange{URL: facebookGraph + "/oauth/access_token", GrantType: "fb_exchange_token", Param: "fb_exchange_token", Secret: true},
			Revoke:    &Revoke{URL: facebookGraph + "/me/permissions", Method: "DELETE"},
			Hosts:     []string{"graph.facebook.com"},
			Delegate:  &Delegate{URL: facebookGraph + "/me/accounts?fields=id,access_token&limit=100", List: "data", ID: "id", Token: "access_token"},
		},
		{
			ID: "instagram", Title: "Instagram", Purpose: "Read the figures of your posts.",
			AuthURL: "https://www.instagram.com/oauth/authorize", TokenURL: "https://api.instagram.com/oauth/access_token",
			Scopes: []string{"instagram_business_basic", "instagram_business_manage_insights"}, Separator: ",",
			Identity:  Identity{URL: instagramGraph + "/me?fields=user_id,username", ID: "user_id", Name: "username"},
			LongLived: &Exchange{URL: instagramGraph + "/access_token", GrantType: "ig_exchange_token", Param: "access_token", Secret: true},
			Renew:     &Exchange{URL: instagramGraph + "/refresh_access_token", GrantType: "ig_refresh_token", Param: "access_token"},
			Hosts:     []string{"graph.instagram.com"},
		},
		{
			ID: "outlook", Title: "Outlook", Purpose: "Send e-mails that you have approved.",
			AuthURL:  "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
			TokenURL: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
			Scopes:   []string{"offline_access", "User.Read", "Mail.Send"}, Optional: []string{"offline_access"}, PKCE: true,
			Identity: Identity{URL: "https://graph.microsoft.com/v1.0/me", ID: "id", Name: "userPrincipalName"},
			Hosts:    []string{"graph.microsoft.com"},
		},
		{
			ID: "tiktok", Title: "TikTok", Purpose: "Read the figures of your videos.",
			AuthURL: "https://www.tiktok.com/v2/auth/authorize/", TokenURL: "https://open.tiktokapis.com/v2/oauth/token/",
			Scopes: []string{"user.info.basic", "video.list"}, Separator: ",", ClientParam: "client_key",
			Identity: Identity{URL: "https://open.tiktokapis.com/v2/user/info/?fields=open_id,display_name", ID: "data.user.open_id", Name: "data.user.display_name"},
			Revoke:   &Revoke{URL: "https://open.tiktokapis.com/v2/oauth/revoke/", Form: true},
			Hosts:    []string{"open.tiktokapis.com"},
		},
		{
			ID: "hubspot", Title: "HubSpot", Purpose: "Read your contacts and deals.",
			AuthURL: "https://app.hubspot.com/oauth/authorize", TokenURL: "https://api.hubapi.com/oauth/v1/token",
			Scopes:   []string{"oauth", "crm.objects.contacts.read", "crm.objects.deals.read"},
			Identity: Identity{URL: "https://api.hubapi.com/account-info/v3/details", ID: "portalId", Name: "uiDomain"},
			Revoke:   &Revoke{URL: "https://api.hubapi.com/oauth/v1/refresh-tokens/{refresh}", Method: "DELETE"},
			Hosts:    []string{"api.hubapi.com"},
		},
		{
			ID: "mailchimp", Title: "Mailchimp", Purpose: "Read the figures of your campaigns.",
			AuthURL: "https://login.mailchimp.com/oauth2/authorize", TokenURL: "https://login.mailchimp.com/oauth2/token",
			Identity: Identity{URL: "https://login.mailchimp.com/oauth2/metadata", Scheme: "OAuth", ID: "user_id", Name: "accountname", API: "api_endpoint"},
			Hosts:    []string{".api.mailchimp.com"},
		},
		{
			ID: "slack", Title: "Slack", Purpose: "Send messages to your team.",
			AuthURL: "https://slack.com/oauth/v2/authorize", TokenURL: "https://slack.com/api/oauth.v2.access",
			Scopes: []string{"chat:write", "channels:read"}, Separator: ",",
			Identity: Identity{ID: "team.id", Name: "team.name"},
			Revoke:   &Revoke{URL: "https://slack.com/api/auth.revoke"},
			Hosts:    []string{"slack.com"},
		},
		{
			ID: "wordpress", Title: "WordPress.com", Purpose: "Publish articles that you have approved on your site.",
			AuthURL: "https://public-api.wordpress.com/oauth2/authorize", TokenURL: "https://public-api.wordpress.com/oauth2/token",
			Identity: Identity{ID: "blog_id", Name: "blog_url"},
			Hosts:    []string{"public-api.wordpress.com"},
		},
		{
			ID: "notion", Title: "Notion", Purpose: "Read the pages that you share.",
			AuthURL: "https://api.notion.com/v1/oauth/authorize", TokenURL: "https://api.notion.com/v1/oauth/token",
			AuthParams: map[string]string{"owner": "user"}, BasicAuth: true, JSONToken: true,
			Identity: Identity{ID: "workspace_id", Name: "workspace_name"},
			Revoke:   &Revoke{URL: "https://api.notion.com/v1/oauth/revoke", JSON: true},
			Hosts:    []string{"api.notion.com"},
			Header:   map[string]string{"Notion-Version": "2025-09-03"},
		},
	}
}
