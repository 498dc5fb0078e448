package marketing

import (
	"iter"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/heycmo/heycmo-go/agent"
)

// relevance returns how much a piece has to do with an agent's task: a point
// when it is of the agent's kind, and one for each word of the task in its title.
func relevance(a agent.Agent, task string) func(piece) int {
	ownKind, wanted := kindOf(a), map[string]bool{}
	for word := range words(task) {
		wanted[word] = true
	}
	return func(p piece) int {
		var found []string
		for word := range words(p.Title) {
			if wanted[word] && !slices.Contains(found, word) {
				found = append(found, word)
			}
		}
		if ownKind(p) {
			return len(found) + 1
		}
		return len(found)
	}
}

var quotedName = regexp.MustCompile("`([a-z][a-z0-9_-]*)`")

// kindOf reports whether a piece is by the agent, or of a type that its output
// form names. To an agent that directs others, all are its own.
func kindOf(a agent.Agent) func(piece) bool {
	leads := has(a, "ask_agent")
	types := map[string]bool{}
	for _, name := range quotedName.FindAllStringSubmatch(a.Output, -1) {
		types[name[1]] = true
	}
	return func(p piece) bool { return leads || p.Agent == a.ID || types[p.Type] }
}

// How words are compared: by their first letters, so that "launch" is found in
// "launches", and not when they are so short that most of them mean little.
const (
	minWord = 4
	maxWord = 6
)

// words yields the words of a text for comparison. In scripts that don't put
// spaces between words, each two characters that follow each other stand for one.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for field := range strings.FieldsFuncSeq(strings.ToLower(text), between) {
			word := []rune(field)
			switch {
			case strings.ContainsFunc(field, spaceless):
				for i := range len(word) - 1 {
					if !yield(string(word[i : i+2])) {
						return
					}
				}
			case len(word) >= minWord:
				if !yield(string(word[:min(len(word), maxWord)])) {
					return
				}
			}
		}
	}
}

func between(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) }

func spaceless(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Khmer, unicode.Lao, unicode.Myanmar)
}
