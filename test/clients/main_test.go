// Package clients runs MCP clients of others against a server: what they do in a
// long and troubled life. The scripts beside it drive those that need Node.js.
package clients

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience bounds waits that end with a signal.
const patience = time.Minute

func TestMain(m *testing.M) { goleak.VerifyTestMain(withDrivers{m}) }

// withDrivers ends the clients' processes after the tests.
type withDrivers struct{ *testing.M }

func (m withDrivers) Run() int {
	defer stopDrivers()
	return m.M.Run()
}
