package poller

// The bits of epoll_event.events (linux/eventpoll.h), named here so that the table below is tested
// on any system.
const (
	epollIn  = 0x1
	epollPri = 0x2
	epollOut = 0x4
	epollErr = 0x8
	epollHup = 0x10
	epollEnd = 0x2000 // EPOLLRDHUP
	epollET  = 1 << 31
)

// epollBits is what to ask for. Err and Hup need no asking.
func epollBits(want Interest) uint32 {
	var b uint32
	if want&In != 0 {
		b |= epollIn
	}
	if want&Out != 0 {
		b |= epollOut
	}
	if want&Pri != 0 {
		b |= epollPri
	}
	if want&Edge != 0 {
		b |= epollET | epollEnd | epollPri
	}
	return b
}

// epollReady is what was told. epoll's bits are ours in the same meaning. A peer's FIN is In; that
// it is a FIN (EPOLLRDHUP) is asked for with Edge only, where one read that comes up short would
// otherwise be thought to be the last; so is TCP's urgent byte (EPOLLPRI), before which recv stops.
func epollReady(bits uint32) Readiness {
	var r Readiness
	if bits&epollIn != 0 {
		r |= In
	}
	if bits&epollOut != 0 {
		r |= Out
	}
	if bits&epollErr != 0 {
		r |= Err
	}
	if bits&epollHup != 0 {
		r |= Hup
	}
	if bits&(epollEnd|epollPri) != 0 {
		r |= End
	}
	if bits&epollPri != 0 {
		r |= Pri
	}
	return r
}
