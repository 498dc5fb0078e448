package measure_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/marketing/measure"
)

func Example() {
	result := measure.Of(measure.Piece{
		Type:     "social_post",
		Channel:  "x",
		Body:     strings.Repeat("Month-end close in a day. ", 12),
		Keywords: []string{"month-end close"},
	})
	fmt.Println(*result.Values.Length, result.Notes.Length)
	fmt.Println(result.Improve[0])
	fmt.Println(result.Values.BrandVoice == nil, result.Notes.BrandVoice)
	// Output:
	// 0 311 characters; the limit of a post on X is 280
	// Cut 31 characters: the limit of a post on X is 280.
	// true not measured: it takes 3 approved pieces in the same language with 300 words together, and there are 0 with 0
}

// sample returns a file of testdata/voice.
func sample(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "voice", name+".md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func dry(t testing.TB) []string {
	t.Helper()
	return []string{sample(t, "dry-1"), sample(t, "dry-2"), sample(t, "dry-3"), sample(t, "dry-4")}
}

// values returns the figures by name.
func values(v measure.Values) map[string]*float64 {
	return map[string]*float64{
		"readability": v.Readability, "keywords": v.Keywords, "length": v.Length, "brandVoice": v.BrandVoice, "citability": v.Citability,
	}
}

func show(v *float64) string {
	if v == nil {
		return "nil"
	}
	return fmt.Sprint(*v)
}

// check holds a result against what is true of every result.
func check(t *testing.T, p measure.Piece) measure.Result {
	t.Helper()
	r := measure.Of(p)
	notes := map[string]string{
		"readability": r.Notes.Readability, "keywords": r.Notes.Keywords, "length": r.Notes.Length,
		"brandVoice": r.Notes.BrandVoice, "citability": r.Notes.Citability,
	}
	for name, v := range values(r.Values) {
		if v != nil && (!(*v >= 0 && *v <= 1) || math.Abs(*v*100-math.Round(*v*100)) > 1e-9) {
			t.Errorf("%s is %v, want 0 to 1 in steps of 0.01", name, *v)
		}
		if (v == nil) != strings.HasPrefix(notes[name], "not measured: ") || notes[name] == "" {
			t.Errorf("%s is %s with the note %q", name, show(v), notes[name])
		}
	}
	if r.Improve == nil || len(r.Improve) > measure.MaxImprove {
		t.Errorf("there are %d sentences on what to improve", len(r.Improve))
	}
	seen := map[string]bool{}
	for _, s := range r.Improve {
		if len([]rune(s)) > 300 || strings.ContainsAny(s, "\n\x00%") && strings.Contains(s, "%!") || seen[s] {
			t.Errorf("advice %q", s)
		}
		seen[s] = true
	}
	if again := measure.Of(p); !reflect.DeepEqual(again, r) {
		t.Errorf("the same piece gave\n%+v and\n%+v", r, again)
	}
	return r
}

// TestDirection holds each measure against pairs of a worse and a better text.
func TestDirection(t *testing.T) {
	long := "In order to facilitate the implementation of the aforementioned reconciliation infrastructure, which has been communicated to all relevant stakeholders in the preceding period, it is necessary that the organisation undertakes a comprehensive evaluation of its operational capabilities, and that the results thereof are presented for consideration."
	short := "We want to close the books sooner. For that we must know what the team can do today. So we look at the work first and write down what we find. Then we show it to you, and you tell us what to change before we start."
	article := func(body string) measure.Piece {
		return measure.Piece{Type: "article", Title: "A title", Body: body, Keywords: []string{"month-end close"}}
	}
	filler := func(n int) string {
		return strings.TrimSpace(strings.Repeat("We look at the work first and write down what we find. ", (n+10)/11))
	}
	with := func(p measure.Piece, change func(*measure.Piece)) measure.Piece {
		change(&p)
		return p
	}
	voiced := func(name string) measure.Piece {
		return measure.Piece{Type: "article", Body: sample(t, name), Samples: dry(t)}
	}
	section := "Closing the month means that every account agrees with the bank before the reports are made."
	for _, test := range []struct {
		measure, name string
		worse, better measure.Piece
	}{
		{"readability", "English: short sentences and words", article(long), article(short)},
		{
			"readability", "German",
			article(strings.Repeat("Die Durchführung der Kontenabstimmungsmaßnahmen erfolgt in Übereinstimmung mit den Geschäftsbedingungen, die den Verantwortlichen der Organisationseinheiten rechtzeitig bekanntgegeben und von diesen entsprechend berücksichtigt wurden, soweit dies im Einzelfall erforderlich ist. ", 3)),
			article("Wir gleichen die Konten ab. Das machen wir jeden Tag und nicht nur am Ende. Wenn etwas nicht passt, fragen wir dich gleich. Du sagst uns, was es war, und wir tragen es ein. So ist am Ende des Monats fast alles fertig."),
		},
		{
			"readability", "Chinese: short sentences",
			article(strings.Repeat("我们每天晚上从银行取得所有账户的交易记录并且自动进行匹配然后将无法匹配的项目发送给负责的同事以便他们在记忆仍然清晰的时候回答问题而不是等到三个星期以后再去寻找原因，", 2) + "完成。"),
			article("我们每天从银行取得交易记录。大部分可以自动匹配。其余的我们会问你。你马上回答就可以。月底的时候几乎没有剩下的工作。这样一天就能结账。请先用一个账户试试看。"),
		},
		{"keywords", "in the title", article(filler(50)), with(article(filler(50)), func(p *measure.Piece) { p.Title = "Month-end close in a day" })},
		{"keywords", "in the H1", article("# Faster\n\nThe month-end close. " + filler(50)), article("# Faster month-end closes\n\nThe month-end close. " + filler(50))},
		{"keywords", "at the beginning", article(filler(300) + " The month-end close."), article("The month-end close. " + filler(300))},
		{"keywords", "in a subheading", article("## Why\n\nThe month-end close. " + filler(50)), article("## Why month-end close\n\nThe month-end close. " + filler(50))},
		{"keywords", "often enough", article("The month-end close. " + filler(2000)), article("The month-end close. " + filler(900) + strings.Repeat(" The month-end close is near. "+filler(150), 6))},
		{"keywords", "not stuffed", article(strings.Repeat("Month-end close! ", 40) + filler(50)), article("Month-end close! " + filler(150))},
		{
			"keywords", "others",
			with(article("The month-end close. "+filler(50)), func(p *measure.Piece) { p.Keywords = []string{"month-end close", "bank feed"} }),
			with(article("The month-end close and the bank feed. "+filler(50)), func(p *measure.Piece) { p.Keywords = []string{"month-end close", "bank feed"} }),
		},
		{"length", "too short", article(filler(100)), article(filler(450))},
		{"length", "too long", article(filler(5000)), article(filler(2600))},
		{
			"length", "over the limit", measure.Piece{Type: "social_post", Channel: "linkedin", Body: filler(700)},
			measure.Piece{Type: "social_post", Channel: "linkedin", Body: filler(400)},
		},
		{"brandVoice", "hype", voiced("hype"), voiced("same")},
		{"brandVoice", "officialese", voiced("corporate"), voiced("same")},
		{"brandVoice", "words ruled out", with(voiced("same"), func(p *measure.Piece) { p.Voice = "Dry. Never “bank feed” or “synergy”." }), voiced("same")},
		{"citability", "quotation", article(filler(60)), article(filler(60) + "\n\n> We closed March in a day, says Ada.")},
		{"citability", "quotation in the text", article(filler(60)), article(filler(60) + " “We closed the whole of March in a day”, says Ada.")},
		{"citability", "numbers", article(filler(60) + " Some firms."), article(filler(60) + " 14 of 20 firms.")},
		{"citability", "link to a source", article(filler(60) + " [Study](/study)"), article(filler(60) + " [Study](https://example.org/study)")},
		{"citability", "named source", article(filler(60)), article(filler(60) + " According to the bank it holds.")},
		{"citability", "question as heading", article("## Closing\n\n" + section + filler(60)), article("## What is closing?\n\n" + section + filler(60))},
		{"citability", "short answer", article("## Closing\n\n" + section + filler(120)), article("## Closing\n\n" + section + "\n\n" + filler(120))},
		{"citability", "list", article(filler(60) + "\n\nOne\n\nTwo"), article(filler(60) + "\n\n- One\n- Two")},
		{"citability", "table", article(filler(60)), article(filler(60) + "\n\n| Firm | Days |\n|---|---|\n| Ours | one |")},
	} {
		worse, better := values(check(t, test.worse).Values)[test.measure], values(check(t, test.better).Values)[test.measure]
		if worse == nil || better == nil || *worse >= *better {
			t.Errorf("%s, %s: the worse has %s, the better %s", test.measure, test.name, show(worse), show(better))
		}
	}
}

// TestNotMeasured: what can't be taken is nil, and says why.
func TestNotMeasured(t *testing.T) {
	text := sample(t, "same")
	for _, test := range []struct {
		measure string
		piece   measure.Piece
		want    string
	}{
		{"readability", measure.Piece{Body: "Too short."}, "2 words of running text are too few, it takes 30"},
		{"readability", measure.Piece{}, "0 words"},
		{"readability", measure.Piece{Body: strings.Repeat("בנק ", 40)}, "no formula to rely on for Hebrew"},
		{"readability", measure.Piece{Body: strings.Repeat("ธนาคาร ", 40)}, "no formula to rely on for Thai"},
		{"keywords", measure.Piece{Body: text, Type: "article"}, "there are no keywords"},
		{"keywords", measure.Piece{Body: text, Type: "article", Keywords: []string{"!"}}, "there are no keywords"},
		{"keywords", measure.Piece{Body: text, Type: "email", BrandKeywords: []string{"bank"}}, "give the piece its own"},
		{"keywords", measure.Piece{Body: text, Type: "plan", Keywords: []string{"bank"}}, "nobody searches"},
		{"keywords", measure.Piece{Body: "!", Keywords: []string{"bank"}}, "there is no text"},
		{"length", measure.Piece{Body: text, Type: "plan"}, "no length is known"},
		{"length", measure.Piece{Body: text, Type: "social_post"}, "without a channel"},
		{"length", measure.Piece{Body: text, Type: "ad"}, "without a channel"},
		{"length", measure.Piece{Body: "---", Type: "post", Channel: "x"}, "there is no text"},
		{"brandVoice", measure.Piece{Body: text, Samples: dry(t)[:2]}, "it takes 3 approved pieces in the same language with 300 words together, and there are 2 with 264"},
		{"brandVoice", measure.Piece{Body: text, Samples: []string{"It is a day.", "It is a day.", "It is a day."}}, "there are 3 with 12"},
		{"brandVoice", measure.Piece{Body: sample(t, "deutsch"), Samples: dry(t)}, "there are 0 with 0"},
		{"brandVoice", measure.Piece{Body: "Short.", Samples: dry(t)}, "1 words are too few"},
		{"brandVoice", measure.Piece{Body: text, Type: "plan", Samples: dry(t)}, "needs no brand voice"},
		{"citability", measure.Piece{Body: text, Type: "email"}, "it is for articles and pages"},
		{"citability", measure.Piece{Body: "Short.", Type: "article"}, "too few"},
	} {
		r := check(t, test.piece)
		note := map[string]string{
			"readability": r.Notes.Readability, "keywords": r.Notes.Keywords, "length": r.Notes.Length,
			"brandVoice": r.Notes.BrandVoice, "citability": r.Notes.Citability,
		}[test.measure]
		if v := values(r.Values)[test.measure]; v != nil || !strings.Contains(note, test.want) {
			t.Errorf("%s of %.40q: %s, %q, want nil and %q", test.measure, test.piece.Body, show(v), note, test.want)
		}
	}
}

// TestImprove: what gains most comes first, and what is over a limit before all.
func TestImprove(t *testing.T) {
	r := check(t, measure.Piece{
		Type: "social_post", Channel: "LinkedIn", Body: strings.Repeat(sample(t, "hype"), 4),
		Keywords: []string{"bank feed", "month-end close"}, Samples: dry(t), Voice: `Plain. Don't say "game-changing".`,
	})
	if len(r.Improve) != measure.MaxImprove || !strings.HasPrefix(r.Improve[0], "Cut ") {
		t.Errorf("improve %q", r.Improve)
	}
	r = check(t, measure.Piece{Type: "email", Body: sample(t, "same"), Samples: dry(t), Voice: `Plain. Don't say "bank feed".`})
	if len(r.Improve) != 1 || r.Improve[0] != "Don't use “bank feed”: the brand's voice rules it out." {
		t.Errorf("improve %q", r.Improve)
	}
	// A text that is as it should be gets no advice.
	if r = check(t, measure.Piece{Type: "email", Body: sample(t, "same"), Samples: dry(t)}); len(r.Improve) != 0 {
		t.Errorf("improve %q", r.Improve)
	}
}

// TestVoiceTellsApart: figures of the same hand stay clear of those of others.
func TestVoiceTellsApart(t *testing.T) {
	all := dry(t)
	for i, text := range all {
		others := append(append([]string{}, all[:i]...), all[i+1:]...)
		if v := check(t, measure.Piece{Type: "article", Body: text, Samples: others}).Values.BrandVoice; v == nil || *v < 0.75 {
			t.Errorf("sample %d has %s, want 0.75 and more", i+1, show(v))
		}
	}
	for name, most := range map[string]float64{"hype": 0.4, "corporate": 0.4} {
		if v := check(t, measure.Piece{Type: "article", Body: sample(t, name), Samples: all}).Values.BrandVoice; v == nil || *v > most {
			t.Errorf("%s has %s, want at most %v", name, show(v), most)
		}
	}
}

func TestFormOf(t *testing.T) {
	for _, test := range []struct {
		kind, channel string
		want          measure.Form
	}{
		{"article", "blog", measure.FormArticle},
		{"article", "linkedin", measure.FormArticle},
		{"blog_post", "", measure.FormArticle},
		{"case_study", "", measure.FormArticle},
		{"text", "Blog", measure.FormArticle},
		{"landing_page", "", measure.FormPage},
		{"social_post", "x", measure.FormPost},
		{"carousel", "instagram", measure.FormOther},
		{"replies", "linkedin", measure.FormOther},
		{"page_review", "", measure.FormInternal},
		{"ad_campaign", "google", measure.FormInternal},
		{"voice_guide", "", measure.FormInternal},
		{"video_script", "", measure.FormInternal},
		{"press_release", "", measure.FormArticle},
		{"release_note", "", measure.FormOther},
		{"email", "", measure.FormEmail},
		{"newsletter", "", measure.FormEmail},
		{"outreach", "email", measure.FormOther},
		{"ad", "google", measure.FormAd},
		{"text_ad", "", measure.FormAd},
		{"plan", "blog", measure.FormInternal},
		{"content-calendar", "linkedin", measure.FormInternal},
		{"podcast", "", measure.FormOther},
		{"", "", measure.FormOther},
	} {
		if got := measure.FormOf(test.kind, test.channel); got != test.want {
			t.Errorf("FormOf(%q, %q) = %s, want %s", test.kind, test.channel, got, test.want)
		}
	}
}

func TestLength(t *testing.T) {
	for _, test := range []struct {
		kind, channel, body string
		want                float64
		note                string
	}{
		{"article", "", strings.Repeat("word ", 200), 0.5, "200 words; an article has 400 to 2,500"},
		{"article", "", strings.Repeat("word ", 400), 1, "400 words"},
		{"article", "", strings.Repeat("字", 800), 1, "400 words"},
		{"article", "", strings.Repeat("word ", 5000), 0.5, "5,000 words"},
		{"article", "", "```\n" + strings.Repeat("code ", 500) + "\n```\nfive words are in here", 0.01, "5 words"},
		{"page", "", strings.Repeat("word ", 150), 1, "a page"},
		{"email", "", strings.Repeat("word ", 300), 1, "an e-mail"},
		{"email", "newsletter", strings.Repeat("word ", 400), 1, "a newsletter"},
		{"social_post", "linkedin", strings.Repeat("a", 3000), 0.43, "3,000 characters"},
		{"social_post", "linkedin", strings.Repeat("ä", 3001), 0, "the limit of a post on LinkedIn is 3,000"},
		{"social_post", "x", strings.Repeat("ä", 280), 1, "280 characters"},
		{"social_post", "x", strings.Repeat("a", 281), 0, "281 characters; the limit of a post on X is 280"},
		{"social_post", "x", strings.Repeat("字", 140), 1, "280 characters"},
		{"social_post", "x", strings.Repeat("字", 141), 0, "282 characters"},
		{"social_post", "x", strings.Repeat("a", 256) + " https://example.com/" + strings.Repeat("b", 300), 1, "280 characters"},
		{"social_post", "x", strings.Repeat("a", 280) + "\n\n---\n\n" + strings.Repeat("b", 280), 1, "worst of 2 posts"},
		{"social_post", "x", strings.Repeat("a", 280) + "\n---\n" + strings.Repeat("b", 300), 0, "worst of 2 posts: 300"},
		{"tweet", "", strings.Repeat("#a ", 94), 0, "281 characters"},
		{"social_post", "instagram", strings.Repeat("a", 2201), 0, "the limit of a post on Instagram is 2,200"},
		{"ad", "meta", strings.Repeat("a", 250), 0.5, "an ad on Meta"},
		{"ad", "google", "## Headlines\n- " + strings.Repeat("a", 30) + "\n- " + strings.Repeat("b", 31) + "\n\n## Descriptions\n" + strings.Repeat("c", 90), 0.67, "2 of 3 lines"},
		{"ad", "google", "**Headline 1:** " + strings.Repeat("a", 30) + "\nDescription: " + strings.Repeat("b", 91), 0.5, "1 of 2 lines"},
		{"ad", "google", "Headline: " + strings.Repeat("字", 16), 0, "0 of 1 lines"},
	} {
		r := check(t, measure.Piece{Type: test.kind, Channel: test.channel, Body: test.body})
		if v := r.Values.Length; v == nil || *v != test.want || !strings.Contains(r.Notes.Length, test.note) {
			t.Errorf("%s on %q, %.30q…: %s, %q, want %v, %q", test.kind, test.channel, test.body, show(v), r.Notes.Length, test.want, test.note)
		}
	}
}

func TestKeywords(t *testing.T) {
	const body = "Month-end closes take a day. The CAFÉ is near. 月末结算很快。 We look at the work first."
	for _, test := range []struct {
		name    string
		keyword []string
		brands  []string
		note    string
	}{
		{"endings and hyphens", []string{"month end close"}, nil, "“month end close”: 1 times"},
		{"decomposed accents", []string{"cafe\u0301"}, nil, "“café”: 1 times"},
		{"Chinese", []string{"月末结算"}, nil, "“月末结算”: 1 times"},
		{"not across sentences", []string{"day the café"}, nil, "0 times"},
		{"not inside of words", []string{"loo"}, nil, "0 times"},
		{"its own before the brand's", []string{"absent"}, []string{"café"}, "“absent”: 0 times"},
		{"the brand's that fits best", nil, []string{"absent", "work", "month-end close"}, "“month-end close” of the brand's keywords: 1 times"},
		{"none of the brand's", nil, []string{"absent", "gone"}, "none of the brand's keywords occurs"},
	} {
		r := check(t, measure.Piece{Type: "article", Title: "Month-end close", Body: body, Keywords: test.keyword, BrandKeywords: test.brands})
		if note := r.Notes.Keywords; !strings.Contains(note, test.note) {
			t.Errorf("%s: %q, want %q", test.name, note, test.note)
		}
	}
}
