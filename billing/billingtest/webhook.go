package billingtest

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

// Signer makes a delivery of any body that the provider might have sent and
// signed at the given time; a nil body is any event that the driver knows.
type Signer func(body []byte, at time.Time) billing.Delivery

// RunWebhook checks Verify. p must know the secret that sign signs with. The
// bodies that are no events look like Stripe's: an object with id and type.
func RunWebhook(t *testing.T, p billing.Provider, sign Signer) {
	now := time.Now()
	t.Run("Genuine", func(t *testing.T) {
		n, err := p.Verify(sign(nil, now))
		if err != nil {
			t.Fatal(err)
		}
		if n.ID == "" || len(n.ID) > 255 || n.Type == "" || n.Kind == "" || n.Kind == billing.KindIgnored || n.Ref == (billing.Ref{}) {
			t.Errorf("%+v", n)
		}
		if d := now.Sub(n.Created); d < -time.Minute || d > time.Minute {
			t.Errorf("created at %v, want %v", n.Created, now)
		}
	})
	t.Run("Again", func(t *testing.T) {
		d := sign(nil, now)
		first, err1 := p.Verify(d)
		second, err2 := p.Verify(d)
		if err1 != nil || err2 != nil || first != second {
			t.Errorf("twice the same: %+v %v, %+v %v", first, err1, second, err2)
		}
	})
	t.Run("Forged", func(t *testing.T) { testForged(t, p, sign, now) })
	t.Run("NoEvent", func(t *testing.T) { testNoEvent(t, p, sign, now) })
	t.Run("UntouchedBody", func(t *testing.T) {
		d := sign(nil, now)
		body := bytes.Clone(d.Body)
		_, _ = p.Verify(d)
		if !bytes.Equal(body, d.Body) {
			t.Error("Verify changed the body")
		}
	})
}

// testForged wants one and the same error whatever is wrong.
func testForged(t *testing.T, p billing.Provider, sign Signer, now time.Time) {
	texts := map[string]bool{}
	for name, change := range map[string]func(*billing.Delivery){
		"no header":           func(d *billing.Delivery) { d.Header = nil },
		"empty header":        func(d *billing.Delivery) { d.Header = emptied(d.Header) },
		"another body":        func(d *billing.Delivery) { d.Body = []byte(`{"id":"evt_0","type":"a"}`) },
		"one more byte":       func(d *billing.Delivery) { d.Body = append(bytes.Clone(d.Body), ' ') },
		"truncated":           func(d *billing.Delivery) { d.Body = d.Body[:len(d.Body)/2] },
		"no body":             func(d *billing.Delivery) { d.Body = nil },
		"signature truncated": func(d *billing.Delivery) { d.Header = edited(d.Header, func(s string) string { return s[:len(s)-2] }) },
		"signature flipped":   func(d *billing.Delivery) { d.Header = edited(d.Header, flip) },
		"an hour later":       func(d *billing.Delivery) { d.At = now.Add(time.Hour) },
		"an hour earlier":     func(d *billing.Delivery) { d.At = now.Add(-time.Hour) },
		"ten years earlier":   func(d *billing.Delivery) { d.At = now.AddDate(-10, 0, 0) },
		"no time":             func(d *billing.Delivery) { d.At = time.Time{} },
	} {
		d := sign(nil, now)
		d.Header = d.Header.Clone()
		change(&d)
		n, err := p.Verify(d)
		if !errors.Is(err, billing.ErrSignature) || n != (billing.Notice{}) {
			t.Errorf("%s: %+v, %v, want ErrSignature", name, n, err)
		}
		if err != nil {
			texts[err.Error()] = true
		}
	}
	if len(texts) > 1 {
		t.Errorf("the errors tell what is wrong: %v", texts)
	}
}

func edited(h http.Header, edit func(string) string) http.Header {
	for name := range h {
		for i, v := range h[name] {
			if v != "" {
				h[name][i] = edit(v)
			}
		}
	}
	return h
}

func emptied(h http.Header) http.Header { return edited(h, func(string) string { return "" }) }

// flip changes the last digit.
func flip(s string) string {
	last := byte('0')
	if s[len(s)-1] == '0' {
		last = '1'
	}
	return s[:len(s)-1] + string(last)
}

func testNoEvent(t *testing.T, p billing.Provider, sign Signer, now time.Time) {
	for name, body := range map[string]string{
		"empty":          "",
		"null":           "null",
		"text":           `"evt_1"`,
		"list":           `[{"id":"evt_1","type":"a"}]`,
		"empty object":   "{}",
		"no type":        `{"id":"evt_1"}`,
		"no ID":          `{"type":"customer.updated"}`,
		"mistyped ID":    `{"id":1,"type":"customer.updated"}`,
		"empty ID":       `{"id":"","type":"customer.updated"}`,
		"long ID":        `{"id":"` + strings.Repeat("x", 256) + `","type":"customer.updated"}`,
		"control in ID":  `{"id":"evt_1\u0000","type":"customer.updated"}`,
		"not JSON":       `id=evt_1&type=a`,
		"half JSON":      `{"id":"evt_1","type":"customer.updated"`,
		"two objects":    `{"id":"evt_1","type":"a"}{"id":"evt_2","type":"a"}`,
		"deeply nested":  `{"id":"evt_1","type":"a","data":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`,
		"invalid UTF-8":  "\xff\xfe{}",
		"nested too far": strings.Repeat(`{"data":`, 100000),
	} {
		n, err := p.Verify(sign([]byte(body), now))
		if !errors.Is(err, billing.ErrMalformed) || n != (billing.Notice{}) {
			t.Errorf("%s: %+v, %v, want ErrMalformed", name, n, err)
		}
	}
}
