package xstream_test

import (
	"testing"

	"github.com/heycmo/heycmo-go/marketing/xstream"
)

func TestRoute(t *testing.T) {
	rules := xstream.Rules{Brand: []string{"Acme"}, Handles: []string{"acme_hq"}, Competitors: []string{"Globex"}, Leads: []string{"anvil"}}
	for _, c := range []struct {
		post   xstream.Post
		bucket xstream.Bucket
		signal xstream.Signal
	}{
		{xstream.Post{Text: "Does Acme ship to Norway?", Followers: 5000}, xstream.BrandMention, xstream.High},
		{xstream.Post{Text: "Acme is broken again today", Verified: true}, xstream.BrandMention, xstream.High},
		{xstream.Post{Text: "Does Acme ship to Norway?", Followers: 4999}, xstream.BrandMention, xstream.Medium},
		{xstream.Post{Text: "I like Acme a lot", Followers: 9000}, xstream.BrandMention, xstream.Medium},
		{xstream.Post{Text: "I like Acme a lot", Replies: 5}, xstream.BrandMention, xstream.Medium},
		{xstream.Post{Text: "I like Acme a lot", Replies: 4}, xstream.BrandMention, xstream.Low},
		{xstream.Post{Text: "Hey @acme_hq have a look"}, xstream.BrandMention, xstream.Low},
		{xstream.Post{Text: "Any alternative to Globex out there?"}, xstream.LeadSignal, xstream.Medium},
		{xstream.Post{Text: "Looking for something to drop on coyotes", Verified: true}, xstream.LeadSignal, xstream.Medium},
		{xstream.Post{Text: "I want an anvil of my own"}, xstream.LeadSignal, xstream.Low},
		{xstream.Post{Text: "Globex opens an office in town"}, xstream.Competitor, xstream.Low},
		{xstream.Post{Text: "Globex is terrible, is it not?", Verified: true}, xstream.Competitor, xstream.Medium},
		{xstream.Post{Text: "Acmeism was a school of poets"}, xstream.Noise, xstream.Low},
		{xstream.Post{Text: "Acme! https://x.com/a #acme @bob"}, xstream.Noise, xstream.Low},
		{xstream.Post{Text: "Does Acme ship to Norway?", Repost: true, Verified: true}, xstream.Noise, xstream.Low},
		{xstream.Post{Text: "Acme has news for you", Author: "ACME_HQ"}, xstream.Noise, xstream.Low},
		{xstream.Post{}, xstream.Noise, xstream.Low},
	} {
		got := xstream.Route(c.post, rules)
		if got.Bucket != c.bucket || got.Signal != c.signal || len(got.Reasons) == 0 {
			t.Errorf("%+v: %+v, want %s %s", c.post, got, c.bucket, c.signal)
		}
	}
	if got := xstream.Route(xstream.Post{Text: "There is something here"}, xstream.Rules{Brand: []string{""}}); got.Bucket != xstream.Noise {
		t.Errorf("a brand without a name: %+v", got)
	}
}
