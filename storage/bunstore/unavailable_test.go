package bunstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/heycmo/heycmo-go/storage"
)

type stateError string

func (stateError) Error() string      { return "refused" }
func (e stateError) SQLState() string { return string(e) }

type codeError int

func (codeError) Error() string { return "refused" }
func (e codeError) Code() int   { return int(e) }

func TestUnavailable(t *testing.T) {
	_, dialError := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:1")
	for _, c := range []struct {
		err  error
		want bool
	}{
		{dialError, true},
		{driver.ErrBadConn, true},
		{stateError("57P01"), true},
		{stateError("53300"), true},
		{stateError("08006"), true},
		{stateError("23505"), false},
		{codeError(5), true},
		{codeError(5 | 2<<8), true}, // BUSY_SNAPSHOT
		{codeError(13), true},
		{codeError(19), false}, // CONSTRAINT
		{errors.New("syntax error"), false},
	} {
		err := wrap(context.Background(), fmt.Errorf("query: %w", c.err))
		if got := errors.Is(err, storage.ErrUnavailable); got != c.want {
			t.Errorf("%v is unavailable: %t", c.err, got)
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%v has lost its cause %v", err, c.err)
		}
	}
}
