package reactor

// queueKeep is the capacity that an empty queue keeps. A queue with a larger capacity releases its
// memory when it is empty. To grow again costs little for each entry.
const queueKeep = 4096

// A queue is a list of work that is removed from the front. An entry leaves the queue before its
// owner is called. So if that call does not return (a panic, runtime.Goexit), the list is valid and
// does not have the entry any more.
type queue[T any] struct {
	list []T
	head int // the entries before head were taken, and are zero
}

func (q *queue[T]) len() int { return len(q.list) - q.head }

// first returns the first entry. The queue must not be empty.
func (q *queue[T]) first() *T { return &q.list[q.head] }

func (q *queue[T]) add(v T) {
	// A queue that is never empty must reuse the space at its front.
	if len(q.list) == cap(q.list) && q.head > len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, v)
}

// take removes and returns the first entry. The queue must not be empty.
func (q *queue[T]) take() (v T) {
	var none T
	v, q.list[q.head] = q.list[q.head], none
	if q.head++; q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
		if cap(q.list) > queueKeep {
			q.list = nil
		}
	}
	return v
}
