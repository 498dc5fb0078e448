package citation_test

import (
	"testing"

	"github.com/heycmo/heycmo-go/marketing/citation"
)

func TestFind(t *testing.T) {
	acme := citation.Brand{Terms: []string{"Acme", "Acme Corp"}, Domains: []string{"www.acme.com"}}
	for answer, want := range map[string]citation.Found{
		"":                                   {},
		"Nothing of the kind.":               {},
		"Acmed is another word, so is acme2": {},
		"ACME is best. Others follow.":       {true, 0, citation.Primary},
		"Others are best. Then comes Acme.":  {true, 0, citation.Mentioned},
		"Good ones:\n1. Globex\n2. **Acme**: cheap\n3. Initech\n":         {true, 2, citation.Mentioned},
		"Good ones:\n- Acme\n- Globex\n":                                  {true, 1, citation.Primary},
		"Not these:\n- Globex\n\nBut these:\n- Initech\n- Acme":           {true, 2, citation.Mentioned},
		"1. Globex\n   - beside Acme\n2. Acme":                            {true, 2, citation.Mentioned},
		"See [this](https://blog.acme.com/a) for more.":                   {true, 0, citation.CitedSource},
		"See https://acme.com.evil.example/ and https://notacme.com/":     {},
		"Their site https://example.com/acme names it in the path alone.": {},
	} {
		if got := citation.Find(answer, acme); got != want {
			t.Errorf("%q: %+v, want %+v", answer, got, want)
		}
	}
	if got := citation.Find("Anything", citation.Brand{Terms: []string{"", " "}, Domains: []string{""}}); got.Appeared {
		t.Errorf("a brand without a name: %+v", got)
	}
}

func TestChanged(t *testing.T) {
	at := func(position int) citation.Found { return citation.Found{Appeared: true, Position: position} }
	for _, c := range []struct {
		before, now citation.Found
		want        bool
	}{
		{citation.Found{}, at(0), true}, {at(0), citation.Found{}, true}, {at(0), at(0), false}, {at(1), at(3), false}, {at(3), at(4), true}, {at(9), at(2), true}, {at(0), at(7), false},
	} {
		if got := citation.Changed(c.before, c.now); got != c.want {
			t.Errorf("%+v to %+v: %v", c.before, c.now, got)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("1. Acme\n2. https://acme.com", "Acme", "acme.com")
	f.Fuzz(func(t *testing.T, answer, term, domain string) {
		got := citation.Find(answer, citation.Brand{Terms: []string{term}, Domains: []string{domain}})
		if got.Appeared != (got.Type != "") || got.Position > 0 && !got.Appeared {
			t.Errorf("%+v", got)
		}
	})
}
