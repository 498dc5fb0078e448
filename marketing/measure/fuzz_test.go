package measure_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/marketing/measure"
)

// FuzzOf: whatever the text, the figures keep their range and come out the same.
func FuzzOf(f *testing.F) {
	for i, kind := range []string{"article", "page", "email", "social_post", "ad", "plan", "other"} {
		f.Add(sample(f, "hype"), kind, "x", "month-end close", sample(f, "dry-1"), i)
		f.Add(sample(f, "same"), kind, "google", "bank", sample(f, "dry-2"), i)
		f.Add(sample(f, "deutsch"), kind, "newsletter", "Konto", sample(f, "deutsch"), i)
	}
	f.Add("\xff\xfe![[](]({{<[^<!--", "article", "", "\u0301", "\x00", 9)
	f.Add("## \n> \n| |\n- \n1. \n```", "page", "blog", "'", "“", 3)
	f.Add("字。"+strings.Repeat("字", 99)+"ไทย", "social_post", "x", "字字", "「字」", 3)
	f.Fuzz(func(t *testing.T, body, kind, channel, keyword, text string, n int) {
		samples := make([]string, min(max(n, 0), 12))
		for i := range samples {
			samples[i] = text + strings.Repeat(" "+keyword+" and "+fmt.Sprint(i), i)
		}
		check(t, measure.Piece{
			Title: keyword, Body: body, Type: kind, Channel: channel, Voice: "never “" + keyword + "”, " + text, Website: channel,
			Keywords: []string{keyword, channel}, BrandKeywords: []string{keyword, kind}, Samples: samples,
		})
		check(t, measure.Piece{Title: keyword, Body: body, Type: kind, BrandKeywords: []string{text, keyword}, Samples: samples})
	})
}

// full is a piece with everything that can be measured, of about size bytes.
func full(tb testing.TB, text string, size int) measure.Piece {
	keywords := make([]string, 50)
	for i := range keywords {
		keywords[i] = fmt.Sprintf("month-end %d", i)
	}
	return measure.Piece{
		Title: "Month-end close", Type: "article", Body: strings.Repeat(text+"\n\n", size/(len(text)+2)), BrandKeywords: keywords,
		Samples: append(dry(tb), dry(tb)...), Voice: "Never “synergy”.", Website: "https://example.com",
	}
}

// TestLinear: twenty times the text takes about twenty times as long, also when it is
// made to be slow. The bound leaves room for a busy machine.
func TestLinear(t *testing.T) {
	for _, text := range []string{
		"[", "![", "](", "[^", "{{", "<a", "<!--", "*_*", "“", "„", "\"", "「", "https://", "> ", "- ", "|", "#", "a.", "e\u0301", "字", "month-end ", "- a\n- b\n", "---\n", "!?…",
	} {
		took := func(size int) time.Duration {
			p := full(t, "", 0)
			p.Body = sample(t, "same") + "\n\n" + strings.Repeat(text, size/len(text)) + " end"
			best := time.Hour
			for range 2 {
				began := time.Now()
				measure.Of(p)
				best = min(best, time.Since(began))
			}
			return best
		}
		small, large := took(10_000), took(200_000)
		if large > 150*small { // 400 would be quadratic
			t.Errorf("%q: %v for 10 KB, %v for 200 KB", text, small, large)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	for _, name := range []string{"same", "hype"} {
		b.Run(name+" 100 KB", func(b *testing.B) {
			p := full(b, sample(b, name), 100_000)
			b.SetBytes(int64(len(p.Body)))
			b.ReportAllocs()
			for b.Loop() {
				measure.Of(p)
			}
		})
	}
	b.Run("article with 10 samples", func(b *testing.B) {
		p := full(b, sample(b, "same"), 6000)
		p.Samples = append(p.Samples, dry(b)[:2]...)
		b.ReportAllocs()
		for b.Loop() {
			measure.Of(p)
		}
	})
}
