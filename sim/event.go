package sim

// An event is something that happens at one time: its actor acts. a and b are the actor's.
type event struct {
	at   int64
	seq  uint64 // of equal times the one made first
	who  actor
	what uint8
	a    int64
	b    uint64
	made int64 // when
}

// An actor is what events happen to.
type actor interface {
	act(what uint8, a int64, b uint64)
}

// agenda is a heap of events, the earliest first.
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

// pop takes out the first; there must be one.
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

// call is an event that is a function of the user's.
type call func()

func (f call) act(uint8, int64, uint64) { f() }
