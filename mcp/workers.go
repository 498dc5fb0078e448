package mcp

import (
	"sync"
	"time"
)

// workerIdle is how long a goroutine waits for another call.
const workerIdle = time.Second

// workers run calls on goroutines that are used again: a new one would have to
// grow its stack for each call, which takes longer than most of the rest.
type workers struct {
	jobs    chan func()
	closing chan struct{}
	once    sync.Once
}

func newWorkers() *workers {
	return &workers{jobs: make(chan func()), closing: make(chan struct{})}
}

// run has job run soon.
func (w *workers) run(job func()) {
	select {
	case w.jobs <- job:
	default:
		go w.work(job)
	}
}

func (w *workers) work(job func()) {
	idle := time.NewTimer(workerIdle)
	defer idle.Stop()
	for {
		job()
		idle.Reset(workerIdle)
		select {
		case job = <-w.jobs:
		case <-idle.C:
			return
		case <-w.closing:
			return
		}
	}
}

// close ends the goroutines that wait. Jobs still run.
func (w *workers) close() { w.once.Do(func() { close(w.closing) }) }
