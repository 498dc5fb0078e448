package dashboard

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

const (
	sessionCookie = "heycmo-session"
	maxForm       = 256 << 10
)

// visitor is who looks at a page: a customer, an operator, or nobody that is known.
type visitor struct {
	auth.Principal
	customer storage.Customer
	session  string // empty: a caller with a key
}

// keep stores the token of a session in the browser until the session ends.
func keep(w http.ResponseWriter, r *http.Request, name, token string, until time.Time) {
	http.SetCookie(w, httpx.Cookie(base(r), name, token, int(time.Until(until).Seconds())))
}

func forgetCookie(w http.ResponseWriter, r *http.Request, name string) {
	http.SetCookie(w, httpx.Cookie(base(r), name, "", -1))
}

// csrf is what forms of a session carry.
func csrf(session string) string {
	sum := sha256.Sum256([]byte("heycmo form " + session))
	return hex.EncodeToString(sum[:16])
}

var errForm = httpx.Status(http.StatusForbidden, "this form is of another session; go back and load the page again")

// checkForm reads a form and says whether it is one of the session.
func checkForm(w http.ResponseWriter, r *http.Request, session string) error {
	if r.Method != http.MethodPost {
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return storage.Invalid("the form", "of at most %d bytes", maxForm)
	}
	if subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(csrf(session))) != 1 {
		return errForm
	}
	return nil
}

// session is an action of a customer who is signed in, and the one in its place for a
// customer who is shut out.
func (h *Handler) session(do, shutOut action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		session := httpx.CookieValue(r, base(r), sessionCookie)
		p, c, err := h.app.Visitor(r.Context(), session)
		v := visitor{p, c, session}
		do := do
		switch {
		case errors.Is(err, app.ErrVisit):
			h.show(w, r, visitor{}, signInReply("Sign in", "none", http.StatusUnauthorized))
			return
		case errors.Is(err, app.ErrShutOut):
			do = shutOut
		case err != nil:
			h.fail(w, r, visitor{}, err)
			return
		}
		httpx.NoteCaller(r.Context(), string(p.Customer), "")
		err = h.app.Limit(r.Context(), w.Header(), app.ScopeREST, "dashboard:"+string(p.Customer))
		if err == nil {
			err = checkForm(w, r, session)
		}
		var out reply
		if err == nil {
			out, err = do(w, r, v)
		}
		h.finish(w, r, v, out, err)
	}
}

// shutView is for a customer who is shut out.
type shutView struct {
	Suspended bool // by the operator; else nothing is paid for
	Payment   bool // can be managed
}

func (h *Handler) shutOut(_ http.ResponseWriter, _ *http.Request, v visitor) (reply, error) {
	d := shutView{Suspended: !v.customer.SuspendedAt.IsZero(), Payment: h.hasPayment()}
	return reply{page: "shut", title: "Your access is closed", code: http.StatusForbidden, data: d}, nil
}

// signInView is for who has no session.
type signInView struct {
	Stage string // button, bad (a link), out (signed out), none
	Token string // of the link
}

func signInReply(title, stage string, code int) reply {
	return reply{page: "signin", title: title, code: code, data: signInView{Stage: stage}}
}

// limited counts a request of nobody that is known.
func (h *Handler) limited(w http.ResponseWriter, r *http.Request) bool {
	err := h.app.Limit(r.Context(), w.Header(), app.ScopeREST, h.app.Address(r))
	if err != nil {
		h.fail(w, r, visitor{}, err)
	}
	return err == nil
}

// signInPage asks for a click: links are opened by scanners and previews too.
func (h *Handler) signInPage(w http.ResponseWriter, r *http.Request) {
	if !h.limited(w, r) {
		return
	}
	token := r.URL.Query().Get("t")
	out, err := reply{page: "signin", title: "Sign in", data: signInView{"button", token}}, h.app.LookAtLink(r.Context(), token)
	if errors.Is(err, app.ErrVisit) {
		out, err = signInReply("Sign in", "bad", http.StatusGone), nil
	}
	h.finish(w, r, visitor{}, out, err)
}

func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) {
	if !h.limited(w, r) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	session, until, err := h.app.SignIn(r.Context(), r.PostFormValue("t"))
	out := reply{to: "/dashboard"}
	switch {
	case errors.Is(err, app.ErrVisit):
		out, err = signInReply("Sign in", "bad", http.StatusGone), nil
	case err == nil:
		keep(w, r, sessionCookie, session, until)
	}
	h.finish(w, r, visitor{}, out, err)
}

func (h *Handler) signOut(w http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if err := h.app.SignOut(r.Context(), v.session); err != nil {
		return reply{}, err
	}
	forgetCookie(w, r, sessionCookie)
	h.show(w, r, visitor{}, signInReply("Signed out", "out", http.StatusOK))
	return reply{}, nil
}
