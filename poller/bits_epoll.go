package poller

// The bits of epoll_event.events (linux/eventpoll.h). This file declares them itself, instead of
// using x/sys, so that the conversions below compile and are tested on every system.
const (
	epollIn  = 0x1
	epollPri = 0x2
	epollOut = 0x4
	epollErr = 0x8
	epollHup = 0x10
	epollEnd = 0x2000 // EPOLLRDHUP
	epollET  = 1 << 31
)

// epollBits converts an Interest to bits of epoll. Err and Hup need no bits: the kernel always
// reports them.
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

// epollReady converts the bits that epoll reports. With Edge, epollBits also requests EPOLLRDHUP (a
// FIN) and EPOLLPRI (TCP's urgent byte). Both become End, because after either of them a short read
// does not prove that the socket is empty: recv stops before the urgent byte.
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
