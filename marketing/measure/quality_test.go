package measure_test

import (
	"testing"

	"github.com/heycmo/heycmo-go/marketing/measure"
)

func TestQuality(t *testing.T) {
	if q := (measure.Values{BrandVoice: new(0.1)}).Quality(); q != nil {
		t.Errorf("of nothing: %v", *q)
	}
	v := measure.Values{Readability: new(0.9), Length: new(0.4), BrandVoice: new(0.1), Citability: new(0.2)}
	if q := v.Quality(); q == nil || *q != 0.4 {
		t.Errorf("quality %v, want 0.4", q)
	}
	v.Keywords = new(0.0)
	if q := v.Quality(); q == nil || *q != 0 {
		t.Errorf("quality %v, want 0", q)
	}
}
