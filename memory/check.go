package memory

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/heycmo/heycmo-go/internal/plain"
	"github.com/heycmo/heycmo-go/storage"
)

const maxTopic = 100 // characters

var (
	errLayer   = storage.Invalid("layer", "%s", strings.Join(Layers, ", "))
	keyPattern = regexp.MustCompile(`^[a-z0-9_.-]{1,100}$`)
)

// check reports what is wrong with a note, and cleans its text.
func (n *Note) check() error {
	n.Text = strings.TrimSpace(plain.Clean(n.Text))
	size := utf8.RuneCountInString(n.Text)
	switch {
	case !slices.Contains(Layers, n.Layer):
		return errLayer
	case size == 0 || size > MaxText:
		return storage.Invalid("text", "a text of 1 to %d characters", MaxText)
	case n.Topic != "" && n.Layer != Working && n.Layer != Procedural:
		return storage.Invalid("topic", "left out in the layer %s", n.Layer)
	case utf8.RuneCountInString(n.Topic) > maxTopic || plain.Line(n.Topic) != n.Topic:
		return storage.Invalid("topic", "one line of at most %d characters", maxTopic)
	case (n.Key == "") != (n.Weight == nil):
		return storage.Invalid("weight", "given together with key")
	case n.Key != "" && n.Layer != Procedural:
		return storage.Invalid("key", "left out in the layer %s", n.Layer)
	case n.Key != "" && !keyPattern.MatchString(n.Key):
		return storage.Invalid("key", "1 to 100 of the characters a-z, 0-9, _, - and ., such as format_weights.blog")
	case n.Weight != nil && !(*n.Weight >= 0 && *n.Weight <= 1) || n.Weight != nil && math.IsNaN(*n.Weight):
		return storage.Invalid("weight", "a number from 0 to 1")
	}
	if n.Layer == Working && n.Topic == "" {
		n.Topic = DefaultConversation
	}
	return nil
}
