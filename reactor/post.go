package reactor

import (
	"github.com/ureactor/ureactor/timeout"
)

// postArenaMax bounds the bytes that wait in PostSends of one reactor. A PostSend that would exceed
// it returns ErrFull. A PostSend that waits alone may be longer, up to the limit of its Conn.
const postArenaMax = 16 << 20

// postArenaKeep is how many bytes of arena an idle queue keeps for reuse.
const postArenaKeep = 1 << 20

// A post is a function to call. If c is set, the function is called as a callback of c. A post
// without a function makes c send n bytes: the next n bytes of the queue's arena.
type post struct {
	f func()
	c *Conn
	n int

	at timeout.Deadline // when it was posted; 0: not measured
}

// what returns the callback for reports: the function, or the Conn that sends.
func (p *post) what() any {
	if p.f == nil {
		return p.c
	}
	return p.f
}

// A postQueue holds posts. The bytes of all PostSends are in one slice, so that a PostSend
// allocates nothing of its own.
type postQueue struct {
	items queue[post]
	arena []byte
	sent  int // bytes of the arena that were sent
}

func (q *postQueue) len() int { return q.items.len() }

func (q *postQueue) add(p post, bytes []byte) {
	q.items.add(p)
	q.arena = append(q.arena, bytes...)
}

// take removes and returns the first entry. The bytes are valid until the queue is reset.
func (q *postQueue) take() (post, []byte) {
	p := q.items.take()
	bytes := q.arena[q.sent : q.sent+p.n]
	q.sent += p.n
	return p, bytes
}

// reset makes an empty queue ready for reuse.
func (q *postQueue) reset() {
	q.arena, q.sent = q.arena[:0], 0
	if cap(q.arena) > postArenaKeep {
		q.arena = nil
	}
}

// mustPost posts the reactor's own work: no limit applies. It returns false once the reactor has
// stopped.
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

// postSound is mustPost, but it returns false for a loop that has failed.
func (r *Reactor) postSound(f func()) bool { return r.sound() && r.mustPost(f) }

// sound reports whether the loop has not failed, as far as is known.
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

// add appends to posted; the caller holds mu.
func (r *Reactor) add(p post, bytes []byte) {
	r.posted.add(p, bytes)
	r.queued.Store(int32(r.posted.len()))
}

// runPosted calls the functions posted before now, each as a step. Functions posted meanwhile wait
// for the next turn.
func (r *Reactor) runPosted() {
	if r.posting.len() == 0 { // not empty: the turn before was left unfinished
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

// Post is Reactor.Post for a function that belongs to the Conn: f is one of its callbacks. With
// WithPanicHandler a panic in f closes the Conn. Once the Conn is closed, f is not called.
func (c *Conn) Post(f func()) error {
	if f == nil {
		panic("reactor: Post of a nil function")
	}
	return c.w.r.post(post{f: f, c: c}, nil)
}

// takePosted swaps the queue of posted functions with the empty one. If last is set, no more posts
// are accepted from now on. takePosted reports whether there are functions to call.
func (r *Reactor) takePosted(last bool) bool {
	r.posting.reset()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posting, r.posted = r.posted, r.posting
	r.queued.Store(0)
	r.postsClosed = r.postsClosed || last
	return r.posting.len() > 0
}
