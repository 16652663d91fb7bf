package sim

import "github.com/ureactor/ureactor/poller"

// A state is a situation of a program that the tests of the library must reach. is recognizes it
// before or after a call.
type state struct {
	name string
	call Call
	is   func(o *observed) bool
}

// An observed is a call and the sockets that it concerns, before the kernel has made the call, or
// afterwards if after is set.
type observed struct {
	*observer
	h     *Host
	c     Call
	fd    int
	res   int
	e     Errno
	after bool
	t     *tcp // nil if it is no TCP socket
	u     *udp
	s     *seen
	turn  *turn
}

// A seen is what an observer has stored about a descriptor.
type seen struct {
	f        file
	wasAgain [2]bool // the last receive or send returned EAGAIN
	eof      bool
	got      bool  // this turn has received data
	accepted int   // in this turn
	since    int64 // when the socket was connected
	ready    poller.Readiness
	inBatch  bool // no call has followed the Event of this turn yet
	failed   Call // the last call that has failed; callCount if none has
}

// A turn is the time of a host between two Waits.
type turn struct {
	closed map[int]bool
}

type socketKey struct {
	h  *Host
	fd int
}

// An observer recognises the states of one world.
type observer struct {
	w     *World
	by    [callCount][]state
	seen  map[socketKey]*seen
	turns map[*Host]*turn
	done  map[string]bool
}

// ObserveStates counts with World.Sometimes which states the programs of a world reach. If the map
// some is not nil, only the states in this map count.
func ObserveStates(w *World, some map[string]bool) {
	o := &observer{w: w, seen: map[socketKey]*seen{}, turns: map[*Host]*turn{}, done: map[string]bool{}}
	for _, s := range allStates {
		if some == nil || some[s.name] {
			o.by[s.call] = append(o.by[s.call], s)
			w.Sometimes(s.name, false)
		}
	}
	w.observe = o.call
}

// moves returns whether programs make the call because of an Event.
func (c Call) moves() bool { return c == Accept || c >= Recv && c <= SendBatch }

// StateNames returns the names of all states.
func StateNames() (names []string) {
	for _, s := range allStates {
		names = append(names, s.name)
	}
	return names
}

// call examines one call before or after the kernel has made it.
func (ob *observer) call(h *Host, c Call, fd, res int, e Errno, after bool) {
	o := &observed{observer: ob, h: h, c: c, fd: fd, res: res, e: e, after: after, turn: ob.turns[h]}
	if o.turn == nil {
		o.turn = &turn{closed: map[int]bool{}}
		ob.turns[h] = o.turn
	}
	o.s = ob.of(h, fd)
	o.t, _ = o.s.f.(*tcp)
	o.u, _ = o.s.f.(*udp)
	for _, s := range ob.by[c] {
		if !ob.done[s.name] && s.is(o) {
			ob.done[s.name] = true
			ob.w.Sometimes(s.name, true)
		}
	}
	if after {
		o.remember()
	} else if c == Wait {
		o.newTurn()
	}
}

// of returns what is stored about a descriptor.
func (ob *observer) of(h *Host, fd int) *seen {
	k := socketKey{h, fd}
	s := ob.seen[k]
	if f := h.file(fd); s == nil || f != nil && s.f != f {
		s = &seen{f: f, failed: callCount}
		ob.seen[k] = s
	}
	return s
}

func (o *observed) newTurn() {
	*o.turn = turn{closed: map[int]bool{}}
	for _, f := range o.h.files {
		if f != nil {
			s := o.of(o.h, f.base().fd)
			s.got, s.accepted, s.inBatch, s.ready = false, 0, false, 0
		}
	}
}

func (o *observed) remember() {
	s := o.s
	if o.e != 0 {
		s.failed = o.c
	}
	switch o.c {
	case Wait:
		if p, is := o.s.f.(*epoll); is && o.res > 0 {
			for _, t := range p.told {
				n := o.of(o.h, int(t.r.fd))
				n.inBatch, n.ready = true, t.ready
			}
		}
	case Connect:
		s.since = o.w.now
	case Accept:
		if o.e == 0 {
			s.accepted++
		}
	case Recv, RecvFrom, RecvBatch:
		s.wasAgain[0] = o.e == errAgain
		s.got = s.got || o.e == 0 && o.res > 0
		s.eof = s.eof || o.c == Recv && o.e == 0 && o.res == 0
	case Send, SendV, SendTo, SendBatch:
		s.wasAgain[1] = o.e == errAgain
	case Close:
		o.turn.closed[o.fd] = true
	}
	if o.c.moves() || o.c == GetOpt || o.c == Ready {
		s.inBatch = false
	}
}
