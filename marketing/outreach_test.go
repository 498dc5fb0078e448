package marketing_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/connect/connecttest"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
)

func newCampaign(name string) object {
	return object{
		"name": name, "mailbox": "gmail", "sender": "Ada, who closes books", "postalAddress": "Strandgaten 1, 5013 Bergen, Norway",
		"steps": []object{
			{"dayOffset": 0, "subject": "Your close, {{name}}", "body": "Hello {{name}},\n\nhow long does yours take?"},
			{"dayOffset": 3, "subject": "One day", "body": "Norrfoods needs one day now."},
		},
	}
}

// outreach is a desk with a clock.
type outreach struct {
	desk
	platforms *connecttest.Server
	now       *time.Time
	drain     func() (marketing.Drained, error)
}

// tuesday is a working day at ten.
var tuesday = time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)

func newOutreach(t *testing.T) outreach {
	t.Helper()
	d, s := newDesk(t).connected()
	now := tuesday
	catalog, drain := marketing.NewOutreach(d.store, allPlatforms, func() time.Time { return now })
	d.catalog = catalog
	return outreach{d, s, &now, func() (marketing.Drained, error) { return drain(d.Context(), d.customer) }}
}

func (o outreach) pass(d time.Duration) { *o.now = o.now.Add(d) }

// send sends what is due, and returns how many mails went out in all.
func (o outreach) send() (marketing.Drained, int) {
	o.Helper()
	out, err := o.drain()
	if err != nil {
		o.Fatal(err)
	}
	return out, len(o.platforms.Mails())
}

func people(n int) (list []object) {
	for i := range n {
		list = append(list, object{"email": fmt.Sprintf("p%d@example.com", i), "name": fmt.Sprintf("Person %d", i)})
	}
	return list
}

func TestCampaign(t *testing.T) {
	o := newOutreach(t)
	id := o.call("create_campaign", newCampaign("June"))["id"].(string)
	o.refuse("start_campaign", object{"id": id}, "has no recipients")
	o.call("suppress_address", object{"email": "gone@example.com"})
	added := o.call("add_recipients", object{"id": id, "recipients": []object{
		{"email": "bob@example.com", "name": "Bob"}, {"email": "BOB@example.com", "name": "Bob"}, {"email": "eve@example.com"}, {"email": "gone@example.com", "name": "Gone"},
	}})
	if added["added"] != 1.0 || len(added["skipped"].([]any)) != 3 {
		t.Errorf("add_recipients: %v", added)
	}
	if _, n := o.send(); n != 0 {
		t.Error("a draft was sent")
	}
	o.call("start_campaign", object{"id": id})
	if out, n := o.send(); n != 1 || out.Sent != 1 {
		t.Fatalf("%+v, %d mails", out, n)
	}
	first := o.platforms.Mails()[0].Message
	for _, want := range []string{
		"To: \"Bob\" <bob@example.com>\r\n", "Subject: Your close, Bob\r\n", "Hello Bob,", "Strandgaten 1", "List-Unsubscribe: <https://host.example/go/unsubscribe?t=",
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("the mail has no %q: %s", want, first)
		}
	}
	for range 3 {
		if _, n := o.send(); n != 1 {
			t.Fatal("it went out twice")
		}
	}
	o.pass(3 * 24 * time.Hour)
	if _, n := o.send(); n != 2 {
		t.Errorf("%d mails after the second step", n)
	}
	o.pass(10 * 24 * time.Hour)
	if _, n := o.send(); n != 2 {
		t.Errorf("%d mails after the last step", n)
	}
	got := o.call("get_campaign", object{"id": id})
	if counts := got["mails"].(object); counts["sent"] != 2.0 || counts["queued"] != nil {
		t.Errorf("get_campaign: %v", got)
	}
}

func TestDailyCap(t *testing.T) {
	o := newOutreach(t)
	c := newCampaign("June")
	c["dailyCap"] = 10
	id := o.call("create_campaign", c)["id"].(string)
	o.call("add_recipients", object{"id": id, "recipients": people(40)})
	o.call("start_campaign", object{"id": id})
	for range 9 { // of a working day
		o.send()
		o.pass(time.Hour)
	}
	if _, n := o.send(); n != 10 {
		t.Errorf("%d mails in a day; want 10", n)
	}
	o.pass(15*time.Hour - time.Minute)
	if _, n := o.send(); n != 10 {
		t.Errorf("%d mails in 24 hours less a minute; want 10", n)
	}
	o.pass(time.Minute)
	if _, n := o.send(); n != 12 {
		t.Errorf("%d mails when two are a day old", n)
	}
	second := newCampaign("More")
	second["dailyCap"] = 50
	other := o.call("create_campaign", second)["id"].(string)
	o.call("add_recipients", object{"id": other, "recipients": people(90)})
	o.call("start_campaign", object{"id": other})
	for range 40 {
		o.send()
	}
	before := len(o.platforms.Mails())
	// All campaigns together: 50 in 24 hours.
	if n := before - 2; n > 50 || n < 40 {
		t.Errorf("%d mails of all campaigns", n)
	}
	if _, n := o.send(); n != before {
		t.Errorf("the cap of all campaigns was passed: %d", n)
	}
}

func TestNoMailsAtNight(t *testing.T) {
	o := newOutreach(t)
	id := o.call("create_campaign", newCampaign("June"))["id"].(string)
	o.call("add_recipients", object{"id": id, "recipients": people(3)})
	o.call("start_campaign", object{"id": id})
	for _, at := range []time.Time{tuesday.Add(-4 * time.Hour), tuesday.Add(10 * time.Hour), tuesday.Add(4 * 24 * time.Hour), tuesday.Add(5 * 24 * time.Hour)} {
		*o.now = at
		if out, n := o.send(); n != 0 || len(out.Notes) != 1 {
			t.Errorf("at %s: %+v, %d mails", at.Format(time.RFC1123), out, n)
		}
	}
}

var unsubscribeToken = regexp.MustCompile(`unsubscribe\?t=([A-Z0-9]+)>`)

func TestUnsubscribe(t *testing.T) {
	o := newOutreach(t)
	id := o.call("create_campaign", newCampaign("June"))["id"].(string)
	o.call("add_recipients", object{"id": id, "recipients": people(1)})
	o.call("start_campaign", object{"id": id})
	o.send()
	token := unsubscribeToken.FindStringSubmatch(o.platforms.Mails()[0].Message)[1]
	link := o.catalog.Links[0]
	if text, err := link.Show(t.Context(), o.customer, token); err != nil || !strings.Contains(text, "p0@example.com") {
		t.Errorf("the page: %q, %v", text, err)
	}
	if list := o.call("list_suppressed", object{})["addresses"].([]any); len(list) != 0 {
		t.Errorf("opening the page ended the mails: %v", list)
	}
	for range 2 {
		if _, err := link.Do(t.Context(), o.customer, token); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		customer storage.CustomerID
		token    string
	}{{o.newCustomer(), token}, {o.customer, "made-up"}, {o.customer, ""}} {
		if _, err := link.Do(t.Context(), c.customer, c.token); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%q: %v", c.token, err)
		}
	}
	o.pass(3 * 24 * time.Hour)
	if out, n := o.send(); n != 1 || out.Skipped != 1 {
		t.Errorf("after it: %+v, %d mails", out, n)
	}
}

func TestMailboxFails(t *testing.T) {
	o := newOutreach(t)
	id := o.call("create_campaign", newCampaign("June"))["id"].(string)
	o.call("add_recipients", object{"id": id, "recipients": people(5)})
	o.call("start_campaign", object{"id": id})
	o.platforms.Fail(connecttest.FailLimit, "gmail")
	if out, n := o.send(); n != 0 || out.Failed != 0 {
		t.Errorf("too many: %+v, %d", out, n)
	}
	o.platforms.Fail(connecttest.FailCut, "gmail") // it goes out, and the answer is lost
	if out, n := o.send(); n != 1 || out.Failed != 1 {
		t.Errorf("a lost answer: %+v, %d", out, n)
	}
	o.platforms.Fail(connecttest.FailNot, "")
	for range 5 {
		o.send()
	}
	to := map[string]int{}
	for _, m := range o.platforms.Mails() {
		line, _, _ := strings.Cut(m.Message, "\r\n")
		to[line]++
	}
	for who, n := range to {
		if n != 1 {
			t.Errorf("%s got %d mails", who, n)
		}
	}
	if len(to) != 5 {
		t.Errorf("mails went to %v", to)
	}
	if failures := o.call("get_campaign", object{"id": id})["failures"].([]any); len(failures) != 1 || !strings.Contains(fmt.Sprint(failures[0]), "not known") {
		t.Errorf("failures: %v", failures)
	}
	o.pass(3 * 24 * time.Hour)
	o.platforms.RevokeAll()
	out, _ := o.send()
	if len(out.Notes) != 1 || !strings.Contains(out.Notes[0], "must be connected again") {
		t.Errorf("a revoked box: %+v", out)
	}
	if c := o.call("get_campaign", object{"id": id}); c["state"] != "paused" || c["error"] == "" {
		t.Errorf("the campaign: %v", c)
	}
}

func TestBadCampaigns(t *testing.T) {
	o := newOutreach(t)
	steps := func(list ...object) object { return with(newCampaign("June"), object{"steps": list}) }
	step := func(more object) object {
		return with(object{"dayOffset": 0, "subject": "Hello", "body": "Hello."}, more)
	}
	for want, in := range map[string]object{
		"dayOffset must be 0":            steps(step(object{"dayOffset": 1})),
		"at least 2 days":                steps(step(nil), step(object{"dayOffset": 1})),
		"nobody wrote before":            steps(step(object{"subject": "Re: your question"})),
		"other than {{name}}":            steps(step(object{"body": "Hello {{firstName}}"})),
		"at most 2 links":                steps(step(object{"body": "http://a http://b http://c"})),
		"one line":                       steps(step(object{"subject": "Hello\r\nBcc: all@example.com"})),
		"dailyCap":                       with(newCampaign("June"), object{"dailyCap": 51}),
		`"steps"`:                        with(newCampaign("June"), object{"steps": []object{}}),
		`"postalAddress"`:                with(newCampaign("June"), object{"postalAddress": "here"}),
		"a text of one line":             with(newCampaign("June"), object{"sender": "a\nb"}),
		`"mailbox" must be one of gmail`: with(newCampaign("June"), object{"mailbox": "sendmail"}),
	} {
		before := o.everything()
		if out, err := o.try(o.Context(), "create_campaign", in); err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "argument ", ""), strings.TrimPrefix(want, "")) && !strings.Contains(err.Error(), strings.Fields(want)[0]) {
			t.Errorf("want %q: %v, %v", want, out, err)
		}
		if o.everything() != before {
			t.Errorf("%q changed something", want)
		}
	}
	id := o.call("create_campaign", newCampaign("June"))["id"].(string)
	o.refuse("add_recipients", object{"id": id, "recipients": []object{{"email": "nobody"}}}, "recipients[0].email must be")
	o.refuse("stop_campaign", object{"id": id}, "only one that was started can pause")
	o.call("stop_campaign", object{"id": id, "cancel": true})
	o.refuse("start_campaign", object{"id": id}, "is cancelled already")
	o.refuse("add_recipients", object{"id": id, "recipients": people(1)}, "is cancelled")
}

// pull is what the customer's browser sees.
func (o outreach) pull() []agent.Task {
	o.Helper()
	tasks, _, err := o.catalog.LinkedIn.Pull(o.Context(), o.customer, 100, "")
	if err != nil {
		o.Fatal(err)
	}
	return tasks
}

func (o outreach) action(in object) string {
	o.Helper()
	return o.call("draft_linkedin_action", in)["id"].(string)
}

var aMessage = object{"action": "message", "targetUrl": "https://www.linkedin.com/in/ada-lovelace", "text": "Hello Ada"}

func TestLinkedInQueue(t *testing.T) {
	o := newOutreach(t)
	id := o.action(aMessage)
	if n := len(o.pull()); n != 0 {
		t.Errorf("%d drafts were handed out", n)
	}
	o.call("review_linkedin_action", object{"id": id, "decision": "approve"})
	o.refuse("review_linkedin_action", object{"id": id, "decision": "reject"}, "decided already")
	for range 2 { // pulling again shows the same
		tasks := o.pull()
		if len(tasks) != 1 || tasks[0].ID != id || tasks[0].Status != "ready" || tasks[0].Text != "Hello Ada" {
			t.Fatalf("pulled %+v", tasks)
		}
	}
	queue := o.catalog.LinkedIn
	if _, err := queue.Report(t.Context(), o.newCustomer(), id, "sent", ""); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a report of somebody else: %v", err)
	}
	if _, err := queue.Report(t.Context(), o.customer, id, "done", ""); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("an unknown status: %v", err)
	}
	for range 2 { // a report that is sent again
		if task, err := queue.Report(t.Context(), o.customer, id, "sent", ""); err != nil || task.Status != "sent" {
			t.Errorf("%+v, %v", task, err)
		}
	}
	if _, err := queue.Report(t.Context(), o.customer, id, "failed", "x"); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("another report: %v", err)
	}
	if n := len(o.pull()); n != 0 {
		t.Errorf("%d tasks are left", n)
	}
	rejected := o.action(aMessage)
	o.call("review_linkedin_action", object{"id": rejected, "decision": "reject"})
	late := o.action(aMessage)
	o.call("review_linkedin_action", object{"id": late, "decision": "approve"})
	o.pass(7 * 24 * time.Hour)
	if n := len(o.pull()); n != 0 {
		t.Errorf("%d tasks that were rejected or have expired", n)
	}
	if _, err := queue.Report(t.Context(), o.customer, late, "sent", ""); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("a report of what has expired: %v", err)
	}
}

// The caps hold in any 24 hours, not on a day.
func TestLinkedInCaps(t *testing.T) {
	for action, most := range map[string]int{"connection_request": 15, "message": 30, "comment": 50} {
		o := newOutreach(t)
		for range most + 5 {
			id := o.action(object{"action": action, "targetUrl": "https://www.linkedin.com/in/ada", "text": "Hello"})
			o.call("review_linkedin_action", object{"id": id, "decision": "approve"})
		}
		tasks := o.pull()
		if len(tasks) != most {
			t.Errorf("%s: %d were handed out, want %d", action, len(tasks), most)
		}
		queue := o.catalog.LinkedIn
		for i, task := range tasks {
			status := "sent"
			if i == 0 {
				status = "skipped" // which another may take the place of
			}
			if _, err := queue.Report(t.Context(), o.customer, task.ID, status, ""); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(o.pull()); n != 1 {
			t.Errorf("%s: %d in the place of the one that was skipped", action, n)
		}
		o.pass(24*time.Hour - time.Minute)
		if n := len(o.pull()); n != 1 {
			t.Errorf("%s: %d before the day is over", action, n)
		}
		o.pass(2 * time.Minute)
		if n := len(o.pull()); n != 5 {
			t.Errorf("%s: %d after it; want the one, and the four that were left", action, n)
		}
	}
}

func TestBadActions(t *testing.T) {
	o := newOutreach(t)
	for _, c := range []struct {
		change object
		want   string
	}{
		{object{"targetUrl": "https://evil.example/in/ada"}, "a profile such as"},
		{object{"targetUrl": "https://www.linkedin.com.evil.example/in/ada"}, "a profile such as"},
		{object{"targetUrl": "https://user@www.linkedin.com/in/ada"}, "a profile such as"},
		{object{"targetUrl": "http://www.linkedin.com/in/ada"}, "a profile such as"},
		{object{"targetUrl": "https://www.linkedin.com/company/acme"}, "a profile such as"},
		{object{"targetUrl": "https://www.linkedin.com/in/../feed"}, "a profile such as"},
		{object{"text": ""}, "text"},
		{object{"action": "connection_request", "text": strings.Repeat("a", 281)}, "at most 280 characters"},
		{object{"text": strings.Repeat("a", 2001)}, "text"},
		{object{"action": "comment", "text": strings.Repeat("a", 1001)}, "at most 1000 characters"},
		{object{"action": "comment", "targetUrl": "https://evil.example/"}, "begins with https://www.linkedin.com/"},
		{object{"action": "endorse"}, "action"},
	} {
		o.refuse("draft_linkedin_action", with(aMessage, c.change), c.want)
	}
	o.action(object{"action": "connection_request", "targetUrl": "https://www.linkedin.com/in/ada"}) // a note may be missing
	o.action(object{"action": "comment", "targetUrl": "https://www.linkedin.com/posts/ada_1", "text": "Yes"})
	o.refuse("review_linkedin_action", object{"id": storage.NewID(), "decision": "approve"}, "no such action")
}
