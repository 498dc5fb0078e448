package marketing_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestConcurrentSaves: every save that was confirmed is a version, and none
// took the place of one that its writer had not seen.
func TestConcurrentSaves(t *testing.T) {
	d := newDeskAt(t, filepath.Join(t.TempDir(), "heycmo.db"))
	id := d.call("save_content", draft("start"))["id"]
	const writers, each = 6, 5
	var saved sync.Map // version -> title
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				title := fmt.Sprintf("%d of writer %d", i, w)
				for {
					seen, err := d.try(t.Context(), "get_content", object{"id": id})
					if err != nil {
						t.Error(err)
						return
					}
					out, err := d.try(t.Context(), "save_content", with(draft(title), object{"id": id, "version": seen["version"]}))
					if err == nil {
						if other, twice := saved.LoadOrStore(out["version"], title); twice {
							t.Errorf("version %v is both %q and %q", out["version"], other, title)
						}
						break
					}
					if !strings.Contains(err.Error(), "the newest version is") {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if v := d.call("get_content", object{"id": id})["version"]; v != float64(1+writers*each) {
		t.Errorf("the newest version is %v, want %d", v, 1+writers*each)
	}
	saved.Range(func(version, title any) bool {
		if got := d.call("get_content", object{"id": id, "version": version}); got["title"] != title {
			t.Errorf("version %v is %q, want %q", version, got["title"], title)
		}
		return true
	})
}

// TestConcurrentReviews: of many decisions one counts, and a new version in
// between makes them all stale.
func TestConcurrentReviews(t *testing.T) {
	d := newDeskAt(t, filepath.Join(t.TempDir(), "heycmo.db"))
	for range 5 {
		id := d.call("save_content", draft("One"))["id"]
		var wg sync.WaitGroup
		results := make(chan string, 9)
		for _, decision := range []string{"approve", "reject", "revise", "approve", "reject", "revise", "approve", "reject"} {
			wg.Go(func() {
				out, err := d.try(t.Context(), "review_content", object{"id": id, "version": 1, "decision": decision, "note": decision})
				if err == nil {
					results <- out["state"].(string)
				} else if !strings.Contains(err.Error(), "was decided already") && !strings.Contains(err.Error(), "the newest version is 2") {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			if _, err := d.try(t.Context(), "save_content", with(draft("Two"), object{"id": id, "version": 1})); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		close(results)
		var decided []string
		for state := range results {
			decided = append(decided, state)
		}
		if len(decided) > 1 {
			t.Errorf("version 1 was decided as %v", decided)
		}
		piece := d.call("get_content", object{"id": id})
		if piece["state"] != "draft" || piece["version"] != 2.0 || len(piece["history"].([]any)) != len(decided) {
			t.Errorf("%v after %v", piece, decided)
		}
	}
}

// TestConcurrentBrandUpdates: fields that are changed at once don't take each
// other back, the very first time included.
func TestConcurrentBrandUpdates(t *testing.T) {
	d := newDeskAt(t, filepath.Join(t.TempDir(), "heycmo.db"))
	fields := []string{"industry", "offer", "audience", "voice", "brandName"}
	var wg sync.WaitGroup
	for _, field := range fields {
		wg.Go(func() {
			if _, err := d.try(t.Context(), "update_brand", object{field: "of " + field}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	brand := d.call("get_brand", object{})
	for _, field := range fields {
		if brand[field] != "of "+field {
			t.Errorf("%s is %q", field, brand[field])
		}
	}
}
