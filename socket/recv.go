package socket

import (
	"io"
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// Recv waits for data and returns at most n bytes. If a datagram is longer, its rest is lost. An
// empty result is the end of a stream, or an empty datagram.
func (s *Socket) Recv(n int) ([]byte, error) { return s.RecvFlags(n, 0) }

// RecvFlags is Recv with flags, such as MSG_PEEK or MSG_WAITALL.
func (s *Socket) RecvFlags(n, flags int) ([]byte, error) {
	data, _, err := s.receive(opRecv, n, flags, nil)
	return data, err
}

// RecvFrom is Recv, and also returns the address of the sender. On a stream that is the address of
// the peer.
func (s *Socket) RecvFrom(n int) ([]byte, Addr, error) { return s.RecvFromFlags(n, 0) }

// RecvFromFlags is RecvFrom with flags.
func (s *Socket) RecvFromFlags(n, flags int) ([]byte, Addr, error) {
	var from Addr
	data, e, err := s.receive(opRecvFrom, n, flags, &from.a)
	if (e != 0 || err != nil) && len(data) == 0 {
		return nil, Addr{}, err
	}
	return data, from, err
}

// RecvInto is Recv into p. It allocates nothing. With MSG_TRUNC it returns the length of the
// datagram, which may be more than len(p), as in recv(2).
func (s *Socket) RecvInto(p []byte) (int, error) { return s.RecvIntoFlags(p, 0) }

// RecvIntoFlags is RecvInto with flags.
func (s *Socket) RecvIntoFlags(p []byte, f int) (int, error) {
	if !flagsFit(f) {
		return 0, badFlags(opRecv, f)
	}
	c := s.startWith(f)
	d := s.d
	if least := s.least(&c, len(p), f); least > 1 {
		n, e := s.recvLeast(p, f, least)
		return n, s.fail(opRecv, e)
	}
	// Below SO_RCVLOWAT the kernel reports no input, so the call must not wait for an Event.
	c.NeedsNew = f == 0 && d.Drains() && s.lowat.Load() <= 1
	n, e := d.Recv(&c, p, f)
	runtime.KeepAlive(s)
	if e != 0 {
		return 0, s.fail(opRecv, e)
	}
	return n, nil
}

// recvLeast is RecvInto with MSG_WAITALL or SO_RCVLOWAT. It is a separate function, so that
// RecvInto needs less stack while it waits.
//
//go:noinline
func (s *Socket) recvLeast(p []byte, flags, least int) (int, desc.Errno) {
	c := s.startWith(flags)
	n, e := s.fill(&c, least, flags, func(at, f int) (int, desc.Errno) { return s.d.Kernel.Recv(s.d.FD, p[at:], f) })
	runtime.KeepAlive(s)
	return n, e
}

// RecvFromInto is RecvFrom into p. It allocates nothing.
func (s *Socket) RecvFromInto(p []byte) (int, Addr, error) { return s.RecvFromIntoFlags(p, 0) }

// RecvFromIntoFlags is RecvFromInto with flags.
func (s *Socket) RecvFromIntoFlags(p []byte, f int) (int, Addr, error) {
	if !flagsFit(f) {
		return 0, Addr{}, badFlags(opRecvFrom, f)
	}
	c := s.startWith(f)
	var from Addr
	if least := s.least(&c, len(p), f); least > 1 {
		n, e := s.fill(&c, least, f, func(at, f int) (int, desc.Errno) { return s.recvFrom(p[at:], f, &from.a) })
		runtime.KeepAlive(s)
		return n, from, s.fail(opRecvFrom, e)
	}
	n, e := s.d.Do(desc.In, &c, func() (int, desc.Errno) { return s.recvFrom(p, f, &from.a) })
	runtime.KeepAlive(s)
	if e != 0 {
		return 0, Addr{}, s.fail(opRecvFrom, e)
	}
	return n, from, nil
}

// Read implements io.Reader. It is Recv into p, with io.EOF at the end of a stream.
func (s *Socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, s.nothing(opRead)
	}
	n, err := s.RecvInto(p)
	if n == 0 && err == nil && s.connects() {
		err = io.EOF
	}
	return n, err
}

// recvFrom makes one try. On a stream the kernel does not report the peer's address.
func (s *Socket) recvFrom(p []byte, flags int, from *kernel.Addr) (int, desc.Errno) {
	d := s.d
	if !s.connects() {
		n, a, e := d.Kernel.RecvFrom(d.FD, p, flags)
		*from = a
		return n, e
	}
	n, e := d.Kernel.Recv(d.FD, p, flags)
	if e != 0 {
		return n, e
	}
	if peer := s.peer.Load(); peer != nil {
		*from = *peer
	} else if a, e := d.Kernel.PeerAddr(d.FD); e == 0 {
		// The descriptor was connected before the Socket adopted it.
		*from = a
	}
	return n, 0
}

func (s *Socket) receive(o op, n, flags int, from *kernel.Addr) (data []byte, e desc.Errno, err error) {
	if n < 0 {
		return nil, 0, badValue(o, "bufsize %d must be 0 or more", n)
	}
	if !flagsFit(flags) {
		return nil, 0, badFlags(o, flags)
	}
	c := s.startWith(flags)
	if least := s.least(&c, n, flags); least > 1 {
		data = []byte{}
		_, e = s.fill(&c, least, flags, func(at, flags int) (int, desc.Errno) {
			more, e := s.take(n-at, flags, from)
			data = append(data[:at], more...)
			return len(more), e
		})
	} else {
		_, e = s.d.Do(desc.In, &c, func() (_ int, e desc.Errno) {
			data, e = s.take(n, flags, from)
			return 0, e
		})
	}
	runtime.KeepAlive(s)
	return data, e, fail(o, e)
}

// take receives at most n bytes. The result has memory of its own.
func (s *Socket) take(n, flags int, from *kernel.Addr) ([]byte, desc.Errno) {
	room := desc.Scratch.Get().(*[desc.ScratchSize]byte)
	defer desc.Scratch.Put(room)
	p := room[:min(n, desc.ScratchSize)]
	if n > desc.ScratchSize {
		var e desc.Errno
		if p, e = s.roomFor(n, flags, room[:]); e != 0 {
			return nil, e
		}
	}
	// With MSG_TRUNC, n may count bytes that were not stored. In their place the scratch buffer
	// still has data of earlier calls, which must be cleared.
	if flags&MSG_TRUNC != 0 {
		clear(p)
	}
	got, e := 0, desc.Errno(0)
	if from == nil {
		got, e = s.d.Kernel.Recv(s.d.FD, p, flags)
	} else {
		got, e = s.recvFrom(p, flags, from)
	}
	if e != 0 {
		return nil, e
	}
	p = p[:min(got, len(p))]
	if len(p) > desc.ScratchSize {
		return p, 0 // p is not a scratch buffer, so it needs no copy
	}
	return append([]byte{}, p...), 0
}

// roomFor returns a buffer for all bytes that are available, at most n. If `room` is large enough,
// it returns `room`.
func (s *Socket) roomFor(n, flags int, room []byte) ([]byte, desc.Errno) {
	for {
		got, e := s.d.Kernel.Recv(s.d.FD, room, flags&^MSG_TRUNC|MSG_PEEK)
		if e != 0 || got < len(room) || len(room) == n {
			return room, e
		}
		room = make([]byte, min(n, 2*len(room)))
	}
}

// MakeFile is MicroPython's makefile. It returns the Socket itself. mode must be rb, wb or rwb,
// with the letters in any order.
func (s *Socket) MakeFile(mode string) (*Socket, error) {
	switch mode {
	case "rb", "br", "wb", "bw", "rwb", "rbw", "wrb", "wbr", "brw", "bwr":
		return s, s.nothing(opMakeFile)
	}
	return nil, badValue(opMakeFile, "mode %.20q must be rb, wb or rwb", mode)
}
