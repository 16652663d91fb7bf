package sim

// An event calls act of its actor at a given time. a and b are arguments of act.
type event struct {
	at   int64
	seq  uint64 // of events at the same time, the one with the lower seq is first
	who  actor
	what uint8
	a    int64
	b    uint64
	made int64 // the time at which it was planned
}

// An actor handles events.
type actor interface {
	act(what uint8, a int64, b uint64)
}

// An agenda is a heap of events. The earliest event is first.
type agenda struct {
	heap []event
	seq  uint64
	now  *int64
}

func (q *agenda) add(at int64, who actor, what uint8, a int64, b uint64) {
	q.seq++
	e := event{at, q.seq, who, what, a, b, *q.now}
	q.heap = append(q.heap, e)
	i := len(q.heap) - 1
	for i > 0 {
		p := (i - 1) / 4
		if !before(&e, &q.heap[p]) {
			break
		}
		q.heap[i] = q.heap[p]
		i = p
	}
	q.heap[i] = e
}

func before(a, b *event) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

// pop removes the first event. The agenda must not be empty.
func (q *agenda) pop() event {
	first := q.heap[0]
	n := len(q.heap) - 1
	e := q.heap[n]
	q.heap[n] = event{}
	q.heap = q.heap[:n]
	if n == 0 {
		return first
	}
	i := 0
	for {
		c := 4*i + 1
		if c >= n {
			break
		}
		least := c
		for d := c + 1; d < min(c+4, n); d++ {
			if before(&q.heap[d], &q.heap[least]) {
				least = d
			}
		}
		if !before(&q.heap[least], &e) {
			break
		}
		q.heap[i] = q.heap[least]
		i = least
	}
	q.heap[i] = e
	return first
}

// A call is an event that runs a function of a program or test.
type call func()

func (f call) act(uint8, int64, uint64) { f() }
