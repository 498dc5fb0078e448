package mcp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
)

const (
	nonceLength = 16
	// maxEnded bounds the memory of sessions that were deleted. A session that
	// fell out of it works again, for its owner alone.
	maxEnded = 100_000
)

var errSession = errors.New("unknown session")

// sessionIDs makes and checks the session IDs of Streamable HTTP. An ID is a
// random number with a MAC over it and the customer, so that any replica knows
// whose it is without having stored anything, and nobody can make one up.
type sessionIDs struct {
	secrets [][]byte // the first signs
	ended   *lru.Cache[string, struct{}]
}

func newSessionIDs(secrets [][]byte) *sessionIDs {
	ended, _ := lru.New[string, struct{}](maxEnded) // fails for a size below 1 only
	return &sessionIDs{secrets, ended}
}

func (s *sessionIDs) generate(owner storage.CustomerID) string {
	nonce := make([]byte, nonceLength)
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(append(nonce, mac(s.secrets[0], nonce, owner)...))
}

func mac(secret, nonce []byte, owner storage.CustomerID) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte("mcp session\x00"))
	m.Write(nonce)
	m.Write([]byte(owner))
	return m.Sum(nil)[:nonceLength]
}

// check reports whether the session is one of owner's and has not ended.
func (s *sessionIDs) check(id string, owner storage.CustomerID) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if err != nil || len(b) != 2*nonceLength {
		return false
	}
	return slices.ContainsFunc(s.secrets, func(secret []byte) bool {
		return hmac.Equal(b[nonceLength:], mac(secret, b[:nonceLength], owner))
	}) && !s.ended.Contains(id)
}

func (s *sessionIDs) hasEnded(id string) bool { return s.ended.Contains(id) }

func (s *sessionIDs) end(id string) { s.ended.Add(id, struct{}{}) }

// ResolveSessionIdManager gives mcp-go the session IDs of the request's caller.
func (s *sessionIDs) ResolveSessionIdManager(r *http.Request) mcpserver.SessionIdManager {
	p, _ := auth.FromContext(r.Context())
	return ownedIDs{s, p.Customer}
}

type ownedIDs struct {
	ids   *sessionIDs
	owner storage.CustomerID
}

func (o ownedIDs) Generate() string { return o.ids.generate(o.owner) }

func (o ownedIDs) Validate(id string) (isTerminated bool, err error) {
	if !o.ids.check(id, o.owner) {
		return false, errSession
	}
	return false, nil
}

func (o ownedIDs) Terminate(id string) (isNotAllowed bool, err error) {
	if o.owner != "" {
		o.ids.end(id)
	}
	return false, nil
}
