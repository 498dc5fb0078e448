package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The cores that servers and the client are pinned to.
const (
	serverCore = 0
	clientCore = 1
)

// pinClient puts this process on the client's core. It reports whether that
// could be done.
func pinClient() bool {
	runtime.GOMAXPROCS(1)
	var cores unix.CPUSet
	cores.Set(clientCore)
	// New threads inherit the core of the one that starts them. The second pass
	// finds those that began during the first.
	for range 2 {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return false
		}
		for _, t := range threads {
			id, _ := strconv.Atoi(t.Name())
			if err := unix.SchedSetaffinity(id, &cores); err != nil && err != unix.ESRCH {
				return false
			}
		}
	}
	return true
}

// startPinned starts the command on the servers' core if that can be done.
func startPinned(cmd *exec.Cmd) error {
	// A process inherits the core of the thread that makes it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, cores unix.CPUSet
	cores.Set(serverCore)
	if err := unix.SchedGetaffinity(0, &before); err == nil {
		_ = unix.SchedSetaffinity(0, &cores)
		defer func() { _ = unix.SchedSetaffinity(0, &before) }()
	}
	return cmd.Start()
}

// cpuTime returns the processor time that this process has used.
func cpuTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// residentMemory returns how much memory this process has, in bytes.
func residentMemory() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	var kib int64
	if _, after, ok := strings.Cut(string(status), "VmRSS:"); ok {
		_, _ = fmt.Sscan(after, &kib)
	}
	return kib << 10
}

// processor returns the processor's name.
func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	_, after, _ := strings.Cut(string(info), "model name")
	line, _, _ := strings.Cut(after, "\n")
	return strings.Trim(line, "\t :")
}
