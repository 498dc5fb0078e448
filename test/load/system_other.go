//go:build !linux

package main

import (
	"os/exec"
	"runtime"
	"time"
)

// What follows is measured on Linux only; elsewhere the tables have no figures
// for it.

func pinClient() bool {
	runtime.GOMAXPROCS(1)
	return false
}

func startPinned(cmd *exec.Cmd) error { return cmd.Start() }

func cpuTime() time.Duration { return 0 }

func residentMemory() int64 { return 0 }

func processor() string { return runtime.GOARCH }
