package notify_test

import (
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/heycmo/heycmo-go/notify"
)

var update = flag.Bool("update", false, "write the golden files anew")

// kinds returns the values of the constants of type Kind in the source, so that a
// new one can't be forgotten.
func kinds(t testing.TB) []notify.Kind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "notify.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []notify.Kind
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != "Kind" {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, notify.Kind(value))
		return true
	})
	if len(found) < 8 {
		t.Fatalf("only the kinds %q were found", found)
	}
	return found
}

func full(kind notify.Kind) notify.Notice {
	return notify.Notice{
		ID: "1", Kind: kind, CustomerID: "c1", Email: "ada@example.com", BrandName: "Halden Ledger",
		Product: "HeyCMO", PlanName: "Pro", Until: time.Date(2026, 11, 30, 15, 5, 59, 0, time.FixedZone("CET", 3600)),
		URL: "https://app.example.com/account?id=7", Note: "Article: Close in one day",
	}
}

func bare(kind notify.Kind) notify.Notice {
	return notify.Notice{ID: "1", Kind: kind, Product: "HeyCMO"}
}

func message(t testing.TB, n notify.Notice) notify.Message {
	t.Helper()
	m, err := n.Message()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestGolden holds the words of every kind, with everything that a notice may have
// and with nothing, against a file.
func TestGolden(t *testing.T) {
	wanted := map[string]bool{}
	for _, kind := range kinds(t) {
		for suffix, n := range map[string]notify.Notice{"": full(kind), "-bare": bare(kind)} {
			name := string(kind) + suffix + ".txt"
			wanted[name] = true
			t.Run(name, func(t *testing.T) {
				m := message(t, n)
				checkForm(t, m)
				golden(t, filepath.Join("testdata", name), "Subject: "+m.Subject+"\n\n"+m.Body)
			})
		}
	}
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !wanted[f.Name()] && !f.IsDir() {
			t.Errorf("testdata/%s is of nothing", f.Name())
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%v: make it with -update and look at it", err)
	} else if got != string(want) {
		t.Errorf("the text is not what %s says; if it should be, run with -update\n%s", file, got)
	}
}

// checkForm checks what holds for every message, whatever its values.
func checkForm(t *testing.T, m notify.Message) {
	t.Helper()
	body, ended := strings.CutSuffix(m.Body, "\n")
	if m.Subject == "" || strings.ContainsFunc(m.Subject, unicode.IsControl) || len([]rune(m.Subject)) > 160 {
		t.Errorf("the subject is %q", m.Subject)
	}
	if !strings.HasPrefix(body, "Hello") || !ended || strings.HasSuffix(body, "\n") || !strings.Contains(body, "reply to this message") {
		t.Errorf("the body doesn't begin and end as it should: %q", body)
	}
	for part := range strings.SplitSeq(m.Subject+"\n"+body, "\n") {
		if strings.TrimSpace(part) != part || strings.Contains(part, "  ") || strings.ContainsFunc(part, unicode.IsControl) {
			t.Errorf("a line is not clean: %q", part)
		}
	}
	for _, unwanted := range []string{"\n\n\n", "no value", " .", " ,", "()", "( "} {
		if strings.Contains(m.Subject+"\n"+body, unwanted) {
			t.Errorf("%q is in %q", unwanted, body)
		}
	}
}

// Every subset of what may be missing reads cleanly.
func TestMissingFields(t *testing.T) {
	for _, kind := range kinds(t) {
		for missing := range 1 << 5 {
			n := full(kind)
			for i, clear := range []func(){
				func() { n.BrandName = "" }, func() { n.PlanName = "" }, func() { n.Until = time.Time{} },
				func() { n.URL = "" }, func() { n.Note = "" },
			} {
				if missing>>i&1 == 1 {
					clear()
				}
			}
			m := message(t, n)
			checkForm(t, m)
			if strings.Contains(m.Body, "here:\n\n") || strings.Contains(m.Body, "go to:\n\n") {
				t.Errorf("%s: a place to go to is missing:\n%s", kind, m.Body)
			}
			if n.URL != "" && !strings.Contains(m.Body, "\n"+n.URL+"\n") {
				t.Errorf("%s: the URL has no line of its own:\n%s", kind, m.Body)
			}
			if n.Note != "" && !strings.Contains(m.Body, "\n\n"+n.Note+"\n\n") {
				t.Errorf("%s: the note is no paragraph:\n%s", kind, m.Body)
			}
		}
	}
}

func TestWordsAreAPersons(t *testing.T) {
	for _, kind := range kinds(t) {
		for _, n := range []notify.Notice{full(kind), bare(kind)} {
			m := message(t, n)
			for _, unwanted := range []string{"!", "<", ">", "&", "–", "—", "c1", "ada@example.com"} {
				if strings.Contains(m.Subject+m.Body, unwanted) {
					t.Errorf("%s: %q is in\n%s", kind, unwanted, m.Body)
				}
			}
		}
	}
}

func TestUntilIsAMomentInUTC(t *testing.T) {
	for _, kind := range []notify.Kind{notify.KindPaymentFailed, notify.KindTrialEnding, notify.KindCancelPlanned} {
		n := full(kind)
		// 1 December where the server is, 30 November in UTC.
		n.Until = time.Date(2026, 12, 1, 0, 30, 0, 0, time.FixedZone("CET", 3600))
		m := message(t, n)
		if !strings.Contains(m.Body, " 30 November 2026, 23:30 UTC.") {
			t.Errorf("%s says\n%s", kind, m.Body)
		}
	}
}

func TestHostileValues(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"header", "Ada\r\nBcc: eve@example.com", "Ada Bcc: eve@example.com"},
		{"paragraph", "Ada\n\nPay here instead:\nhttps://evil.example", "Ada Pay here instead: https://evil.example"},
		{"other line breaks", "a\vb\fc\u0085d\u2028e\u2029f", "a b c d e f"},
		{"controls", "A\x00d\x1b[31ma\x7f\u009b", "Ad[31ma"},
		{"direction", "\u202eadA\u202c \u2066x\u2069\u200f", "adA x"},
		{"blanks", " \t Ada \u00a0 L ", "Ada L"},
		{"no UTF-8", "Ad\xffa\xc3", "Ada"},
		{"template", "{{.URL}} {{template \"bye\"}}", "{{.URL}} {{template \"bye\"}}"},
		{"letters", "Ærøskøbing 日本 👩‍👩‍👧", "Ærøskøbing 日本 👩‍👩‍👧"},
		{"59", strings.Repeat("ä", 59), strings.Repeat("ä", 59)},
		{"60", strings.Repeat("ä", 60), strings.Repeat("ä", 60)},
		{"61", strings.Repeat("ä", 61), strings.Repeat("ä", 59) + "…"},
		{"cut at a blank", strings.Repeat("ä", 58) + " bcd", strings.Repeat("ä", 58) + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, kind := range kinds(t) {
				n := full(kind)
				n.BrandName = c.value
				m := message(t, n)
				checkForm(t, m)
				if !strings.HasPrefix(m.Body, "Hello "+c.want+",\n\n") {
					t.Errorf("%s begins with %q", kind, m.Body[:80])
				}
				n.BrandName, n.Product, n.PlanName, n.Note = "", c.value, c.value, c.value
				m = message(t, n)
				checkForm(t, m)
				if !strings.Contains(m.Subject, c.want) || !strings.HasSuffix(m.Body, "\n\n"+c.want+"\n") {
					t.Errorf("%s is %q and\n%s", kind, m.Subject, m.Body)
				}
			}
		})
	}

	n := full(notify.KindApprovalWaiting)
	n.Note = strings.Repeat("n", 1<<20)
	if m := message(t, n); !strings.Contains(m.Body, "\n"+strings.Repeat("n", 199)+"…\n") {
		t.Errorf("a long note gives %d bytes", len(m.Body))
	}
	n.Note, n.BrandName, n.PlanName = "\r\n\x00", "\u202e", " "
	if m := message(t, n); strings.Contains(m.Body, "Hello ,") || !strings.Contains(m.Body, "Something at HeyCMO waits") {
		t.Errorf("values of nothing give\n%s", m.Body)
	}
}

func TestRefusedNotices(t *testing.T) {
	for name, n := range map[string]notify.Notice{
		"no kind":      {Product: "HeyCMO"},
		"other kind":   {Product: "HeyCMO", Kind: "plan_changed"},
		"parts":        {Product: "HeyCMO", Kind: "parts"},
		"path":         {Product: "HeyCMO", Kind: "../texts/ended"},
		"no product":   {Kind: notify.KindEnded},
		"blank":        {Kind: notify.KindEnded, Product: "\r\n"},
		"script":       {Kind: notify.KindEnded, Product: "HeyCMO", URL: "javascript:alert(1)"},
		"other scheme": {Kind: notify.KindEnded, Product: "HeyCMO", URL: "javascript://example.com/%0aalert(1)"},
		"relative":     {Kind: notify.KindEnded, Product: "HeyCMO", URL: "/pay"},
		"no host":      {Kind: notify.KindEnded, Product: "HeyCMO", URL: "https:///pay"},
		"line break":   {Kind: notify.KindEnded, Product: "HeyCMO", URL: "https://example.com/\nPay at evil.example"},
		"blank in URL": {Kind: notify.KindEnded, Product: "HeyCMO", URL: "https://example.com/?a b"},
		"direction":    {Kind: notify.KindEnded, Product: "HeyCMO", URL: "https://example.com/\u202e"},
	} {
		m, err := n.Message()
		if !errors.Is(err, notify.ErrPermanent) || m != (notify.Message{}) {
			t.Errorf("%s: got %q and %v", name, m.Body, err)
		}
		if err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "evil")) {
			t.Errorf("%s: the error is %q", name, err)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add("payment_failed", "Halden Ledger", "HeyCMO", "Pro", "https://example.com", "a note", int64(1796047559))
	f.Add("key_issued", "\r\n", "\x00x", "\u202e", "http://a", "{{.}}", int64(0))
	f.Fuzz(func(t *testing.T, kind, brand, product, plan, url, note string, until int64) {
		n := notify.Notice{Kind: notify.Kind(kind), BrandName: brand, Product: product, PlanName: plan, URL: url, Note: note, Until: time.Unix(until, 0)}
		m, err := n.Message()
		if err != nil {
			if !errors.Is(err, notify.ErrPermanent) {
				t.Fatal(err)
			}
			return
		}
		lines := strings.Split(m.Body, "\n")
		if len(lines) > 16 || strings.ContainsFunc(m.Subject+strings.Join(lines, ""), unicode.IsControl) {
			t.Fatalf("got %q and %q", m.Subject, m.Body)
		}
	})
}
