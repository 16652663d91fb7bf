//go:build linux

package socket_test

import (
	"syscall"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/socket"
)

// pending returns the error that SO_ERROR should have.
func (e *end) pending() syscall.Errno {
	if e.phase == refused {
		return syscall.ECONNREFUSED
	}
	return e.err
}

func (w *world) options(e *end) {
	type option struct {
		level, name int
		value       any
		want        syscall.Errno
	}
	o := []option{
		{socket.SOL_SOCKET, socket.SO_KEEPALIVE, true, 0}, {socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0, 0},
		{socket.SOL_SOCKET, 9999, 1, syscall.ENOPROTOOPT}, {socket.SOL_SOCKET, socket.SO_KEEPALIVE, []byte{1}, syscall.EINVAL},
		{socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1.5, badArg}, {socket.SOL_SOCKET, socket.SO_KEEPALIVE, nil, badArg},
		{socket.SOL_SOCKET, syscall.SO_RCVTIMEO, make([]byte, 16), 0}, // D34
		{socket.SOL_SOCKET, syscall.SO_SNDTIMEO, append(make([]byte, 8), 1, 0, 0, 0, 0, 0, 0, 0), 0},
	}[w.next(8)]
	err := e.s.SetSockOpt(o.level, o.name, o.value)
	w.note(e, "SetSockOpt %d %v: %v", o.name, o.value, err)
	if e.closed {
		allowed := []syscall.Errno{syscall.EBADF}
		if o.want == badArg {
			allowed = append(allowed, badArg)
		}
		w.want(err, allowed...)
	} else {
		w.want(err, o.want)
	}
	before := uint8(0)
	if !e.closed {
		before = uint8(kernelReady(w.lab, e.s))
	}
	n, err := e.s.GetSockOpt(socket.SOL_SOCKET, socket.SO_ERROR)
	w.note(e, "SO_ERROR: %d %v, was %x", n, err, before)
	if e.closed {
		w.want(err, syscall.EBADF)
		return
	}
	w.want(err, 0)
	if got := syscall.Errno(n); !e.vague && got != e.pending() || got != 0 && w.os == "linux" && before&uint8(poller.Err) == 0 {
		w.failf("SO_ERROR is %d, want %v", n, e.pending())
	}
	e.tell(syscall.Errno(n))
}

func (w *world) file(e *end) {
	mode := []string{"rb", "wb", "rwb", "bwr", "r", "", "rbb"}[w.next(7)]
	f, err := e.s.MakeFile(mode)
	w.note(e, "MakeFile %q: %v", mode, err)
	switch {
	case mode == "r" || mode == "" || mode == "rbb": // D31
		w.want(err, wrongArg(e)...)
	case e.closed:
		w.want(err, syscall.EBADF)
	default:
		w.want(err, 0)
		if f != e.s || f.Fileno() != e.fd { // D30
			w.failf("MakeFile gave another socket")
		}
	}
}

func (w *world) listen(e *end) {
	n := []int{128, -1, 0, 5}[w.next(4)]
	if e.phase == refused || e.phase == refusedTold {
		return // no document specifies this
	}
	var err error
	if n == 128 {
		err = e.s.Listen(socket.DefaultBacklog)
	} else {
		err = e.s.Listen(n)
	}
	w.note(e, "Listen %d: %v", n, err)
	switch {
	case e.closed:
		w.want(err, syscall.EBADF)
	case e.dgram:
		w.want(err, syscall.EOPNOTSUPP)
	case e.phase == connected, e.phase == connecting:
		w.want(err, syscall.EINVAL)
	default:
		w.want(err, 0)
		e.phase, e.bound, e.backlog = listening, true, max(n, 0)
		e.addr = socket.Tuple("127.0.0.1", w.addr(e.s).Port())
	}
}
