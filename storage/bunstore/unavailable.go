package bunstore

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
)

// isUnavailable reports whether the database could not be asked at all, in
// contrast to having refused what it was asked.
func isUnavailable(err error) bool {
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	// PostgreSQL's classes "connection exception", "insufficient resources" and
	// "operator intervention" (PostgreSQL documentation, appendix A).
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		switch code := state.SQLState(); {
		case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57P"):
			return true
		}
	}
	// SQLite's primary result codes BUSY, LOCKED, IOERR, FULL and CANTOPEN
	// (sqlite.org/rescode.html).
	var result interface{ Code() int }
	if errors.As(err, &result) {
		switch result.Code() & 0xff {
		case 5, 6, 10, 13, 14:
			return true
		}
	}
	return false
}
