// Command heycmo-server is a heycmo host ready to run.
//
//	heycmo-server                          # serves on 127.0.0.1:8787, in development mode
//	heycmo-server customer create --email ada@example.com
//	heycmo-server billing reconcile        # read from Stripe what is true
//	heycmo-server doctor                   # what is wrong, and what to do
//	heycmo-server config                   # the settings in force, secrets masked
//	heycmo-server --help                   # all commands and settings
//
// Every setting is a flag, or the environment variable with its name in capital
// letters behind HEYCMO_: --public-url is HEYCMO_PUBLIC_URL.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/heycmo/heycmo-go/heycmo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "heycmo-server:", err)
		stop()
		os.Exit(1)
	}
}

// commands is the command line. Its flags are the settings.
type commands struct {
	settings

	Serve    serveCommand    `cmd:"" default:"1" help:"Serve until SIGINT or SIGTERM (the default)."`
	Migrate  migrateCommand  `cmd:"" help:"Bring the database to the newest schema and stop."`
	Customer customerCommand `cmd:"" help:"Make, find and manage customers."`
	Billing  billingCommand  `cmd:"" help:"Look at what is sold, and mend it."`
	Vault    vaultCommand    `cmd:"" help:"Look after what is encrypted in the database."`
	Doctor   doctorCommand   `cmd:"" help:"Check settings, database, Stripe and mail, and say what to do."`
	Config   configCommand   `cmd:"" help:"Print the settings in force, secrets masked."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// console is where commands write.
type console struct{ out, err io.Writer }

// run is the program. It returns when the command is done or, after ctx has
// ended, when everything is closed.
func run(ctx context.Context, args, environ []string, out, errOut io.Writer) error {
	var c commands
	helped := false
	parser, err := kong.New(&c,
		kong.Name("heycmo-server"),
		kong.Description("A heycmo host: customers, API keys, REST and MCP. Each flag is also an environment variable: --public-url is HEYCMO_PUBLIC_URL."),
		kong.Writers(out, errOut),
		kong.Exit(func(int) { helped = true }),
		kong.Resolvers(environment(environ)),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(console{out, errOut}, &c.settings),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return err
	}
	warnUnknown(errOut, parser.Model, environ)
	return command.Run()
}

type versionCommand struct{}

func (versionCommand) Run(c console) error {
	_, err := fmt.Fprintln(c.out, heycmo.Version)
	return err
}
