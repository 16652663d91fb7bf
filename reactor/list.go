package reactor

// A chain has elements that are linked to their neighbours, sorted by age.
type chain[E any, P element[E]] struct {
	oldest, newest P
}

// An element is a pointer to an E, which has its own links.
type element[E any] interface {
	*E
	links() *links[E]
}

// links are the neighbours of an element.
type links[E any] struct{ older, newer *E }

func (c *chain[E, P]) add(e P) {
	e.links().older = c.newest
	if c.newest == nil {
		c.oldest = e
	} else {
		c.newest.links().newer = e
	}
	c.newest = e
}

func (c *chain[E, P]) remove(e P) {
	l := e.links()
	if l.older == nil {
		c.oldest = l.newer
	} else {
		P(l.older).links().newer = l.newer
	}
	if l.newer == nil {
		c.newest = l.older
	} else {
		P(l.newer).links().older = l.older
	}
	*l = links[E]{}
}

// A list is a chain over which a drain and a picture iterate, in several turns. During a drain no
// element is added.
type list[E any, P element[E]] struct {
	chain[E, P]
	next P // the next element for a drain or an abort; else nil
	seen P // the next element for a picture; else nil
	n    int
}

func (l *list[E, P]) add(e P) {
	l.n++
	l.chain.add(e)
}

func (l *list[E, P]) remove(e P) {
	l.n--
	if l.next == e {
		l.next = e.links().newer
	}
	if l.seen == e {
		l.seen = e.links().newer
	}
	l.chain.remove(e)
}
