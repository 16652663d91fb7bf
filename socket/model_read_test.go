//go:build linux

package socket_test

import (
	"bytes"
	"syscall"

	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// These are the states of a socket in which a receiving call finds no data.
const (
	atEnd = syscall.Errno(1<<21 + iota)
	sleeps
)

// empty returns the allowed results of a receiving call on a stream without data: an error, the end
// of input, or a wait.
func (e *end) empty() []syscall.Errno {
	switch {
	case e.closed:
		return []syscall.Errno{syscall.EBADF}
	case e.phase == fresh, e.phase == listening:
		return []syscall.Errno{syscall.ENOTCONN} // D11
	case e.phase == connecting:
		return []syscall.Errno{sleeps}
	case e.phase == refused:
		return []syscall.Errno{syscall.ECONNREFUSED}
	case e.phase == refusedTold: // no document specifies this: the end of input, or ENOTCONN
		return []syscall.Errno{atEnd, syscall.ENOTCONN}
	case e.vague:
		return []syscall.Errno{atEnd, syscall.ECONNRESET, syscall.EPIPE}
	case e.err != 0 && !e.fin:
		return []syscall.Errno{e.err} // D10
	case e.fin, e.dead, e.rdShut:
		return []syscall.Errno{atEnd}
	}
	return []syscall.Errno{sleeps}
}

// `tell` clears a pending error that a call has returned.
func (e *end) tell(got syscall.Errno) {
	switch {
	case got == 0, got == badArg, got == ioEOF:
	case got == e.err:
		e.err = 0
	case e.phase == refused && got == syscall.ECONNREFUSED:
		e.phase = refusedTold
	}
}

// met converts results of the model to errors. The end of input is no error.
func (e *end) met(list []syscall.Errno, flags int) (errs []syscall.Errno) {
	for _, m := range list {
		switch m {
		case atEnd:
			m = 0
		case sleeps:
			m = e.late(flags)
		}
		errs = append(errs, m)
	}
	return errs
}

func mayWait(list []syscall.Errno) bool { return list[len(list)-1] == sleeps }

var sizes = []int{-1, 0, 1, 3, 8, 300, 70000, huge}

// recv makes one of the calls that return the bytes that are available.
func (w *world) recv(e *end) {
	n, which := sizes[w.next(len(sizes))], w.next(5)
	flags := []int{0, 0, socket.MSG_PEEK, socket.MSG_DONTWAIT, socket.MSG_PEEK | socket.MSG_DONTWAIT}[w.next(5)]
	if which >= 2 {
		n = min(max(n, 0), 70000)
	}
	if which == 4 {
		flags = 0
	}
	nothing := e.empty()
	has := len(e.in) > 0
	if e.dgram && !e.closed {
		nothing = []syscall.Errno{sleeps}
		if e.err != 0 {
			nothing = []syscall.Errno{e.err}
		}
		has = len(e.grams) > 0
	}
	w.mustEnd(e, !has && mayWait(nothing) && n >= 0, flags)
	var got []byte
	var from socket.Addr
	var err error
	p := make([]byte, max(0, min(n, 70000)))
	switch k := 0; which {
	case 0:
		got, err = e.s.RecvFlags(n, flags)
	case 1:
		got, from, err = e.s.RecvFromFlags(n, flags)
	case 2:
		k, err = e.s.RecvIntoFlags(p, flags)
		got = p[:k]
	case 3:
		k, from, err = e.s.RecvFromIntoFlags(p, flags)
		got = p[:k]
	case 4:
		k, err = e.s.Read(p)
		got = p[:k]
	}
	w.note(e, "%s %d flags %x: %.40q %v", []string{"Recv", "RecvFrom", "RecvInto", "RecvFromInto", "Read"}[which], n, flags, got, err)
	named := which == 1 || which == 3
	switch {
	case n < 0: // D9
		w.want(err, wrongArg(e)...)
		return
	case which == 4 && n == 0 && !e.closed: // Read of io.Reader
		w.want(err, 0)
		return
	case e.dgram:
		w.gotGram(e, n, flags, got, from, named, nothing, err)
		return
	case !has:
		met := e.met(nothing, flags)
		if met[0] == 0 && which == 4 {
			met[0] = ioEOF
		}
		e.tell(w.want(err, met...))
		if len(got) > 0 {
			w.failf("%q is nowhere from", got)
		}
	default:
		if e.vague {
			if e.want(err, syscall.ECONNRESET, syscall.EPIPE, ioEOF) || len(got) == 0 {
				break
			}
		}
		w.want(err, 0)
		w.prefix(e, got, min(n, len(e.in)), e.slow && n > 0)
		if flags&socket.MSG_PEEK == 0 {
			e.in = e.in[len(got):]
		}
	}
	if named && err == nil && e.phase == connected && from != e.from { // D12
		w.failf("from %v, want %v", from, e.from)
	}
}

func wrongArg(e *end) []syscall.Errno {
	if e.closed {
		return []syscall.Errno{badArg, syscall.EBADF}
	}
	return []syscall.Errno{badArg}
}

// want fails the test unless the error is one of these.
func (e *end) want(err error, list ...syscall.Errno) bool {
	for _, a := range list {
		if number(err) == a {
			return true
		}
	}
	return false
}

// prefix compares the next n bytes of the stream. With some, fewer bytes are allowed, because not
// all may have arrived.
func (w *world) prefix(e *end, got []byte, n int, some bool) {
	if !bytes.HasPrefix(e.in, got) || len(got) > n || len(got) < n && !(some && len(got) > 0) && !e.vague {
		w.failf("got %d bytes %.60q, want %d of %.60q", len(got), got, n, e.in)
	}
}

// read makes one of the calls that wait for all requested bytes.
func (w *world) read(e *end) {
	which, n := w.next(4), []int{-1, 0, 1, 3, 8, 300}[w.next(6)]
	if which == 2 {
		n = max(n, 0)
	}
	all := n < 0 && which < 2 || which == 1 // D27
	nothing := e.empty()
	var plan []byte // the bytes that the call should return
	var full, ended bool
	rest := e.grams
	if e.dgram && !e.closed {
		nothing = []syscall.Errno{sleeps}
		plan, full, ended, rest = gatherGrams(e.grams, n, all, which == 3)
		if ended {
			nothing = []syscall.Errno{atEnd}
		}
	} else {
		plan = e.in
		if n >= 0 && !all {
			plan = plan[:min(n, len(plan))]
			full = len(plan) == n
		}
		if i := bytes.IndexByte(plan, '\n'); i >= 0 && which == 3 {
			plan, full = plan[:i+1], true
		}
	}
	zero := n == 0 && !all
	w.mustEnd(e, !zero && !full && mayWait(nothing) && !(e.dgram && e.err != 0), 0)
	mode := e.mode
	var got []byte
	var err error
	switch which {
	case 0:
		got, err = e.s.ReadSize(n)
	case 1:
		got, err = e.s.ReadAll()
	case 2:
		p := make([]byte, n)
		k := 0
		k, err = e.s.ReadInto(p)
		got = p[:k]
	case 3:
		got, err = e.s.ReadLineMax(n)
	}
	w.note(e, "%s %d: %.40q %v", []string{"ReadSize", "ReadAll", "ReadInto", "ReadLine"}[which], n, got, err)
	switch {
	case e.closed:
		w.want(err, syscall.EBADF)
		return
	case zero:
		w.want(err, 0)
		return
	case e.dgram && e.err != 0 && number(err) == e.err: // before the data, or after it
		e.err = 0
		if len(got) > 0 {
			w.gramBytes(e, got, plan)
		}
		return
	case e.vague:
		w.prefix(e, got, len(e.in), true)
		e.in = e.in[len(got):]
		return
	case e.slow && len(plan) > 0 && mode != timeout.None:
		w.want(err, 0, e.late(0))
		w.prefix(e, got, len(plan), mode == 0 || err != nil)
	case full, mode == 0 && len(plan) > 0 && mayWait(nothing): // D28
		w.want(err, 0)
		w.equal(got, plan)
	default: // D29: Go returns the bytes before the error
		e.tell(w.want(err, e.met(nothing, 0)...))
		w.equal(got, plan)
	}
	if e.dgram {
		e.grams = rest
	} else {
		e.in = e.in[len(got):]
	}
}

func (w *world) equal(got, want []byte) {
	if !bytes.Equal(got, want) {
		w.failf("got %d bytes %.60q, want %d: %.60q", len(got), got, len(want), want)
	}
}
