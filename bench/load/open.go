package load

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// An openLoad has the state of a load at a fixed rate.
type openLoad struct {
	random  *rand.Rand
	mean    float64 // mean time between two messages in ns
	next    int     // index of the connection for the next message
	due     []queue // for each connection: due times of the messages that have not come back
	latency *hdrhistogram.Histogram
}

const (
	slowest = time.Minute // longer latencies are recorded as this
	figures = 3
	tooMany = 200_000 // messages under way; beyond this the server is too slow, and only memory grows
)

// NewHistogram returns an empty histogram, as in Slice.Latencies.
func NewHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, slowest.Nanoseconds(), figures)
}

func newOpenLoad(s Shape) *openLoad {
	return &openLoad{random: rand.New(rand.NewPCG(1, 1)), mean: 1e9 / s.Rate, due: make([]queue, s.Active), latency: NewHistogram()}
}

// runOpen sends each message when it is due. If the generator is late, it sends the message
// immediately, and the delay counts as latency.
func (l *loader) runOpen(d time.Duration) (Slice, error) {
	o := l.open
	o.latency.Reset()
	l.messages = 0
	start := time.Now()
	due, last, heard := float64(0), int64(d), int64(0)
	for {
		now := int64(time.Since(start))
		for int64(due) <= now && int64(due) < last {
			if err := l.post(int64(due)); err != nil {
				return Slice{}, err
			}
			due += o.random.ExpFloat64() * o.mean
		}
		if l.underWay == 0 && int64(due) >= last {
			break
		}
		n := l.look() // it does not sleep, because the next message is always near
		if n > 0 {
			heard = now
		}
		for _, ev := range l.events[:n] {
			if err := l.answered(int(ev.Fd), ev.Events, start); err != nil {
				return Slice{}, err
			}
		}
		if l.underWay > tooMany || l.underWay > 0 && now-heard > int64(silence) && now-int64(due) > int64(silence) {
			return Slice{}, fmt.Errorf("overloaded or silent: %d messages under way", l.underWay)
		}
	}
	encoded, err := o.latency.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	return Slice{Messages: l.messages, Took: time.Since(start), Latencies: encoded}, err
}

func (l *loader) post(due int64) error {
	o := l.open
	i := o.next
	if o.next++; o.next == l.shape.Active {
		o.next = 0
	}
	o.due[i].push(due)
	l.underWay++
	l.conns[i].unsent += len(l.payload)
	return l.push(&l.conns[i])
}

func (l *loader) answered(i int, ready uint32, start time.Time) error {
	c := &l.conns[i]
	for ready&^unix.EPOLLOUT != 0 {
		n, err := discard(c.fd, l.scratch)
		if err == unix.EAGAIN {
			break
		}
		if err != nil || n == 0 {
			return fmt.Errorf("recv: the connection ended: %v", err)
		}
		now := int64(time.Since(start))
		for c.got += n; c.got >= len(l.payload); c.got -= len(l.payload) {
			took := max(1, min(now-l.open.due[i].pop(), slowest.Nanoseconds()))
			if err := l.open.latency.RecordValue(took); err != nil {
				return err
			}
			l.messages++
			l.underWay--
		}
		if n < len(l.scratch) {
			break
		}
	}
	if c.unsent > 0 {
		return l.push(c)
	}
	return nil
}

// A queue returns its values in the order in which they were added. It reuses its memory.
type queue struct {
	at []int64
	i  int
}

func (q *queue) push(v int64) {
	if q.i == len(q.at) {
		q.at, q.i = q.at[:0], 0
	}
	q.at = append(q.at, v)
}

func (q *queue) pop() int64 {
	v := q.at[q.i]
	q.i++
	return v
}
