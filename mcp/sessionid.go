package mcp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"sync"

	"github.com/heycmo/heycmo-go/storage"
)

const (
	nonceLength = 16
	macLength   = 16
	// maxEnded bounds the memory of sessions that were deleted. A session that
	// fell out of it works again, for its owner alone.
	maxEnded = 100_000
)

// sessionIDs makes and checks the session IDs of Streamable HTTP. An ID is a
// random number and what the client can be asked, with a MAC over them and the
// customer. So any replica knows whose session it is without having stored
// anything, and nobody can make one up.
type sessionIDs struct {
	secrets [][]byte // the first signs
	ended   endedIDs
}

func newSessionIDs(secrets [][]byte) *sessionIDs { return &sessionIDs{secrets: secrets} }

func (s *sessionIDs) generate(owner storage.CustomerID, caps capabilities) string {
	id := make([]byte, nonceLength, nonceLength+1+macLength)
	_, _ = rand.Read(id) // never fails, see crypto/rand
	id = append(id, byte(caps))
	return base64.RawURLEncoding.EncodeToString(append(id, sessionMAC(s.secrets[0], id, owner)...))
}

func sessionMAC(secret, id []byte, owner storage.CustomerID) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte("mcp session\x00"))
	m.Write(id)
	m.Write([]byte(owner))
	return m.Sum(nil)[:macLength]
}

// check reports whether the session is one of owner's and has not ended, and what
// its client can be asked.
func (s *sessionIDs) check(id string, owner storage.CustomerID) (capabilities, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if err != nil || len(b) != nonceLength+1+macLength {
		return 0, false
	}
	signed, mac := b[:nonceLength+1], b[nonceLength+1:]
	ours := slices.ContainsFunc(s.secrets, func(secret []byte) bool {
		return hmac.Equal(mac, sessionMAC(secret, signed, owner))
	})
	return capabilities(b[nonceLength]), ours && !s.ended.contains([nonceLength]byte(b))
}

// end makes an ID that was checked unknown.
func (s *sessionIDs) end(id string) {
	if b, err := base64.RawURLEncoding.DecodeString(id); err == nil && len(b) > nonceLength {
		s.ended.add([nonceLength]byte(b))
	}
}

// endedIDs remembers at least the last half of maxEnded IDs, in two sets of which
// the older one goes when the newer one is full.
type endedIDs struct {
	mu           sync.RWMutex
	newer, older map[[nonceLength]byte]struct{}
}

func (e *endedIDs) contains(id [nonceLength]byte) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	_, ended := e.newer[id]
	if !ended {
		_, ended = e.older[id]
	}
	return ended
}

func (e *endedIDs) add(id [nonceLength]byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.newer == nil || len(e.newer) >= maxEnded/2 {
		e.newer, e.older = map[[nonceLength]byte]struct{}{}, e.newer
	}
	e.newer[id] = struct{}{}
}
