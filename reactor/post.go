package reactor

import (
	"github.com/ureactor/ureactor/timeout"
)

// postArenaMax limits the bytes that wait in the PostSends of one reactor. A PostSend that would
// exceed the limit returns ErrFull. If no other bytes wait, a PostSend may be as long as the limit
// of its Conn.
const postArenaMax = 16 << 20

// postArenaKeep is how many bytes of memory an empty queue keeps.
const postArenaKeep = 1 << 20

// A post is a function to call, or bytes to send. If f and c are set, f is called as a callback of
// c. If f is nil, c sends the next n bytes of the queue's arena.
type post struct {
	f func()
	c *Conn
	n int

	at timeout.Deadline // when it was posted; 0 if the loop does not measure
}

// what returns the callback for a report: the function, or the Conn that sends.
func (p *post) what() any {
	if p.f == nil {
		return p.c
	}
	return p.f
}

// A postQueue has posts. The bytes of all PostSends are in one slice, so a PostSend needs no
// allocation of its own.
type postQueue struct {
	items queue[post]
	arena []byte
	sent  int // how many bytes of arena were sent
}

func (q *postQueue) len() int { return q.items.len() }

func (q *postQueue) add(p post, bytes []byte) {
	q.items.add(p)
	q.arena = append(q.arena, bytes...)
}

// take removes and returns the first post. The bytes are valid until reset.
func (q *postQueue) take() (post, []byte) {
	p := q.items.take()
	bytes := q.arena[q.sent : q.sent+p.n]
	q.sent += p.n
	return p, bytes
}

// reset prepares an empty queue for reuse.
func (q *postQueue) reset() {
	q.arena, q.sent = q.arena[:0], 0
	if cap(q.arena) > postArenaKeep {
		q.arena = nil
	}
}

// mustPost posts work of the reactor itself, without a limit. If the reactor has stopped, it
// returns false.
func (r *Reactor) mustPost(f func()) bool {
	now := r.stamp()
	r.mu.Lock()
	if r.postsClosed {
		r.mu.Unlock()
		return false
	}
	r.add(post{f: f, at: now}, nil)
	r.mu.Unlock()
	r.wake()
	return true
}

// postSound is like mustPost, except that it also returns false if the loop has failed.
func (r *Reactor) postSound(f func()) bool { return r.sound() && r.mustPost(f) }

// sound reports whether the loop runs and has not failed, as far as this goroutine can know.
func (r *Reactor) sound() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.postsClosed && !r.failing
}

func (r *Reactor) post(p post, bytes []byte) error {
	r.owned("Post")
	p.at = r.stamp()
	r.mu.Lock()
	switch {
	case r.postsClosed:
		r.mu.Unlock()
		return ErrClosed
	case r.posted.len() >= r.opt.postLimit,
		len(bytes) > 0 && len(r.posted.arena) > 0 && len(r.posted.arena)+len(bytes) > postArenaMax:
		r.mu.Unlock()
		r.postsRefused.Add(1)
		return ErrFull
	}
	r.add(p, bytes)
	r.mu.Unlock()
	r.wake()
	return nil
}

// add appends a post to posted. The caller holds mu.
func (r *Reactor) add(p post, bytes []byte) {
	r.posted.add(p, bytes)
	r.queued.Store(int32(r.posted.len()))
}

// runPosted calls the functions that were posted before this turn. Each call is a step. Functions
// that are posted meanwhile wait for the next turn.
func (r *Reactor) runPosted() {
	if r.posting.len() == 0 { // it is not empty if the turn before was left unfinished
		r.takePosted(false)
	}
	r.readClock()
	for n := 0; n < postsPerTurn && r.posting.len() > 0; n++ {
		p, bytes := r.posting.take()
		r.often.posts++
		r.noteWait(&r.times.posts, p.at, p.what())
		r.runPost(p, bytes)
	}
	if r.posting.len() == 0 {
		r.posting.reset()
	}
}

func (r *Reactor) runPost(p post, bytes []byte) {
	switch {
	case p.f == nil:
		p.c.sendPosted(bytes)
	case p.c == nil:
		r.call(p.f)
	case !p.c.is(released):
		r.guard(p.c, p.f)
		r.endStep()
		if r.slow.timed > 0 {
			r.timeCallback(p.f)
		}
	}
}

// Post is Reactor.Post for a function that belongs to the Conn, like a callback. With
// WithPanicHandler, a panic of f closes the Conn. If the Conn is closed before, f is not called.
func (c *Conn) Post(f func()) error {
	if f == nil {
		panic("reactor: Post of a nil function")
	}
	return c.w.r.post(post{f: f, c: c}, nil)
}

// takePosted swaps the queue of posted functions with an empty one. If last is set, no more posts
// are accepted. takePosted returns whether there are functions to call.
func (r *Reactor) takePosted(last bool) bool {
	r.posting.reset()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posting, r.posted = r.posted, r.posting
	r.queued.Store(0)
	r.postsClosed = r.postsClosed || last
	return r.posting.len() > 0
}
