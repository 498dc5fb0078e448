// Command load measures the server under load, beside peers in the same run, and
// prints ratios as Markdown tables.
//
//	go run ./test/load compare memory flat
//
// The modes are
//
//	compare  calls a second, and processor time for each, against bare mcp-go and bare net/http
//	memory   what an idle stream takes, and what is left when sessions have come and gone
//	flat     whether 10,000 customers, or 5,000 idle streams, make calls slower
//	abuse    whether customers feel it when others misbehave
//
// Servers run in processes of their own, which this program starts from itself,
// on one core; the client runs on another. Only ratios of one run say something:
// absolute figures depend on the machine and on what else it does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are the flags.
type settings struct {
	rounds    int
	round     time.Duration
	conns     int
	log       bool
	profile   string
	check     bool
	customers int
	cycles    int
	duration  time.Duration
	attack    string
	pause     time.Duration
	pinned    bool      // to cores
	out       io.Writer // the tables
	progress  io.Writer // what is going on
}

// mode is one measurement. It reports whether the figures are good enough.
type mode struct {
	name string
	run  func(ctx context.Context, s *settings) (ok bool, err error)
}

func modes() []mode {
	return []mode{{"compare", compare}, {"memory", memory}, {"flat", flat}, {"abuse", abuse}}
}

func main() {
	if isServer() {
		os.Exit(serveMain())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch short, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(2)
	case short:
		os.Exit(1)
	}
}

// run runs the modes that args name. With -check, short reports that a figure
// missed what it should be.
func run(ctx context.Context, args []string, out, progress io.Writer) (short bool, err error) {
	s := &settings{out: out, progress: progress}
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.IntVar(&s.rounds, "rounds", 21, "how often each side is measured; the median counts")
	flags.DurationVar(&s.round, "round", 300*time.Millisecond, "how long a round is")
	flags.IntVar(&s.conns, "conns", 16, "connections, each with one call in flight")
	flags.BoolVar(&s.log, "log", false, "have our server write its access log, to a file")
	flags.StringVar(&s.profile, "profile", "", "a `folder` for processor profiles of the servers under load")
	flags.BoolVar(&s.check, "check", false, "end with status 1 when a figure is not what it should be")
	flags.IntVar(&s.customers, "customers", 10_000, "the largest number of customers and of sessions")
	flags.IntVar(&s.cycles, "cycles", 5_000, "with memory: how many sessions come and go")
	flags.DurationVar(&s.duration, "duration", 2*time.Minute, "with abuse: how long it lasts")
	flags.BoolVar(&s.pinned, "pin", true, "put servers on one core and the client on another, where that is possible")
	flags.DurationVar(&s.pause, "pause", time.Second, "how long servers come to rest before memory is measured")
	flags.StringVar(&s.attack, "attack", "", "with abuse: only the kinds whose `name` holds this")
	flags.Usage = func() {
		fmt.Fprintf(progress, "usage: load [flags] %s\n", strings.Join(modeNames(), "|"))
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	chosen, err := choose(flags.Args())
	if err != nil {
		return false, err
	}
	if s.pinned {
		s.pinned = pinClient()
	}
	printMachine(out, s.pinned, append([]string{"go run ./test/load"}, args...))
	good := true
	for _, m := range chosen {
		ok, err := m.run(ctx, s)
		if err != nil {
			return false, fmt.Errorf("%s: %w", m.name, err)
		}
		good = good && ok
	}
	return s.check && !good, nil
}

func modeNames() []string {
	var names []string
	for _, m := range modes() {
		names = append(names, m.name)
	}
	return names
}

// choose returns the modes with these names, in the given order.
func choose(names []string) ([]mode, error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("name what to measure: %s", strings.Join(modeNames(), ", "))
	}
	var chosen []mode
	for _, name := range names {
		i := slices.IndexFunc(modes(), func(m mode) bool { return m.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no mode %q, only %s", name, strings.Join(modeNames(), ", "))
		}
		chosen = append(chosen, modes()[i])
	}
	return chosen, nil
}
