package measure

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

func length(p Piece, form Form, d document) outcome {
	words := func(name string, s span) outcome {
		return inRange(count(d.words), s, "words", name)
	}
	switch form {
	case FormArticle:
		return words("an article", span{400, 2500, 0})
	case FormPage:
		return words("a page", span{150, 1500, 0})
	case FormEmail:
		if strings.Contains(strings.ToLower(p.Type+p.Channel), "newsletter") {
			return words("a newsletter", span{100, 800, 0})
		}
		return words("an e-mail", span{50, 300, 0})
	case FormPost:
		where, ok := platformOf(postRanges, p.Channel)
		if !ok {
			where, ok = platformOf(postRanges, p.Type)
		}
		if !ok {
			return notTaken("no length is known for a post without a channel such as linkedin or x")
		}
		return postLength(p.Body, where)
	case FormAd:
		where, ok := platformOf(adRanges, p.Channel+" "+p.Type)
		switch {
		case !ok:
			return notTaken("no length is known for an ad without a channel such as google or meta")
		case where.name == "Google":
			return searchAdLength(p.Body)
		}
		return inRange(characterCount(p.Body), where.span, "characters", "an ad on "+where.name)
	}
	return notTaken("no length is known for this type")
}

// inRange measures a length against a range and a limit.
func inRange(n int, s span, unit, name string) outcome {
	note := fmt.Sprintf("%s %s; %s has %s to %s", thousands(n), unit, name, thousands(s.least), thousands(s.most))
	switch {
	case s.limit > 0 && n > s.limit:
		return taken(0, fmt.Sprintf("%s %s; the limit of %s is %s", thousands(n), unit, name, thousands(s.limit)),
			advice{beforeAll, fmt.Sprintf("Cut %s %s: the limit of %s is %s.", thousands(n-s.limit), unit, name, thousands(s.limit))})
	case n > s.most:
		value := float64(s.most) / float64(n)
		return taken(value, note, advice{1 - value, fmt.Sprintf("Shorten it from %s to at most %s %s.", thousands(n), thousands(s.most), unit)})
	case n < s.least:
		value := float64(n) / float64(s.least)
		return taken(value, note, advice{1 - value, fmt.Sprintf("Say more: it has %s %s, %s has at least %s.", thousands(n), unit, name, thousands(s.least))})
	}
	return taken(1, note)
}

// beforeAll is the gain of what must be done for a piece to be published at all.
const beforeAll = 2

// postLength measures the post of a thread that fits least.
func postLength(body string, where platform) outcome {
	size := characterCount
	if where.name == "X" {
		size = weightOnX
	}
	var worst outcome
	var part []string
	posts := 0
	measure := func() {
		text := strings.Join(part, "\n")
		part = part[:0]
		if strings.TrimSpace(text) == "" {
			return
		}
		posts++
		if o := inRange(size(text), where.span, "characters", "a post on "+where.name); worst.value == nil || *o.value < *worst.value {
			worst = o
		}
	}
	for line := range strings.SplitSeq(normal(body), "\n") {
		if isBreak(strings.TrimSpace(line)) {
			measure()
			continue
		}
		part = append(part, line)
	}
	measure()
	if worst.value == nil {
		return notTaken("there is no text")
	}
	if posts > 1 {
		worst.note = fmt.Sprintf("worst of %d posts: %s", posts, worst.note)
	}
	return worst
}

func characterCount(text string) int { return utf8.RuneCountInString(strings.TrimSpace(normal(text))) }

// weightOnX returns the length that X gives a text.
func weightOnX(text string) int {
	text = strings.TrimSpace(text)
	weight := 0
	for at := 0; at < len(text); {
		if isAddress(text[at:]) {
			weight += 23
			at += addressEnd(text[at:])
			continue
		}
		r, size := utf8.DecodeRuneInString(text[at:])
		at += size
		if r <= 4351 || r >= 8192 && r <= 8205 || r >= 8208 && r <= 8223 || r >= 8242 && r <= 8247 {
			weight++
		} else {
			weight += 2
		}
	}
	return weight
}

// searchAdLength measures each line of a search ad by what it is: a headline, a
// description or a path, as the heading above it or its label says.
func searchAdLength(body string) outcome {
	lines, fitting := 0, 0
	limit := 90
	var worst advice
	for line := range strings.SplitSeq(normal(body), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || isBreak(line) {
			continue
		}
		text := strings.TrimSpace(line[itemMarker(line):])
		label, rest, labelled := strings.Cut(text, ":") // Headline 1: Close in a day
		title := line[0] == '#'
		own := limit
		if l := adLimit(label); l > 0 && (labelled || title) {
			own, text = l, strings.Trim(rest, "*_ \t")
		}
		if title || text == "" {
			limit = own // holds for what follows
			continue
		}
		lines++
		n := adWeight(text)
		if n <= own {
			fitting++
		} else if gain := float64(n - own); gain > worst.gain {
			worst = advice{gain, fmt.Sprintf("Cut “%s” by %d characters: at most %d fit there.", excerpt(text, 40), n-own, own)}
		}
	}
	if lines == 0 {
		return notTaken("there is no text")
	}
	if worst.gain > 0 {
		worst.gain = beforeAll
	}
	return taken(float64(fitting)/float64(lines), fmt.Sprintf("%d of %d lines fit a search ad on Google", fitting, lines), worst)
}

func adLimit(label string) int {
	label = strings.ToLower(strings.Trim(label, "#*_ "))
	for _, l := range []struct {
		word  string
		limit int
	}{{"headline", 30}, {"description", 90}, {"path", 15}} {
		if strings.HasPrefix(label, l.word) {
			return l.limit
		}
	}
	return 0
}

// adWeight counts as Google Ads does: letters of double width are two.
func adWeight(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r >= 0x1100 && (isSpaceless(r) || r >= 0xAC00 && r <= 0xD7A3 || r >= 0xFF01 && r <= 0xFF60) {
			n++
		}
	}
	return n
}

// thousands writes a number as in 2,500.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
