package ratelimit

import (
	"container/heap"
	"context"
	"math"
	"sync"
	"time"
)

// MemoryOptions tune a [Memory]. The zero value of a field is its default.
type MemoryOptions struct {
	// MaxKeys is how many keys are remembered at the most; default 100,000,
	// which take about 13 MiB.
	MaxKeys int
}

// Memory is a [Limiter] for one process. It forgets keys whose burst is whole
// again, which changes nothing. Beyond MaxKeys it also forgets the key that
// would have been whole again soonest: many new keys can't wash out the count of
// one that is used up.
type Memory struct {
	maxKeys int
	start   time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
	queue   queue
}

// NewMemory returns a Limiter that keeps its counts in memory. Nil options are
// all defaults. It starts no goroutine and needs no closing.
func NewMemory(opts *MemoryOptions) *Memory {
	m := &Memory{maxKeys: 100_000, start: time.Now(), buckets: map[string]*bucket{}}
	if opts != nil && opts.MaxKeys > 0 {
		m.maxKeys = opts.MaxKeys
	}
	return m
}

// Take is [Limiter]'s. It fails only when the rate is not valid or ctx has
// ended.
func (m *Memory) Take(ctx context.Context, key string, rate Rate) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if err := rate.Validate(); err != nil {
		return Result{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Since(m.start)
	b, ok := m.buckets[key]
	if !ok {
		m.makeRoom(now)
		b = &bucket{key: key}
		m.buckets[key] = b
		heap.Push(&m.queue, b)
	}
	result, missing := decide(max(0, b.fullAt-now), rate)
	b.fullAt = now + min(missing, math.MaxInt64-now)
	return result, nil
}

// decide takes the decision for a bucket that will be full after missing, and
// returns after how long it will be full then.
func decide(missing time.Duration, rate Rate) (Result, time.Duration) {
	limit := time.Duration(rate.Limit)
	interval := rate.Period / limit
	capacity := interval * limit
	missing = min(missing, capacity)
	allowed := missing <= capacity-interval
	if allowed {
		missing += interval
	}
	left := capacity - missing
	result := Result{Allowed: allowed, Remaining: int(left / interval), Reset: missing}
	if result.Remaining == 0 {
		result.RetryAfter = interval - left
	}
	return result, missing
}

// makeRoom forgets full buckets, two for each new one so that they run out, and
// any bucket when there is no place left.
func (m *Memory) makeRoom(now time.Duration) {
	moved := 0
	for n := 0; len(m.queue) > 0; n++ {
		// A bucket that was taken from moves back only here, so that a known key costs
		// no more however many there are.
		for b := m.queue[0]; b.place < b.fullAt; b = m.queue[0] {
			if moved++; moved > maxMoved && len(m.queue) < m.maxKeys {
				return
			}
			b.place = b.fullAt
			heap.Fix(&m.queue, 0)
		}
		full := m.queue[0].fullAt <= now
		if len(m.queue) < m.maxKeys && (!full || n == 2) {
			return
		}
		b := heap.Pop(&m.queue).(*bucket)
		delete(m.buckets, b.key)
	}
}

// maxMoved is how many buckets are moved for a new one while there is room: nobody waits
// long for a place.
const maxMoved = 64

type bucket struct {
	key    string
	fullAt time.Duration // since Memory.start
	place  time.Duration // fullAt as the queue knows it: an earlier one, unless the rate has changed
}

// queue is a heap of buckets by their places.
type queue []*bucket

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].place < q[j].place }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(*bucket)) }

func (q *queue) Pop() any {
	last := len(*q) - 1
	b := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return b
}
