package poller

import "github.com/ureactor/ureactor/internal/kevent"

// inOver and outOver report the end of one direction, because one filter reports one direction. If
// both are set, kqueueDone replaces them by Hup.
const (
	inOver  Readiness = 1 << 6
	outOver Readiness = 1 << 7
)

// kqueueFlags returns the flags that add a filter.
func kqueueFlags(want Interest) int {
	if want&Edge != 0 {
		return kevent.Add | kevent.Clear
	}
	return kevent.Add
}

// kqueueReady converts the report of one filter. The table compares it with epoll:
//
//	situation                       filter  flags, fflags  here         epoll
//	data, a connection to accept    read    –              In           IN
//	room to write, connected        write   –              Out          OUT
//	an ICMP error on a UDP socket   both    –              In, Out      OUT|ERR
//	FIN, or shutdown(RD)            read    EOF            In|End       IN|RDHUP
//	shutdown(WR)                    write   EOF            Out          OUT
//	both of them, a pair's end      both    EOF            In|Out|Hup   IN|OUT|HUP
//	RST, a refused connect          read    EOF, errno     In|Err|Hup…  IN|OUT|ERR|HUP|RDHUP
//	                                write   EOF, errno     Out|Err|Hup  IN|OUT|ERR|HUP
//	a pipe without writers          read    EOF            In           HUP (IN with data)
//	a pipe without readers          write   EOF            Out          OUT|ERR
//	a TCP socket before connect     –       –              nothing      OUT|HUP
//	the filter has failed           any     ERROR          In|Err, …    ERR
//
// The end of one direction is not Hup. Otherwise a local shutdown(WR) would look like the end of a
// connection on which the peer still writes. So a registration for one direction receives Hup only
// with an error. Its owner learns of the other direction when it tries a call there.
func kqueueReady(write bool, flags, fflags uint32) Readiness {
	r, over := Readiness(In), inOver
	if write {
		r, over = Out, outOver
	}
	switch {
	case flags&kevent.Error != 0:
		r |= Err
	case flags&kevent.EOF != 0 && fflags != 0:
		// fflags is the socket's error: both directions are closed.
		r |= Err | Hup | over
	case flags&kevent.EOF != 0:
		r |= over
	}
	return r
}

// kqueueDone completes the merged reports of a descriptor's two filters.
func kqueueDone(r Readiness) Readiness {
	if r&inOver != 0 && r&outOver != 0 {
		r |= Hup
	}
	if r&inOver != 0 {
		r |= End
	}
	return r &^ (inOver | outOver)
}
