package reactor

// postArenaMax bounds the bytes that wait in PostSends of one reactor; ErrFull past it.
const postArenaMax = 16 << 20

// postArenaKeep is what an idle queue keeps for reuse.
const postArenaKeep = 1 << 20

// A post is a function to call or, if c is set, bytes to send: the next n of the queue's arena.
type post struct {
	f func()
	c *Conn
	n int
}

// A postQueue holds posts and, back to back, the bytes of PostSends, so that a PostSend allocates nothing of its own.
type postQueue struct {
	items []post
	arena []byte
}

func (q *postQueue) reset() {
	clear(q.items)
	q.items = q.items[:0]
	q.arena = q.arena[:0]
	if cap(q.arena) > postArenaKeep {
		q.arena = nil
	}
}

// mustPost is for what the reactor owes to itself: no limit applies. false: the reactor has ended, there is nobody to tell.
func (r *Reactor) mustPost(f func()) bool {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return false
	}
	r.posted.items = append(r.posted.items, post{f: f})
	r.queued.Store(true)
	r.mu.Unlock()
	r.wake()
	return true
}

func (r *Reactor) post(p post, bytes []byte) error {
	r.mu.Lock()
	switch {
	case r.closed:
		r.mu.Unlock()
		return ErrClosed
	case len(r.posted.items) >= r.opt.postLimit, len(r.posted.arena)+len(bytes) > postArenaMax:
		r.mu.Unlock()
		return ErrFull
	}
	r.posted.items = append(r.posted.items, p)
	r.posted.arena = append(r.posted.arena, bytes...)
	r.queued.Store(true)
	r.mu.Unlock()
	r.wake()
	return nil
}

// runPosted calls what was posted before now, each as a step. What is posted meanwhile waits for the next turn.
func (r *Reactor) runPosted() {
	q := r.takePosted(false)
	arena := q.arena
	for i := range q.items {
		p := &q.items[i]
		r.count.Posts++
		if p.c != nil {
			p.c.sendPosted(arena[:p.n])
			arena = arena[p.n:]
			continue
		}
		r.call(p.f)
	}
	q.reset()
	r.idlePosts = q
}

// takePosted swaps the two queues; last closes them for good.
func (r *Reactor) takePosted(last bool) postQueue {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.posted
	r.posted, r.idlePosts = r.idlePosts, postQueue{}
	r.queued.Store(false)
	r.closed = r.closed || last
	return q
}
