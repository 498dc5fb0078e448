package dbosengine_test

import (
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/dbosengine"
	"github.com/heycmo/heycmo-go/workflow/workflowtest"
)

func TestSQLite(t *testing.T) {
	workflowtest.Run(t, func(t *testing.T) workflow.Engine {
		e, err := dbosengine.OpenSQLite(filepath.Join(t.TempDir(), "test.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}

func TestPostgres(t *testing.T) {
	dsn := pgtest.DSN(t)
	workflowtest.Run(t, func(t *testing.T) workflow.Engine {
		e, err := dbosengine.OpenPostgres(dsn, &dbosengine.Options{Schema: "s" + strings.ToLower(rand.Text())})
		if err != nil {
			t.Fatal(err)
		}
		return e
	})
}
