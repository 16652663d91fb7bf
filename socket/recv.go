package socket

import (
	"bytes"
	"runtime"
	"sync"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
)

// Recv waits for data and gives what is there, n bytes at most; the rest of a datagram is lost. Empty is the end of a
// stream, or an empty datagram.
func (s *Socket) Recv(n int, flags ...int) ([]byte, error) {
	data, _, err := s.receive(opRecv, n, or(flags), nil)
	return data, err
}

// RecvFrom is Recv that also tells who sent it; on a stream that is the peer.
func (s *Socket) RecvFrom(n int, flags ...int) ([]byte, Addr, error) {
	var from Addr
	data, e, err := s.receive(opRecvFrom, n, or(flags), &from.a)
	if e != 0 || err != nil {
		return nil, Addr{}, err
	}
	return data, from, nil
}

// RecvInto is Recv into p. It allocates nothing.
func (s *Socket) RecvInto(p []byte, flags ...int) (int, error) {
	f := or(flags)
	c := s.startWith(f)
	d := s.d
	c.More = d.ShortIsAll && f == 0
	n, e := d.Do(desc.In, &c, func() (int, desc.Errno) {
		n, e := d.K.Recv(d.FD, p, f)
		c.All = c.More && 0 < n && n < len(p)
		return n, e
	})
	runtime.KeepAlive(s)
	if e != 0 {
		return 0, fail(opRecv, e)
	}
	return n, nil
}

// RecvFromInto is RecvFrom into p. It allocates nothing.
func (s *Socket) RecvFromInto(p []byte, flags ...int) (int, Addr, error) {
	f := or(flags)
	c := s.startWith(f)
	var from Addr
	n, e := s.d.Do(desc.In, &c, func() (int, desc.Errno) { return s.recvFrom(p, f, &from.a) })
	runtime.KeepAlive(s)
	if e != 0 {
		return 0, Addr{}, fail(opRecvFrom, e)
	}
	return n, from, nil
}

// recvFrom is one try. A stream's kernel does not tell the peer.
func (s *Socket) recvFrom(p []byte, flags int, from *kernel.Addr) (int, desc.Errno) {
	d := s.d
	if s.typ != SOCK_STREAM && s.typ != SOCK_SEQPACKET {
		n, a, e := d.K.RecvFrom(d.FD, p, flags)
		*from = a
		return n, e
	}
	n, e := d.K.Recv(d.FD, p, flags)
	if e != 0 {
		return n, e
	}
	if peer := s.peer.Load(); peer != nil {
		*from = *peer
	} else if a, e := d.K.PeerAddr(d.FD); e == 0 { // connected before it was ours
		*from = a
	}
	return n, 0
}

// scratchSize holds any IP datagram.
const scratchSize = 64 << 10

// scratch is where data arrives whose size is not known: a waiting call holds no buffer, and its result is no larger
// than the data, whatever the caller was ready to take.
var scratch = sync.Pool{New: func() any { return new([scratchSize]byte) }}

func (s *Socket) receive(o op, n, flags int, from *kernel.Addr) (data []byte, e desc.Errno, err error) {
	if n < 0 {
		return nil, 0, badValue(o, "bufsize %d must be 0 or more", n)
	}
	c := s.startWith(flags)
	_, e = s.d.Do(desc.In, &c, func() (_ int, e desc.Errno) {
		data, e = s.take(n, flags, from)
		return 0, e
	})
	runtime.KeepAlive(s)
	return data, e, fail(o, e)
}

// take receives n bytes at most into memory of their own.
func (s *Socket) take(n, flags int, from *kernel.Addr) ([]byte, desc.Errno) {
	room := scratch.Get().(*[scratchSize]byte)
	defer scratch.Put(room)
	p := room[:min(n, scratchSize)]
	if n > scratchSize {
		var e desc.Errno
		if p, e = s.roomFor(n, flags, room[:]); e != 0 {
			return nil, e
		}
	}
	if flags&MSG_TRUNC != 0 { // may count bytes that it does not write: they must not be what others have received
		clear(p)
	}
	got, e := 0, desc.Errno(0)
	if from == nil {
		got, e = s.d.K.Recv(s.d.FD, p, flags)
	} else {
		got, e = s.recvFrom(p, flags, from)
	}
	if e != 0 {
		return nil, e
	}
	p = p[:min(got, len(p))]
	if len(p) > scratchSize {
		return p, 0 // its own already
	}
	return append([]byte{}, p...), 0
}

// roomFor is a buffer for all that is there, n bytes at most: room if that is enough.
func (s *Socket) roomFor(n, flags int, room []byte) ([]byte, desc.Errno) {
	for {
		got, e := s.d.K.Recv(s.d.FD, room, flags&^MSG_TRUNC|MSG_PEEK)
		if e != 0 || got < len(room) || len(room) == n {
			return room, e
		}
		room = make([]byte, min(n, 2*len(room)))
	}
}

// ReadSize is MicroPython's read(n): it waits until n bytes have come, or the end of the stream; less than n is that. On
// a non-blocking Socket it gives what is there, or EAGAIN. What came before an error is returned with it. n < 0 is ReadAll.
func (s *Socket) ReadSize(n int) ([]byte, error) {
	if n < 0 {
		return s.ReadAll()
	}
	if n == 0 {
		return []byte{}, s.use(opRead, func(int) desc.Errno { return 0 })
	}
	return s.gather(n)
}

// ReadAll is MicroPython's read(): everything until the end of the stream; non-blocking, what is there, or EAGAIN.
func (s *Socket) ReadAll() ([]byte, error) { return s.gather(int(^uint(0) >> 1)) }

// gather reads until n bytes, the end, or an error.
func (s *Socket) gather(n int) ([]byte, error) {
	data := []byte{}
	c := s.start()
	d := s.d
	_, e := d.Do(desc.In, &c, func() (int, desc.Errno) {
		room := scratch.Get().(*[scratchSize]byte)
		got, e := d.K.Recv(d.FD, room[:min(n-len(data), scratchSize)], 0)
		data = append(data, room[:got]...)
		scratch.Put(room)
		c.Part = e == 0 && got > 0 && len(data) < n
		return got, e
	})
	runtime.KeepAlive(s)
	if e == kernel.EAGAIN && len(data) > 0 {
		e = 0
	}
	return data, fail(opRead, e)
}

// ReadInto is MicroPython's readinto: ReadSize(len(p)) into p. It allocates nothing.
func (s *Socket) ReadInto(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, s.use(opReadInto, func(int) desc.Errno { return 0 })
	}
	c := s.start()
	d := s.d
	n := 0
	_, e := d.Do(desc.In, &c, func() (int, desc.Errno) {
		got, e := d.K.Recv(d.FD, p[n:], 0)
		n += got
		c.Part = e == 0 && got > 0 && n < len(p)
		return got, e
	})
	runtime.KeepAlive(s)
	if e == kernel.EAGAIN && n > 0 {
		e = 0
	}
	return n, fail(opReadInto, e)
}

// ReadLine is MicroPython's readline: up to and with '\n', or max bytes if given and not negative. It waits like
// ReadSize and takes nothing beyond the line.
func (s *Socket) ReadLine(max ...int) ([]byte, error) {
	limit := -1
	if len(max) > 0 {
		limit = max[0]
	}
	if limit == 0 {
		return []byte{}, s.use(opReadLine, func(int) desc.Errno { return 0 })
	}
	line := []byte{}
	c := s.start()
	_, e := s.d.Do(desc.In, &c, func() (int, desc.Errno) {
		part, e := s.piece(limit-len(line), c.Limit.Blocks())
		line = append(line, part...)
		c.Part = e == 0 && len(part) > 0 && len(line) != limit && part[len(part)-1] != '\n'
		return len(part), e
	})
	runtime.KeepAlive(s)
	if e == kernel.EAGAIN && len(line) > 0 {
		e = 0
	}
	return line, fail(opReadLine, e)
}

// peekSize is how far a line's end is looked for at once.
const peekSize = 256

// piece takes bytes up to and with '\n', limit at most if that is not negative. It looks before it takes; where another
// caller could take what it has seen, and on datagrams, it takes single bytes.
func (s *Socket) piece(limit int, alone bool) ([]byte, desc.Errno) {
	d := s.d
	p := make([]byte, peekSize)
	switch {
	case s.typ != SOCK_STREAM, !alone && d.W.Shared():
		p = p[:1]
	case limit >= 0:
		p = p[:min(limit, peekSize)]
	}
	if len(p) > 1 {
		n, e := d.K.Recv(d.FD, p, MSG_PEEK)
		if e != 0 || n == 0 {
			return nil, e
		}
		p = p[:n]
		if i := bytes.IndexByte(p, '\n'); i >= 0 {
			p = p[:i+1]
		}
	}
	n, e := d.K.Recv(d.FD, p, 0)
	return p[:n], e
}

// MakeFile is MicroPython's makefile: the Socket itself. mode must be of 'r', 'w' and 'b', with 'b'; buffering means nothing.
func (s *Socket) MakeFile(mode string, buffering ...int) (*Socket, error) {
	switch mode {
	case "rb", "br", "wb", "bw", "rwb", "rbw", "wrb", "wbr", "brw", "bwr":
		return s, s.use(opMakeFile, func(int) desc.Errno { return 0 })
	}
	return nil, badValue(opMakeFile, "mode %.20q must be rb, wb or rwb", mode)
}
