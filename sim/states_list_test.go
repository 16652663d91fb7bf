package sim

import (
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

const errAgain = kernel.EAGAIN

// fails returns the condition that the call ends with this error.
func fails(e Errno) func(o *observed) bool {
	return func(o *observed) bool { return o.after && o.e == e }
}

// onTCP returns a condition on the TCP socket before the call.
func onTCP(is func(o *observed, t *tcp) bool) func(o *observed) bool {
	return func(o *observed) bool { return !o.after && o.t != nil && is(o, o.t) }
}

// afterTCP returns a condition on the TCP socket after the call.
func afterTCP(is func(o *observed, t *tcp) bool) func(o *observed) bool {
	return func(o *observed) bool { return o.after && o.t != nil && is(o, o.t) }
}

// accepted returns a condition on the connection that an accept returns.
func accepted(is func(o *observed, c *tcp) bool) func(o *observed) bool {
	return func(o *observed) bool {
		if !o.after || o.e != 0 {
			return false
		}
		c, ok := o.h.file(o.res).(*tcp)
		return ok && is(o, c)
	}
}

// reports returns a condition on an Event.
func reports(is func(t *told) bool) func(o *observed) bool {
	return func(o *observed) bool {
		p, ok := o.s.f.(*epoll)
		if !o.after || !ok || o.res == 0 {
			return false
		}
		for i := range p.told {
			if is(&p.told[i]) {
				return true
			}
		}
		return false
	}
}

func full(t *tcp) bool { return t.out.len() >= t.sndbuf }

// allStates lists the situations that the tests of the library must reach.
var allStates = []state{
	{"accept: no descriptor is left", Accept, fails(kernel.EMFILE)},
	{"accept: the system has no descriptor left", Accept, fails(kernel.ENFILE)},
	{"accept: no memory", Accept, fails(kernel.ENOMEM)},
	{"accept: the connection was aborted", Accept, fails(kernel.ECONNABORTED)},
	{"accept: refused by a firewall", Accept, fails(kernel.EPERM)},
	{"accept: interrupted", Accept, fails(kernel.EINTR)},
	{"accept: an Event, and no connection", Accept, func(o *observed) bool {
		return o.after && o.e == errAgain && o.s.inBatch && o.s.accepted == 0
	}},
	{"accept: three in one turn", Accept, func(o *observed) bool { return o.after && o.e == 0 && o.s.accepted == 2 }},
	{"accept: input has come already", Accept, accepted(func(_ *observed, c *tcp) bool { return c.in.len() > 0 })},
	{"accept: the peer's FIN has come already", Accept, accepted(func(_ *observed, c *tcp) bool { return c.gotFIN })},
	{"accept: reset already", Accept, accepted(func(_ *observed, c *tcp) bool { return c.phase == down })},
	{"accept: a number that was closed in this turn", Accept, func(o *observed) bool { return o.after && o.e == 0 && o.turn.closed[o.res] }},
	{"accept: takes the last descriptor", Accept, func(o *observed) bool { return o.after && o.e == 0 && o.h.full() }},
	{"accept: its connection cannot be registered", Add, func(o *observed) bool {
		return o.after && o.e == kernel.ENOMEM && o.t != nil && o.t.phase == up
	}},

	{"dial: no descriptor is left", Socket, fails(kernel.EMFILE)},
	{"dial: refused at once", Connect, fails(kernel.ECONNREFUSED)},
	{"dial: no route", Connect, fails(kernel.EHOSTUNREACH)},
	{"dial: no port is left", Connect, fails(kernel.EADDRNOTAVAIL)},
	{"dial: interrupted", Connect, fails(kernel.EINTR)},
	{"dial: reset or refused before the program looks", GetOpt, onTCP(func(_ *observed, t *tcp) bool { return t.phase == down })},
	{"dial: SYN was lost", GetOpt, onTCP(func(o *observed, t *tcp) bool { return t.phase == up && o.w.now-o.s.since >= int64(time.Second) })},
	{"dial: given up while the SYN is unanswered", Close, onTCP(func(_ *observed, t *tcp) bool { return t.phase == connecting })},
	{"dial: the peer is gone when the program asks for its address", PeerAddr, fails(kernel.ENOTCONN)},
	{"dial: the lookup fails", Lookup, func(o *observed) bool { return o.after && o.e != 0 }},
	{"listen: the address is in use", Bind, fails(kernel.EADDRINUSE)},
	{"poller: none can be made", NewPoller, fails(kernel.ENFILE)},

	{"send: fills the socket", Send, afterTCP(func(o *observed, t *tcp) bool { return o.e == 0 && full(t) })},
	{"send: one byte at a time", Send, afterTCP(func(o *observed, t *tcp) bool { return o.e == 0 && t.oneByte })},
	{"send: EAGAIN although there is room", Send, afterTCP(func(o *observed, t *tcp) bool { return o.e == errAgain && t.room() > 0 && t.phase == up })},
	{"send: the socket is full", Send, afterTCP(func(o *observed, t *tcp) bool { return o.e == errAgain && full(t) })},
	{"send: to a connection that was reset", Send, onTCP(func(_ *observed, t *tcp) bool { return t.phase == down })},
	{"send: EPIPE", Send, fails(kernel.EPIPE)},
	{"send: no buffers", Send, fails(kernel.ENOBUFS)},
	{"send: interrupted", Send, fails(kernel.EINTR)},
	{"send: goes on after an Event", Send, func(o *observed) bool {
		return o.after && o.e == 0 && o.s.wasAgain[1] && o.s.ready&poller.Out != 0
	}},
	{"send: an answer after the peer's FIN", Send, afterTCP(func(o *observed, t *tcp) bool { return o.e == 0 && t.gotFIN })},
	{"send: full, and the peer's FIN has come", Send, afterTCP(func(o *observed, t *tcp) bool { return o.e == errAgain && full(t) && t.gotFIN })},
	{"send: to a host that has crashed", Send, afterTCP(func(o *observed, t *tcp) bool { return o.e == 0 && t.peer != nil && t.peer.unknown() })},
	{"send: pieces, and EAGAIN", SendV, fails(errAgain)},
	{"FIN: output is unsent", Shutdown, onTCP(func(_ *observed, t *tcp) bool { return t.out.len() > 0 })},
	{"FIN: after the peer's", Shutdown, onTCP(func(_ *observed, t *tcp) bool { return t.gotFIN })},
	{"FIN: the connection was reset", Shutdown, onTCP(func(_ *observed, t *tcp) bool { return t.phase == down })},

	{"receive: an Event, and no input", Recv, func(o *observed) bool {
		return o.after && o.e == errAgain && o.s.inBatch && o.s.ready&poller.In != 0
	}},
	{"receive: EAGAIN although there is input", Recv, afterTCP(func(o *observed, t *tcp) bool { return o.e == errAgain && t.in.len() > 0 })},
	{"receive: less than there is", Recv, afterTCP(func(o *observed, t *tcp) bool { return o.e == 0 && o.res > 0 && t.in.len() > 0 })},
	{"receive: one byte at a time", Recv, afterTCP(func(o *observed, t *tcp) bool { return o.res == 1 && t.oneByte })},
	{"receive: data and FIN in one turn", Recv, func(o *observed) bool { return o.after && o.e == 0 && o.res == 0 && o.s.got }},
	{"receive: reset", Recv, fails(kernel.ECONNRESET)},
	{"receive: reset while output is unsent", Recv, func(o *observed) bool {
		return o.after && o.e == kernel.ECONNRESET && o.s.wasAgain[1]
	}},
	{"receive: reset by a host that has restarted", Recv, afterTCP(func(o *observed, t *tcp) bool {
		return o.e == kernel.ECONNRESET && t.peer != nil && t.peer.life != t.peer.h.life
	})},
	{"receive: no memory", Recv, fails(kernel.ENOMEM)},
	{"receive: interrupted", Recv, fails(kernel.EINTR)},
	{"receive: a batch of datagrams", RecvBatch, func(o *observed) bool { return o.after && o.e == 0 && o.res >= 2 }},
	{"receive: datagrams, and no memory", RecvBatch, fails(kernel.ENOMEM)},
	{"send: a datagram to no route", SendTo, fails(kernel.EHOSTUNREACH)},
	{"send: a datagram is refused by a firewall", SendTo, fails(kernel.EPERM)},

	{"close: input is unread", Close, onTCP(func(_ *observed, t *tcp) bool { return t.phase == up && t.in.len() > 0 })},
	{"close: output is unsent", Close, onTCP(func(_ *observed, t *tcp) bool { return t.phase == up && t.out.len() > 0 })},
	{"close: by a reset, with output unsent", Close, onTCP(func(_ *observed, t *tcp) bool { return t.linger && t.out.len() > 0 })},
	{"close: full, and the peer's FIN has come", Close, onTCP(func(_ *observed, t *tcp) bool { return t.phase == up && t.gotFIN && full(t) })},
	{"close: both FINs have come", Close, onTCP(func(_ *observed, t *tcp) bool { return t.phase == up && t.gotFIN && t.finAcked })},
	{"close: the host of the peer has crashed", Close, onTCP(func(_ *observed, t *tcp) bool { return t.phase == up && t.peer != nil && t.peer.unknown() })},
	{"close: fails, and the number is free", Close, fails(kernel.ECONNRESET)},
	{"close: a listener with connections in its queue", Close, onTCP(func(_ *observed, t *tcp) bool { return t.phase == listening && len(t.queue) > 0 })},
	{"close: a listener while output is unsent", Close, onTCP(func(o *observed, t *tcp) bool {
		for _, f := range o.h.files {
			if c, is := f.(*tcp); is && c.phase == up && c.out.len() > 0 {
				return t.phase == listening
			}
		}
		return false
	})},
	{"close: an Event of this turn becomes stale", Close, func(o *observed) bool { return !o.after && o.s.inBatch }},
	{"close: a reset that no call has reported", Close, onTCP(func(_ *observed, t *tcp) bool { return t.phase == down && t.err != 0 })},

	{"Event: an error", Wait, reports(func(t *told) bool { return t.ready&poller.Err != 0 })},
	{"Event: both directions are closed", Wait, reports(func(t *told) bool { return t.ready&poller.Hup != 0 })},
	{"Event: input and its end", Wait, reports(func(t *told) bool {
		c, is := t.r.n.self.(*tcp)
		return is && t.ready&poller.End != 0 && c.phase == up && c.in.len() > 0
	})},
	{"Event: a spurious one", Wait, func(o *observed) bool {
		p, is := o.s.f.(*epoll)
		return is && o.after && o.res > len(p.told)
	}},
	{"Event: five in one turn", Wait, func(o *observed) bool { return o.after && o.res >= 5 }},
	{"Event: none, but a wake-up or a timer", Wait, func(o *observed) bool { return o.after && o.e == 0 && o.res == 0 }},
	{"Event: input that is not wanted, under back-pressure", Mod, onTCP(func(_ *observed, t *tcp) bool { return t.in.len() > 0 && full(t) })},
	{"poller: a wait is interrupted", Wait, fails(kernel.EINTR)},
	{"poller: no memory to change a registration", Mod, fails(kernel.ENOMEM)},
	{"poller: a registration ends with an error", Del, fails(kernel.ENOMEM)},
}
