//go:build !unix

package pgtest

import (
	"errors"
	"net/url"
)

func start(string) (*url.URL, error) {
	return nil, errors.New("not on this system: set " + Server + " to the URL of a running server")
}
