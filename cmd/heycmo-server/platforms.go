package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/heycmo/heycmo-go/connect/composioconnect"
	"github.com/heycmo/heycmo-go/connect/oauth2connect"
	"github.com/heycmo/heycmo-go/heycmo"
)

// appSettings are the credentials of an app at a platform.
type appSettings struct {
	ClientID     string `name:"client-id" help:"ID of the app there."`
	ClientSecret string `name:"client-secret" secret:"" help:"Secret of the app there."`
}

// connectSettings are the platforms that customers can connect.
type connectSettings struct {
	Google    appSettings `embed:"" prefix:"google-" group:"Analytics, Search Console, Gmail and YouTube"`
	LinkedIn  appSettings `embed:"" prefix:"linkedin-" group:"LinkedIn"`
	X         appSettings `embed:"" prefix:"x-" group:"X"`
	Facebook  appSettings `embed:"" prefix:"facebook-" group:"Facebook"`
	Instagram appSettings `embed:"" prefix:"instagram-" group:"Instagram"`
	Outlook   appSettings `embed:"" prefix:"outlook-" group:"Outlook"`
	TikTok    appSettings `embed:"" prefix:"tiktok-" group:"TikTok"`
	HubSpot   appSettings `embed:"" prefix:"hubspot-" group:"HubSpot"`
	Mailchimp appSettings `embed:"" prefix:"mailchimp-" group:"Mailchimp"`
	Slack     appSettings `embed:"" prefix:"slack-" group:"Slack"`
	WordPress appSettings `embed:"" prefix:"wordpress-" group:"WordPress.com"`
	Notion    appSettings `embed:"" prefix:"notion-" group:"Notion"`
	URL       string      `name:"url" help:"Address of fake platforms; development only."`
}

func (c *connectSettings) apps() map[string]appSettings {
	return map[string]appSettings{
		"google": c.Google, "linkedin": c.LinkedIn, "x": c.X, "facebook": c.Facebook, "instagram": c.Instagram, "outlook": c.Outlook,
		"tiktok": c.TikTok, "hubspot": c.HubSpot, "mailchimp": c.Mailchimp, "slack": c.Slack, "wordpress": c.WordPress, "notion": c.Notion,
	}
}

// platforms sets what customers can connect. Those without an app are listed as not
// configured.
func (s *settings) platforms(o *heycmo.Options, f *faults) {
	credentials := map[string]oauth2connect.Credentials{}
	apps := s.Connect.apps()
	for _, name := range slices.Sorted(maps.Keys(apps)) {
		app := apps[name]
		switch {
		case app.ClientID != "" && app.ClientSecret != "":
			credentials[name] = oauth2connect.Credentials(app)
		case app.ClientID != "":
			f.add("connect-"+name+"-client-secret", "is missing: %s does nothing without it", variable("connect-"+name+"-client-id"))
		case app.ClientSecret != "":
			f.add("connect-"+name+"-client-id", "is missing: %s does nothing without it", variable("connect-"+name+"-client-secret"))
		}
	}
	if s.production() && s.Connect.URL != "" {
		f.add("connect-url", "must not be set in production")
	}
	if isPostgres(s.Database) && len(s.SecretKeys) == 0 && len(credentials)+len(s.ComposioPlatforms) > 0 {
		f.add("secret-keys", `is missing: what opens connected accounts is encrypted with it; make one with "k1:$(openssl rand -base64 32)"`)
	}
	o.Platforms = oauth2connect.Platforms(credentials, &oauth2connect.Options{BaseURL: s.Connect.URL})
	if s.ComposioKey == "" {
		if len(s.ComposioPlatforms) > 0 {
			f.add("composio-key", "is missing: %s does nothing without it", variable("composio-platforms"))
		}
		return
	}
	var toolkits []composioconnect.Toolkit
	for _, text := range s.ComposioPlatforms {
		id, config, _ := strings.Cut(text, "=")
		toolkits = append(toolkits, composioconnect.Toolkit{ID: id, Title: strings.ToUpper(id[:min(len(id), 1)]) + id[min(len(id), 1):], AuthConfig: config})
	}
	more, err := composioconnect.New(s.ComposioKey, toolkits, nil)
	f.check("composio-platforms", err)
	o.Platforms = append(o.Platforms, more...)
}

type vaultCommand struct {
	Rotate vaultRotate `cmd:"" help:"Encrypt everything anew that is encrypted with an older one of the secret keys; afterwards those may go."`
}

type vaultRotate struct{}

// Run prints how much was encrypted anew by each old key.
func (vaultRotate) Run(ctx context.Context, c console, s *settings) error {
	all, err := s.options(s.logger(c.err))
	if err != nil {
		return err
	}
	o := &heycmo.Options{Log: all.Log, SecretKeys: all.SecretKeys, Platforms: all.Platforms}
	if len(o.SecretKeys) == 0 {
		if o.SecretKeys, err = developmentSecret(s.Database); err != nil {
			return err
		}
	}
	return s.withHost(ctx, o, func(admin *heycmo.Admin) error {
		done, err := admin.RotateSecrets(ctx)
		for _, id := range slices.Sorted(maps.Keys(done)) {
			fmt.Fprintf(c.out, "key %s: %d encrypted anew\n", id, done[id])
		}
		if err == nil && len(done) == 0 {
			fmt.Fprintln(c.out, "everything is encrypted with the newest key")
		}
		return err
	})
}
