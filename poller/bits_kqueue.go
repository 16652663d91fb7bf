package poller

import "github.com/ureactor/ureactor/internal/kevent"

// inOver and outOver mean that one direction has ended. A filter reports only its own direction. If
// both filters report an end, kqueueDone adds Hup.
const (
	inOver  Readiness = 1 << 6
	outOver Readiness = 1 << 7
)

// kqueueFlags returns the flags with which a filter is added.
func kqueueFlags(want Interest) int {
	if want&Edge != 0 {
		return kevent.Add | kevent.Clear
	}
	return kevent.Add
}

// kqueueReady converts what one filter reports. The column "here" shows the result of kqueueDone:
//
//	situation                       filter  flags, fflags  here             epoll
//	data, a connection to accept    read    –              In               IN
//	room to write, connected        write   –              Out              OUT
//	an ICMP error on a UDP socket   both    –              In, Out          OUT|ERR
//	FIN, or shutdown(RD)            read    EOF            In|End           IN|RDHUP
//	shutdown(WR)                    write   EOF            Out              OUT
//	FIN and shutdown(WR)            both    EOF            In|Out|Hup|End   IN|OUT|HUP|RDHUP
//	a socketpair whose peer closed  both    EOF            In|Out|Hup|End   IN|OUT|HUP|RDHUP
//	RST, a refused connect          read    EOF, errno     In|Err|Hup|End   IN|OUT|ERR|HUP|RDHUP
//	                                write   EOF, errno     Out|Err|Hup      IN|OUT|ERR|HUP
//	a pipe without writers          read    EOF            In|End           HUP (IN with data)
//	a pipe without readers          write   EOF            Out              OUT|ERR
//	a TCP socket before connect     –       –              nothing          OUT|HUP
//	the filter has failed           any     ERROR          In|Err, Out|Err  ERR
//
// The end of one direction alone is not Hup. Otherwise a local shutdown(WR) would look like the end
// of a connection on which the peer still writes. A registration for one direction receives Hup
// only with an error. Its owner notices the end of the other direction when a call in that
// direction fails.
func kqueueReady(write bool, flags, fflags uint32) Readiness {
	r, over := Readiness(In), inOver
	if write {
		r, over = Out, outOver
	}
	switch {
	case flags&kevent.Error != 0:
		r |= Err
	case flags&kevent.EOF != 0 && fflags != 0:
		// fflags is the socket's error, so both directions are closed.
		r |= Err | Hup | over
	case flags&kevent.EOF != 0:
		r |= over
	}
	return r
}

// kqueueDone finishes the result after the reports of a descriptor's two filters were merged.
func kqueueDone(r Readiness) Readiness {
	if r&inOver != 0 && r&outOver != 0 {
		r |= Hup
	}
	if r&inOver != 0 {
		r |= End
	}
	return r &^ (inOver | outOver)
}
