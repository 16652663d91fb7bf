package sim

// fifo holds the bytes that wait. The first one is b[head].
type fifo struct {
	b    []byte
	head int
}

func (q *fifo) len() int { return len(q.b) - q.head }

func (q *fifo) add(p []byte) {
	if q.head > 0 && len(q.b)+len(p) > cap(q.b) {
		q.b = q.b[:copy(q.b, q.b[q.head:])]
		q.head = 0
	}
	q.b = append(q.b, p...)
}

// at returns n bytes, beginning with the ith byte.
func (q *fifo) at(i, n int) []byte { return q.b[q.head+i : q.head+i+n] }

func (q *fifo) drop(n int) {
	if q.head += n; q.head == len(q.b) {
		q.b, q.head = q.b[:0], 0
	}
}

// keep drops all but the first n bytes.
func (q *fifo) keep(n int) { q.b = q.b[:q.head+n] }
