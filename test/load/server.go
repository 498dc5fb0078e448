package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"syscall"
	"time"
)

// serverVariable holds what to serve, as JSON. A process that has it in its
// environment is a server.
const serverVariable = "HEYCMO_TEST_LOAD_SERVER"

// serverConfig says what a server process serves.
type serverConfig struct {
	// Bare: no server of ours, but mcp-go and net/http alone.
	Bare bool
	// Customers are made before the server listens.
	Customers int
	// Limits: the host's default ones. Otherwise they are out of reach, and
	// still counted.
	Limits bool
	// Log: an access log, written to a file.
	Log bool
	// Procs is GOMAXPROCS; default 1.
	Procs int
}

// customer is somebody who may call.
type customer struct{ ID, Key string }

// ready is what a server says first.
type ready struct {
	Address   string
	Customers []customer
}

// request is what a server is asked for on its standard input.
type request struct {
	// Settle: free what can be freed before the figures are taken.
	Settle bool
	// Profile begins a processor profile in this file; EndProfile ends it.
	Profile    string
	EndProfile bool
}

// figures are a server's answer.
type figures struct {
	CPU        time.Duration
	Resident   int64 // bytes
	Heap       int64 // bytes; only when settled
	Goroutines int
	Error      string `json:",omitempty"`
}

func isServer() bool { return os.Getenv(serverVariable) != "" }

// serveMain is main of a server process. It ends when its standard input does,
// and so with the process that started it.
func serveMain() int {
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // they may be sent to both processes
	var c serverConfig
	err := json.Unmarshal([]byte(os.Getenv(serverVariable)), &c)
	runtime.GOMAXPROCS(max(1, c.Procs))
	if err == nil {
		err = serve(c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load: server:", err)
		return 1
	}
	return 0
}

func serve(c serverConfig) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	folder, err := os.MkdirTemp("", "heycmo-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	begin := serveHost
	if c.Bare {
		begin = serveBare
	}
	customers, wait, err := begin(ctx, listener, c, folder)
	if err != nil {
		return err
	}
	answer(ready{Address: listener.Addr().String(), Customers: customers})
	for requests := json.NewDecoder(os.Stdin); ; {
		var r request
		if requests.Decode(&r) != nil {
			break
		}
		answer(r.take())
	}
	cancel()
	return wait()
}

func answer(v any) { _ = json.NewEncoder(os.Stdout).Encode(v) }

// take does what was asked and takes the figures.
func (r request) take() figures {
	var f figures
	fail := func(err error) figures {
		f.Error = err.Error()
		return f
	}
	if r.Profile != "" {
		file, err := os.Create(r.Profile)
		if err != nil {
			return fail(err)
		}
		if err := pprof.StartCPUProfile(file); err != nil {
			return fail(err)
		}
	}
	if r.EndProfile {
		pprof.StopCPUProfile()
	}
	if r.Settle {
		// The first collection runs finalizers and empties pools, whose contents
		// the second one frees.
		debug.FreeOSMemory()
		time.Sleep(50 * time.Millisecond)
		debug.FreeOSMemory()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		f.Heap = int64(m.HeapAlloc)
	}
	f.CPU, f.Resident, f.Goroutines = cpuTime(), residentMemory(), runtime.NumGoroutine()
	return f
}
