package marketing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
)

var figuresNow = time.Date(2026, 5, 17, 9, 0, 0, 0, time.UTC)

// ago is a time some days before figuresNow.
func ago(days float64) time.Time {
	return figuresNow.Add(-time.Duration(days * float64(24*time.Hour)))
}

func made(state string, version int, created time.Time, decisions ...decision) reported {
	return reported{piece: piece{Agent: "email", State: state, Version: version}, created: created, changed: created, history: decisions}
}

func decidedAt(version int, state string, at time.Time) decision {
	return decision{Version: version, State: state, At: at.Format(time.RFC3339)}
}

func TestFigures(t *testing.T) {
	own := func(piece) bool { return true }
	long := ago(400)
	for _, test := range []struct {
		name    string
		began   time.Time
		content []report
		log     eventLog
		want    []string
	}{
		{"nothing recorded", long, nil, eventLog{}, nil},
		{"only old pieces", long, []report{{label: stateApproved, pieces: []reported{made(stateApproved, 1, ago(31))}}}, eventLog{}, nil},
		{
			"an old draft waits", long, []report{{label: stateDraft, pieces: []reported{made(stateDraft, 1, ago(1)), made(stateDraft, 1, ago(45))}}}, eventLog{},
			[]string{"Recorded 2026-04-17 to 2026-05-17, 30 days:", "- pieces begun: 1 (1 in the 30 days before), now 1 draft", "- waiting for a decision: 2, the oldest for 45 days"},
		},
		{
			"decisions", long, []report{{label: stateApproved, pieces: []reported{
				made(stateApproved, 1, ago(3), decidedAt(1, stateApproved, ago(2.5))),
				// Approved by the first decision, but not as first saved.
				made(stateApproved, 2, ago(9), decidedAt(2, stateApproved, ago(8))),
				made(stateApproved, 4, ago(20), decidedAt(1, stateRevisionRequested, ago(10)), decidedAt(4, stateApproved, ago(1))),
			}}}, eventLog{},
			[]string{
				"Recorded 2026-04-17 to 2026-05-17, 30 days:", "- pieces begun: 3 (0 in the 30 days before), now 3 approved",
				"- approved as first saved: 1 of 3 decided", "- first draft to first decision: median 24 h, longest 10 days",
				"- versions after the first: 1.3 for each piece, at most 3",
			},
		},
		{
			"a young account has nothing to compare with", ago(20), []report{{label: stateRejected, pieces: []reported{made(stateRejected, 1, ago(3))}}},
			eventLog{now: map[string]int{"lead.logged": 2}},
			[]string{"Recorded 2026-04-17 to 2026-05-17, 30 days:", "- pieces begun: 1, now 1 rejected", "- logged lead.logged: 2"},
		},
		{
			"more pieces than are looked at", long, []report{{label: stateRejected, since: ago(5), pieces: []reported{made(stateRejected, 1, ago(3)), made(stateRejected, 1, ago(5))}}, {label: stateApproved, pieces: []reported{made(stateApproved, 1, ago(6))}}},
			eventLog{now: map[string]int{"lead.logged": 2}},
			[]string{
				"Recorded since 2026-05-12, before which nothing was counted:", "- pieces begun: 2, now 2 rejected",
				"Recorded 2026-04-17 to 2026-05-17, 30 days:", "- logged lead.logged: 2 (0 in the 30 days before)",
			},
		},
		{
			"more events than are read", long, nil, eventLog{now: map[string]int{"lead.logged": 1900}, since: ago(2)},
			[]string{"Recorded since 2026-05-15, before which nothing was counted:", "- logged lead.logged: 1900"},
		},
		{
			"the period before was not read to its end", long, nil, eventLog{now: map[string]int{"lead.logged": 9}, before: map[string]int{"lead.logged": 1, "a.b": 1}, since: ago(40)},
			[]string{"Recorded 2026-04-17 to 2026-05-17, 30 days:", "- logged lead.logged: 9"},
		},
		{
			"the most frequent types", long, nil,
			eventLog{now: map[string]int{"a.a": 1, "b.b": 2, "c.c": 2, "d.d": 4, "e.e": 1, "f.f": 1}, before: map[string]int{"c.c": 9, "gone.now": 7}},
			[]string{
				"Recorded 2026-04-17 to 2026-05-17, 30 days:", "- logged d.d: 4 (0 in the 30 days before)", "- logged c.c: 2 (9 in the 30 days before)",
				"- logged b.b: 2 (0 in the 30 days before)", "- logged a.a: 1 (0 in the 30 days before)", "- logged e.e: 1 (0 in the 30 days before)",
				"- 2 more types: list_events",
			},
		},
	} {
		if got := figures(figuresNow, test.began, test.content, own, test.log); !slices.Equal(got, test.want) {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
	}
}

func TestFiguresOfOwnKind(t *testing.T) {
	content := []report{{label: stateApproved, pieces: []reported{
		made(stateApproved, 1, ago(1), decidedAt(1, stateApproved, ago(1))), made(stateApproved, 1, ago(2), decidedAt(1, stateApproved, ago(1))),
	}}}
	content[0].pieces[1].Agent = "social"
	for agentID, want := range map[string]string{"email": "- of your kind: 1 begun, 1 of 1 decided approved as first saved", "pr": ""} {
		lines := figures(figuresNow, ago(400), content, kindOf(agent.Agent{ID: agentID}), eventLog{})
		i := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, "of your kind") })
		if i < 0 && want != "" || i >= 0 && lines[i] != want {
			t.Errorf("%s: %q, want %q", agentID, lines, want)
		}
	}
}

func TestMedianAndDurations(t *testing.T) {
	for _, test := range []struct {
		all  []time.Duration
		want string
	}{
		{[]time.Duration{0}, "less than a minute"},
		{[]time.Duration{time.Hour, 0, 30 * time.Minute}, "30 min"},
		{[]time.Duration{4 * time.Hour, 2 * time.Hour}, "3 h"},
		{[]time.Duration{47 * time.Hour}, "47 h"},
		{[]time.Duration{100 * time.Hour, 96 * time.Hour, 1, 97 * time.Hour}, "4 days"},
	} {
		if got := inWords(median(test.all)); got != test.want {
			t.Errorf("median of %v is %q, want %q", test.all, got, test.want)
		}
	}
}

func TestRelevance(t *testing.T) {
	score := relevance(agent.Agent{ID: "email", Output: "One piece, type `email`."}, "A mail about the launches in 東京都 and Ünterföhring; für Grüße")
	for _, test := range []struct {
		piece piece
		want  int
	}{
		{piece{Agent: "pr", Type: "press_release", Title: "Something else"}, 0},
		{piece{Agent: "email", Type: "other", Title: "Something else"}, 1},
		{piece{Agent: "pr", Type: "email", Title: "Something else"}, 1},
		{piece{Agent: "pr", Type: "x", Title: "LAUNCH day: the launch"}, 1},
		{piece{Agent: "email", Type: "email", Title: "Launch mail"}, 3},
		{piece{Agent: "pr", Type: "x", Title: "in the a"}, 0},
		{piece{Agent: "pr", Type: "x", Title: "京都"}, 1},
		{piece{Agent: "pr", Type: "x", Title: "ünterföhring, grüße"}, 2},
	} {
		if got := score(test.piece); got != test.want {
			t.Errorf("%+v scores %d, want %d", test.piece, got, test.want)
		}
	}
}

func TestRelevantPiecesComeFirst(t *testing.T) {
	r := report{label: stateDraft}
	for i, score := range []int{2, 1, 0, 0, 0} {
		r.pieces = append(r.pieces, reported{piece: piece{ID: fmt.Sprint(i), Title: "t", Type: "x", Agent: "a", Version: 1}, score: score, changed: figuresNow})
	}
	want := "draft (5)\n- 0: \"t\", x by a, version 1, since 2026-05-17\n- 1: \"t\", x by a, version 1, since 2026-05-17\n- the rest is left out: list_content {\"state\": \"draft\"}"
	if got := r.text(8000); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
