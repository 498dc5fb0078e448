package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/internal/fetch"
)

// get serves one answer and fetches it.
func get(t *testing.T, o fetch.Options, handler http.HandlerFunc) (*fetch.Response, error) {
	t.Helper()
	srv := httptest.NewServer(handler)
	defer srv.Close()
	o.AllowPrivate = true
	return fetch.New(&o).Get(t.Context(), srv.URL)
}

func wantReason(t *testing.T, err error, want fetch.Reason) {
	t.Helper()
	if e, ok := errors.AsType[*fetch.Error](err); !ok || e.Reason != want {
		t.Errorf("error %v, want the reason %s", err, want)
	}
}

func TestGet(t *testing.T) {
	began := time.Now()
	r, err := get(t, fetch.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.UserAgent(), "heycmo") || !strings.Contains(r.UserAgent(), "https://heycmo.ai") || r.Method != http.MethodGet {
			t.Errorf("%s with %v", r.Method, r.Header)
		}
		w.Header().Set("Content-Type", "Text/HTML; charset=UTF-8")
		w.Header().Set("X-Robots-Tag", "noindex")
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte("<p>Grüße"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != http.StatusTeapot || r.ContentType != "text/html" || string(r.Body) != "<p>Grüße" || r.Truncated || r.Header.Get("X-Robots-Tag") != "noindex" {
		t.Errorf("%+v", r)
	}
	if r.FetchedAt.Before(began.Add(-time.Second)) || r.FetchedAt.Location() != time.UTC {
		t.Errorf("fetched at %v", r.FetchedAt)
	}
}

func TestCharsets(t *testing.T) {
	long := strings.Repeat("a", 2000)
	for _, test := range []struct{ contentType, body, want string }{
		{"text/html; charset=utf-8", "\xef\xbb\xbfé", "é"},
		{"text/html; charset=iso-8859-1", "\xe9\x80", "é€"}, // is windows-1252 (Encoding Standard)
		{"text/html; charset=shift_jis", "\x93\xfa\x96\x7b", "日本"},
		{"text/html", `<meta charset="euc-jp">` + "\xc6\xfc\xcb\xdc", `<meta charset="euc-jp">日本`},
		{"text/html", `<meta http-equiv=Content-Type content="text/html; charset=windows-1256">` + "\xc7", `<meta http-equiv=Content-Type content="text/html; charset=windows-1256">ا`},
		{"text/html", "\xff\xfeh\x00i\x00", "hi"},
		{"text/html", "é", "é"},
		{"text/html", long + "é", long + "é"},
		{"text/html", "caf\xe9", "café"},
		{"text/html; charset=nonsense", "é", "é"},
		{"text/html; charset=utf-8", "caf\xe9 \xff", "caf� �"}, // says UTF-8 and is not
		{"text/html; charset=iso-8859-1", "é", "Ã©"},           // a wrong one is taken at its word, as by browsers
		{"text/html; charset=gb18030", "\xff\xff", "��"},
		{"text/html; charset=iso-2022-kr", "anything", "�"}, // decodes to nothing on purpose
		{"text/plain", "", ""},
	} {
		r, err := get(t, fetch.Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", test.contentType)
			_, _ = w.Write([]byte(test.body))
		})
		if err != nil || string(r.Body) != test.want {
			t.Errorf("%s %.40q: %+v, %v, want %.40q", test.contentType, test.body, r, err, test.want)
		}
	}
}

func TestTypes(t *testing.T) {
	for _, test := range []struct{ declared, body, want string }{
		{"text/html", "<p>hi", "text/html"},
		{"application/xhtml+xml", "<p>hi", "application/xhtml+xml"},
		{"text/plain; nonsense", "hi", "text/plain"},
		{"application/json", "{}", "application/json"},
		{"", "<!doctype html><p>hi", "text/html"},
		{"", "hi", "text/plain"},
		{"nonsense;;", "<html>", "text/html"},
		{"application/pdf", "%PDF-1.7", "application/pdf"},
		{"image/svg+xml", "<svg/>", "image/svg+xml"},
		{"", "%PDF-1.7", "application/pdf"},
		{"text/html", "%PDF-1.7", "application/pdf"},
		{"text/html", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "application/octet-stream"},
		{"text/html", "a\x00\x01\x02", "application/octet-stream"},
	} {
		r, err := get(t, fetch.Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{test.declared}
			if test.declared == "" {
				w.Header()["Content-Type"] = nil
			}
			_, _ = w.Write([]byte(test.body))
		})
		if err != nil || r.ContentType != test.want || (len(r.Body) > 0) != (strings.HasPrefix(r.ContentType, "text/") || strings.HasPrefix(r.ContentType, "application/x") || strings.HasSuffix(r.ContentType, "json")) {
			t.Errorf("%q %q: %+v, %v, want %s", test.declared, test.body, r, err, test.want)
		}
	}
}

// bomb is n bytes of spaces in gzip.
func bomb(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	block := bytes.Repeat([]byte(" "), 1<<20)
	for range n >> 20 {
		_, _ = z.Write(block)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLimits(t *testing.T) {
	type answer = func(w http.ResponseWriter, r *http.Request)
	html := func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html; charset=utf-8") }
	packed := bomb(t, 16<<20)
	for name, answer := range map[string]answer{
		"never ends": func(w http.ResponseWriter, r *http.Request) {
			html(w)
			for r.Context().Err() == nil {
				if _, err := w.Write(bytes.Repeat([]byte("é"), 1000)); err != nil {
					return
				}
			}
		},
		"says 10 GB": func(w http.ResponseWriter, _ *http.Request) {
			html(w)
			w.Header().Set("Content-Length", "10000000000")
			_, _ = w.Write(bytes.Repeat([]byte("é"), 3<<20))
		},
		"gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			html(w)
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed)
		},
		"grows in UTF-8": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=windows-1252")
			_, _ = w.Write(bytes.Repeat([]byte("\x80"), 3<<20))
		},
	} {
		r, err := get(t, fetch.Options{}, answer)
		if err != nil || !r.Truncated || len(r.Body) > 5<<20 || len(r.Body) < 5<<20-4 || !utf8.Valid(r.Body) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := get(t, fetch.Options{MaxBody: 10}, func(w http.ResponseWriter, _ *http.Request) { html(w); _, _ = w.Write([]byte("0123456789")) })
	if err != nil || r.Truncated || string(r.Body) != "0123456789" {
		t.Errorf("just as much as is allowed: %+v, %v", r, err)
	}
	r, err = get(t, fetch.Options{MaxBody: 10}, func(w http.ResponseWriter, _ *http.Request) { html(w); _, _ = w.Write([]byte("012345678é")) })
	if err != nil || !r.Truncated || string(r.Body) != "012345678" {
		t.Errorf("half a character: %+v, %v", r, err)
	}
}

func TestCompression(t *testing.T) {
	for coding, want := range map[string]fetch.Reason{
		"gzip": fetch.ReasonBody, "br": fetch.ReasonBody, "deflate": fetch.ReasonBody, "gzip, gzip": fetch.ReasonBody, "zstd": fetch.ReasonBody,
	} {
		_, err := get(t, fetch.Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", coding)
			_, _ = w.Write([]byte("not compressed at all"))
		})
		wantReason(t, err, want)
	}
	_, err := get(t, fetch.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Encoding", "gzip")
		b := bomb(t, 1<<20)
		_, _ = w.Write(b[:len(b)-20])
	})
	wantReason(t, err, fetch.ReasonBody)
}

// raw serves the answer as it is and holds the connection until the client goes.
func raw(t *testing.T, answer string, hold bool) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buf := make([]byte, 4096)
		_, _ = conn.Read(buf)
		_, _ = conn.Write([]byte(answer))
		if hold {
			_, _ = conn.Read(buf)
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return "http://" + l.Addr().String()
}

func TestBadAnswers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
	for _, test := range []struct {
		name, answer string
		hold         bool
		want         fetch.Reason
	}{
		{"nothing", "", false, fetch.ReasonAnswer},
		{"not HTTP", "SSH-2.0-OpenSSH_9.6\r\n", false, fetch.ReasonAnswer},
		{"half a header", "HTTP/1.1 200 OK\r\nContent-Ty", false, fetch.ReasonAnswer},
		{"a huge header", "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 70_000) + "\r\n\r\n", false, fetch.ReasonAnswer},
		{"two lengths", head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", false, fetch.ReasonAnswer},
		{"shorter than it says", head + "Content-Length: 100\r\n\r\n<p>hi", false, fetch.ReasonBody},
		{"a chunk that isn't one", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n<p>hi", false, fetch.ReasonBody},
		{"a slow header", "HTTP/1.1 200 OK\r\nX-A: ", true, fetch.ReasonTimeout},
		{"no answer", "", true, fetch.ReasonTimeout},
		{"a slow body", head + "Content-Length: 100\r\n\r\n<p>hi", true, fetch.ReasonTimeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			began := time.Now()
			client := fetch.New(&fetch.Options{AllowPrivate: true, Timeout: 300 * time.Millisecond})
			_, err := client.Get(t.Context(), raw(t, test.answer, test.hold))
			wantReason(t, err, test.want)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	r, err := fetch.New(&fetch.Options{AllowPrivate: true}).Get(t.Context(), raw(t, head+"Content-Length: 2\r\n\r\nhi there", false))
	if err != nil || string(r.Body) != "hi" {
		t.Errorf("longer than it says: %+v, %v", r, err)
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	_, err := fetch.New(&fetch.Options{AllowPrivate: true}).Get(t.Context(), srv.URL)
	wantReason(t, err, fetch.ReasonTLS)
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_, err = fetch.New(&fetch.Options{AllowPrivate: true}).Get(t.Context(), "http://"+l.Addr().String())
	wantReason(t, err, fetch.ReasonConnect)
	if strings.Contains(err.Error(), "127.") {
		t.Errorf("%v tells of the network", err)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer srv.Close()
	_, err := fetch.New(&fetch.Options{AllowPrivate: true}).Get(ctx, srv.URL)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestAllowPrivateChecksTheRest(t *testing.T) {
	client := fetch.New(&fetch.Options{AllowPrivate: true})
	for _, url := range []string{"file:///etc/passwd", "http://user@127.0.0.1/", "gopher://127.0.0.1/"} {
		_, err := client.Get(t.Context(), url)
		wantReason(t, err, fetch.ReasonURL)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, fmt.Sprintf("http://%s/", r.Host), http.StatusFound)
	}))
	defer srv.Close()
	_, err := client.Get(t.Context(), srv.URL)
	wantReason(t, err, fetch.ReasonRedirect)
}
