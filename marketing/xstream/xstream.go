// Package xstream sorts posts of X that matched a customer's rules, by rules of its own
// and without a model: a noisy rule may match a thousand times a day.
//
//	r := xstream.Route(post, xstream.Rules{Brand: []string{"acme"}, Competitors: []string{"globex"}})
//	fmt.Println(r.Bucket, r.Signal, r.Reasons)
//
// # How
//
// A post is noise when it has fewer than three words beside links and tags, when it is a
// repost, when its author is the brand itself, or when nothing below fits. Otherwise the first that
// fits counts: a brand mention names the brand; a lead signal asks for what the
// customer sells, in the words of Rules.Leads or in usual ones ("looking for", "any
// recommendations", "alternative to", …); a competitor post names one of them. A post
// that names a competitor and asks for an alternative is a lead signal.
//
// The signal is high when an authoritative author (verified, or with 5,000 followers or more)
// names the brand and the post asks something, complains, or has 5 replies or more; medium when
// one of these is true; and low otherwise.
package xstream

import (
	"regexp"
	"slices"
	"strings"

	"github.com/heycmo/heycmo-go/internal/plain"
)

// Post is a post of X.
type Post struct {
	ID        string
	Text      string
	Author    string // without "@"
	Followers int
	Verified  bool
	Replies   int
	Repost    bool
}

// Rules are what a customer's posts are sorted by. Words count whole, in any case.
type Rules struct {
	Brand       []string // the brand's names
	Handles     []string // its own accounts, without "@"
	Competitors []string
	Leads       []string // words of somebody who looks for what the customer sells
}

// Bucket is what a post is.
type Bucket string

// The buckets.
const (
	BrandMention Bucket = "brand_mention"
	Competitor   Bucket = "competitor"
	LeadSignal   Bucket = "lead_signal"
	Noise        Bucket = "noise"
)

// Signal is how much a post calls for an answer.
type Signal string

// The signals.
const (
	High   Signal = "high"
	Medium Signal = "medium"
	Low    Signal = "low"
)

// Routed is where a post belongs, and why.
type Routed struct {
	Bucket  Bucket
	Signal  Signal
	Reasons []string
}

const (
	authority   = 5000 // followers
	manyReplies = 5
)

var (
	tag     = regexp.MustCompile(`(?i)https?://\S+|[#@]\S+`)
	leading = []string{"looking for", "any recommendations", "recommend a", "alternative to", "alternatives to", "anyone know", "can anyone suggest", "need a tool", "switching from", "what do you use"}
	upset   = []string{"broken", "doesn't work", "does not work", "terrible", "awful", "worst", "scam", "refund", "disappointed", "cancel"}
)

// Route sorts a post.
func Route(p Post, r Rules) Routed {
	names := plain.Has(p.Text, r.Brand)
	for _, handle := range r.Handles {
		names = names || plain.Has(p.Text, []string{"@" + handle})
	}
	looks, rival := plain.Has(p.Text, leading) || plain.Has(p.Text, r.Leads), plain.Has(p.Text, r.Competitors)
	switch {
	case slices.ContainsFunc(r.Handles, func(h string) bool { return strings.EqualFold(h, p.Author) }):
		return Routed{Noise, Low, []string{"it is the brand's own post"}}
	case p.Repost:
		return Routed{Noise, Low, []string{"it is a repost"}}
	case len(strings.Fields(tag.ReplaceAllString(p.Text, " "))) < 3:
		return Routed{Noise, Low, []string{"it has fewer than three words of its own"}}
	case names:
		return signalled(p, Routed{Bucket: BrandMention, Reasons: []string{"it names the brand"}})
	case looks && rival:
		return signalled(p, Routed{Bucket: LeadSignal, Reasons: []string{"it looks for something beside a competitor"}})
	case looks:
		return signalled(p, Routed{Bucket: LeadSignal, Reasons: []string{"it looks for what is sold"}})
	case rival:
		return signalled(p, Routed{Bucket: Competitor, Reasons: []string{"it names a competitor"}})
	}
	return Routed{Noise, Low, []string{"it names neither the brand nor a competitor, and looks for nothing"}}
}

func signalled(p Post, r Routed) Routed {
	author := p.Verified || p.Followers >= authority
	wants := strings.Contains(p.Text, "?") || plain.Has(p.Text, upset) || p.Replies >= manyReplies
	if author {
		r.Reasons = append(r.Reasons, "the author is verified or has 5,000 followers")
	}
	if wants {
		r.Reasons = append(r.Reasons, "it asks, complains, or is much answered")
	}
	switch {
	case author && wants && r.Bucket == BrandMention:
		r.Signal = High
	case author || wants:
		r.Signal = Medium
	default:
		r.Signal = Low
	}
	return r
}
