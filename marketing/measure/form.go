package measure

import (
	"slices"
	"strings"
	"unicode"
)

// Form is a kind of text, as far as it is measured in another way.
type Form string

// The forms.
const (
	FormArticle  Form = "article"
	FormPage     Form = "page"
	FormPost     Form = "post"
	FormEmail    Form = "email"
	FormAd       Form = "ad"
	FormInternal Form = "internal" // for the team, such as a plan or a report
	FormOther    Form = "other"
)

// formWords are the words that tell the form of a type; the first found counts.
var formWords = []struct {
	form  Form
	words []string
}{
	{FormInternal, []string{
		"plan", "report", "analysis", "research", "brief", "audit", "strategy", "calendar", "notes", "summary", "review", "layout",
		"experiment", "campaign", "positioning", "naming", "message", "messaging", "voice", "interview", "prep", "battlecard", "script",
	}},
	{FormAd, []string{"ad", "ads", "advert", "advertisement"}},
	{FormEmail, []string{"email", "mail", "newsletter"}},
	{FormArticle, []string{"blog", "blogpost"}},
	{FormPost, []string{"post", "tweet", "thread", "caption"}},
	{FormPage, []string{"page", "homepage", "website"}},
	{FormArticle, []string{"article", "guide", "study", "story", "tutorial", "faq", "comparison", "press", "whitepaper", "essay", "glossary"}},
}

// FormOf tells the form of a piece by the words of its type: social_post is a
// post, landing_page a page, case_study an article, page_review and ad_campaign
// are internal. Another type is an article on the channel blog and else has no
// form that is known, since what is meant for a channel may be many texts in one.
//
//	form     range                      limit of the platform
//	article  400 to 2,500 words
//	page     150 to 1,500 words
//	email    50 to 300 words, as a newsletter 100 to 800
//	post     linkedin   600 to 1,300    3,000 characters
//	         x          40 to 280       280, as X counts them
//	         instagram  80 to 1,000     2,200 characters
//	         facebook   40 to 500       63,206 characters
//	         threads    40 to 500       500 characters
//	         bluesky    40 to 300       300 characters
//	         mastodon   40 to 500       500 characters
//	ad       google     headlines to 30, descriptions to 90, paths to 15 characters each
//	         facebook, instagram, meta  30 to 125 characters
//	         linkedin   30 to 150 characters
//
// The limits are the platforms' own, for accounts that don't pay for more; Google
// Ads' are those of responsive search ads. Meta and LinkedIn cut an ad's text off
// near the end of its range. The other ranges are what practitioners advise. For
// articles no source has a number that holds everywhere: Google says that it has
// no preferred word count.
//
// X counts an address as 23 characters, and characters outside of Latin and its
// neighbours as two (twitter-text, configuration 3). A rule (---) parts the posts
// of a thread. Posts and ads are counted as they stand, with their marks.
func FormOf(kind, channel string) Form {
	words := tags(kind)
	for _, f := range formWords {
		for _, w := range f.words {
			if slices.Contains(words, w) {
				return f.form
			}
		}
	}
	if slices.Contains(tags(channel), "blog") {
		return FormArticle
	}
	return FormOther
}

// tags returns the words of a type or channel.
func tags(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// span is a range of lengths.
type span struct {
	least, most int
	limit       int // 0 for none
}

// platform is where a post or an ad appears.
type platform struct {
	name string
	tags []string
	span
}

var postRanges = []platform{
	{"LinkedIn", []string{"linkedin"}, span{600, 1300, 3000}},
	{"X", []string{"x", "twitter", "tweet"}, span{40, 280, 280}},
	{"Instagram", []string{"instagram"}, span{80, 1000, 2200}},
	{"Facebook", []string{"facebook"}, span{40, 500, 63206}},
	{"Threads", []string{"threads"}, span{40, 500, 500}},
	{"Bluesky", []string{"bluesky"}, span{40, 300, 300}},
	{"Mastodon", []string{"mastodon"}, span{40, 500, 500}},
}

var adRanges = []platform{
	{"Google", []string{"google", "search", "sem"}, span{}},
	{"Meta", []string{"facebook", "instagram", "meta"}, span{30, 125, 0}},
	{"LinkedIn", []string{"linkedin"}, span{30, 150, 0}},
}

func platformOf(platforms []platform, channel string) (platform, bool) {
	words := tags(channel)
	for _, p := range platforms {
		for _, t := range p.tags {
			if slices.Contains(words, t) {
				return p, true
			}
		}
	}
	return platform{}, false
}
