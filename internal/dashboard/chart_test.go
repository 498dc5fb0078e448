package dashboard

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// wellFormed fails for a drawing that isn't XML, and so might be more than a drawing.
func wellFormed(t *testing.T, drawing string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(drawing))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v: %s", err, drawing)
		}
		if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "img") {
			t.Fatalf("a %s in a drawing: %s", e.Name.Local, drawing)
		}
	}
}

const hostile = `<script>alert(1)</script>"><img src=x>&`

func TestStacked(t *testing.T) {
	day := time.Date(2026, 5, 17, 0, 0, 0, 0, time.UTC)
	days := []bar{{day, map[string]int64{}}, {day.AddDate(0, 0, 1), map[string]int64{hostile: 3}}}
	for i := range 9 {
		days[1].Parts[fmt.Sprint("tool", i)] = int64(i + 1)
	}
	c := stacked(days, "Calls "+hostile)
	wellFormed(t, string(c.SVG))
	if c.Total != 48 || len(c.Names) != shownNames+1 || c.Names[0] != "tool8" || c.Names[shownNames] != others {
		t.Errorf("%d calls of %v", c.Total, c.Names)
	}
	if n := days[1].Parts[others]; n != 48-9-8-7-6 {
		t.Errorf("%d of others", n)
	}
	if !strings.Contains(string(c.SVG), "48 in 2 days") {
		t.Errorf("the drawing has no text: %.200s", c.SVG)
	}
	wellFormed(t, string(stacked(nil, "nothing").SVG))
	five := stacked([]bar{{day, map[string]int64{"a": 5, "b": 4, "c": 3, "d": 2, "e": 1}}}, "Calls")
	if len(five.Names) != 5 || five.Names[4] != "e" {
		t.Errorf("five names are %v", five.Names)
	}
}

func TestRingAndLine(t *testing.T) {
	for score, class := range map[float64]string{0: "low", 59: "low", 60: "middle", 80: "high", 100: "high", 900: "high", -5: "low"} {
		drawing := string(ring(score, hostile))
		wellFormed(t, drawing)
		if !strings.Contains(drawing, "ring "+class) {
			t.Errorf("%g: %s", score, drawing)
		}
	}
	if ring("much", "Score") != "" || ring(nil, "Score") != "" {
		t.Error("a ring of what is no number")
	}
	wellFormed(t, string(line([]float64{1, 3, 2}, hostile)))
	wellFormed(t, string(line([]float64{2, 2}, "flat")))
	if line([]float64{1}, "one") != "" {
		t.Error("a line of one point")
	}
}
