package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/internal/clientconfig"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

type serveCommand struct{}

// Run serves until ctx ends.
func (serveCommand) Run(ctx context.Context, c console, s *settings) (err error) {
	log := s.logger(c.err)
	o, err := s.options(log)
	if err != nil {
		return err
	}
	if len(o.SecretKeys) == 0 {
		if o.SecretKeys, err = developmentSecret(s.Database); err != nil {
			return err
		}
	}
	store, err := openStore(ctx, s.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	listener, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("HEYCMO_ADDR: %w", err)
	}
	defer func() { _ = listener.Close() }()
	base := s.base(listener.Addr().String())
	s.returnTo(o, base)
	if o.Engine, err = s.engine(store, base, log); err != nil {
		return err
	}
	srv, err := heycmo.New(store, o)
	if err != nil {
		return err
	}
	if !s.production() {
		if err := welcome(ctx, c.out, srv.Admin(), base); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.out, "listening on %s (%s)\n", base, s.Env)
	return srv.Serve(ctx, listener, nil)
}

// closingStore is a store that this program has opened.
type closingStore interface {
	storage.Store
	io.Closer
}

// openStore opens the database and brings its tables up to date.
func openStore(ctx context.Context, database string) (closingStore, error) {
	return openDatabase(ctx, database, true)
}

func openDatabase(ctx context.Context, database string, migrate bool) (closingStore, error) {
	if isPostgres(database) {
		store, err := pgstore.Open(ctx, database, &pgstore.Options{NoMigrate: !migrate})
		if err != nil {
			return nil, fmt.Errorf("HEYCMO_DATABASE: %w", err)
		}
		return store, nil
	}
	if strings.Contains(database, "://") || strings.Contains(database, "=") {
		return nil, errors.New("HEYCMO_DATABASE must be a file, :memory:, or an address such as postgres://user@host/name")
	}
	store, err := sqlitestore.Open(ctx, database, &sqlitestore.Options{NoMigrate: !migrate})
	if err != nil {
		return nil, fmt.Errorf("HEYCMO_DATABASE: %w", err)
	}
	return store, nil
}

func isPostgres(database string) bool {
	scheme, _, _ := strings.Cut(strings.ToLower(database), "://")
	return scheme == "postgres" || scheme == "postgresql"
}

// maskDatabase leaves no password in the setting: of an address only what says
// where the database is.
func maskDatabase(database string) string {
	if !strings.ContainsAny(database, ":=@") || database == sqlitestore.Memory {
		return database
	}
	u, err := url.Parse(database)
	if err != nil || u.Host == "" {
		return "********"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// developmentSecret returns the secret that is kept beside the SQLite file, and
// makes it if need be. A database that is no file gets a new one each time.
func developmentSecret(database string) ([]heycmo.SecretKey, error) {
	if database == sqlitestore.Memory || isPostgres(database) {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails, see crypto/rand
		return []heycmo.SecretKey{{ID: "dev", Key: key}}, nil
	}
	path := database + ".secret"
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails, see crypto/rand
		text = []byte("dev:" + base64.StdEncoding.EncodeToString(key) + "\n")
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("secret of the development mode: %w", err)
	}
	key, err := parseSecretKey(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s holds no secret; remove it to have a new one made", path)
	}
	return []heycmo.SecretKey{key}, nil
}

// welcome makes a customer for development on the first start, and prints what
// is needed to connect. The key is shown this one time.
func welcome(ctx context.Context, w io.Writer, admin *heycmo.Admin, base string) error {
	customers, _, err := admin.Customers(ctx, heycmo.CustomerSearch{Limit: 1})
	if err != nil || len(customers) > 0 {
		return err
	}
	p, err := admin.Provision(ctx, heycmo.NewCustomer{
		Email: "dev@example.com", BrandName: "My brand", ExternalID: "development",
	})
	if err != nil {
		return err
	}
	if !p.Created {
		return nil
	}
	fmt.Fprintf(w, "A customer for development. Its key is shown this one time:\n\nkey: %s\ncustomer: %s\n", p.APIKey.Reveal(), p.Customer.ID)
	for _, client := range clientconfig.Clients(base, "heycmo", p.APIKey.Reveal()) {
		fmt.Fprintf(w, "\n# %s, %s:\n%s\n", client.Name, client.Where, client.Text)
	}
	fmt.Fprintln(w)
	return nil
}

type migrateCommand struct{}

// Run opens the database, which migrates it.
func (migrateCommand) Run(ctx context.Context, c console, s *settings) error {
	store, err := openStore(ctx, s.Database)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, "the database has the newest schema")
	return store.Close()
}
