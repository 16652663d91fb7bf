package reactor

// queueKeep is the capacity that an empty queue keeps. A queue with a larger capacity releases its
// memory when it is empty. After a burst the queue may have to grow again, but that costs little
// for each entry.
const queueKeep = 4096

// A queue is a list of work that is removed from its front. An entry leaves the queue before its
// owner is called. So a call that does not return (a panic, runtime.Goexit) leaves a valid list
// without that entry.
type queue[T any] struct {
	list []T
	head int // list[:head] was taken, and is zero
}

func (q *queue[T]) len() int { return len(q.list) - q.head }

func (q *queue[T]) add(v T) {
	// A queue that is never empty reuses the space of its front.
	if len(q.list) == cap(q.list) && q.head > len(q.list)/2 {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, v)
}

// take removes the first entry. The queue must not be empty.
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
