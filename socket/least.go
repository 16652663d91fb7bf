package socket

import (
	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// least returns for how many bytes a receive of n bytes waits: n with MSG_WAITALL, otherwise
// SO_RCVLOWAT. For a blocking descriptor the kernel would wait. But the descriptor is non-blocking,
// so this package waits. A call that never waits receives the bytes that are available.
func (s *Socket) least(c *desc.Call, n, flags int) int {
	switch {
	case s.typ != SOCK_STREAM, !c.Limit.Blocks(), flags&MSG_OOB != 0:
		return 1
	case flags&MSG_WAITALL != 0:
		return n
	}
	return min(n, int(s.lowat.Load()))
}

// A try receives bytes behind the first `at` bytes, with these flags.
type try func(at, flags int) (int, desc.Errno)

// fill receives until it has `least` bytes, the input ends, or an error occurs. If a deadline
// passes when some bytes have arrived, that is no error, as in recv(2). Any other error is returned
// with the bytes that came before it.
func (s *Socket) fill(c *desc.Call, least, flags int, f try) (n int, e desc.Errno) {
	if flags&MSG_WAITALL == 0 || flags&MSG_PEEK != 0 {
		return s.seen(c, least, flags, f)
	}
	var said desc.Errno
	_, e = s.d.Do(desc.In, c, func() (got int, e desc.Errno) {
		got, said = f(n, flags)
		n += got
		c.Again = said == 0 && got > 0 && n < least
		return got, said
	})
	if n > 0 && e == kernel.ETIMEDOUT && said != e {
		e = 0
	}
	return n, e
}

// seen is fill for SO_RCVLOWAT. It peeks before it receives. The kernel counts the bytes that wait,
// and reports an Event when there are SO_RCVLOWAT bytes. So the bytes must stay in the kernel until
// `least` of them have arrived. A peek does not show whether the end of input follows. Only an
// Event reports that.
func (s *Socket) seen(c *desc.Call, least, flags int, f try) (int, desc.Errno) {
	var said desc.Errno
	n, e := s.d.Do(desc.In, c, func() (n int, e desc.Errno) {
		n, said = f(0, flags|MSG_PEEK)
		switch {
		case said == 0 && 0 < n && n < least && !s.d.EndSeen():
			return 0, kernel.EAGAIN
		case said == 0 && flags&MSG_PEEK == 0:
			n, said = f(0, flags)
		}
		return n, said
	})
	if e != kernel.ETIMEDOUT || said == e {
		return n, e
	}
	n, e = s.d.Do(desc.In, &desc.Call{}, func() (int, desc.Errno) { return f(0, flags) })
	if e == kernel.EAGAIN {
		e = kernel.ETIMEDOUT
	}
	return n, e
}

// setLeast stores the SO_RCVLOWAT that the kernel has now.
func (s *Socket) setLeast(fd int) {
	if n, e := s.d.Kernel.GetOpt(fd, SOL_SOCKET, SO_RCVLOWAT); e == 0 {
		s.lowat.Store(int32(n))
	}
}
