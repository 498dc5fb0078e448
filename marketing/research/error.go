package research

import "fmt"

// Error is a failure of a search service. Its text holds no key, and nothing that the
// service wrote.
type Error struct {
	Kind ErrorKind
	// Status is the HTTP status; 0: there was no answer.
	Status int
}

// ErrorKind says what an [Error] means.
type ErrorKind string

// The kinds.
const (
	Unauthorized ErrorKind = "unauthorized" // the key is wrong, or has no credit
	Busy         ErrorKind = "busy"         // too many requests
	Refused      ErrorKind = "refused"      // the query can't be searched for
	Unavailable  ErrorKind = "unavailable"  // no answer, or none that makes sense
)

func (e *Error) Error() string {
	return fmt.Sprintf("research: search: %s (status %d)", e.Kind, e.Status)
}

// advice says to the model what to do.
func (e *Error) advice() string {
	switch e.Kind {
	case Unauthorized:
		return "the service refuses this host's key, and its operator has to look at it; go on without this search, and say so at the end"
	case Busy:
		return "there were too many searches; go on with what there is, and try again later"
	case Refused:
		return "the service doesn't take this query; word it more simply"
	}
	return "the service doesn't answer; try again later, or go on without it"
}
