package socket

import (
	"io"
	"net"

	"github.com/ureactor/ureactor/internal/desc"
)

// A DataReader is the source of an Input: a Socket, a netconn.Conn or a netconn.TLSConn.
type DataReader interface{ Data() ([]byte, error) }

// An Input is the inbound buffer of a stream, for code in blocking style. It has the calls of
// reactor.Input, but here they wait. While an Input waits and has no bytes left, it holds no
// buffer.
//
// A message that arrives in one piece is not copied. The slices of Peek and Next are valid as long
// as those of Data. In a Task they are valid until the Task waits. (A send of such a slice may
// wait: it copies the unsent bytes before.) In a goroutine they are valid until the next call of
// the Input that waits.
//
// Deadlines and timeouts are those of the stream. A call that was ended by a deadline has consumed
// nothing, and can be repeated. One caller at a time may use an Input, and nobody else may read the
// stream.
type Input struct {
	b   desc.Inbound
	src DataReader
	s   *Socket // the Socket below src; nil if src is of another package
}

// NewInput returns an Input that reads src. limit is the size of the largest message in bytes, from
// 1 to 1<<30. A Peek or Next of more than limit returns reactor.ErrInputLimit.
func NewInput(src DataReader, limit int) *Input {
	if src == nil {
		panic("socket: NewInput of a nil DataReader")
	}
	in := &Input{src: src, s: socketOf(src)}
	in.b.Init("socket: NewInput", limit, nil)
	return in
}

// NewInputAfter is NewInput for a stream from which the bytes in read were already received. For
// example, a buffered reader has read them before FromFD or FromConn, or the stream begins with
// another protocol. The Input begins with a copy of these bytes, which may be more than limit.
func NewInputAfter(src DataReader, read []byte, limit int) *Input {
	in := NewInput(src, limit)
	in.b.Show(read)
	in.b.Keep()
	return in
}

// socketOf returns the Socket below a connection, or nil if the connection is of another package.
func socketOf(v any) *Socket {
	switch v := v.(type) {
	case *Socket:
		return v
	case interface{ Socket() *Socket }:
		return v.Socket()
	case interface{ NetConn() net.Conn }:
		return socketOf(v.NetConn())
	}
	return nil
}

// Peek waits for n bytes and returns them. They stay in the Input. At the end of the stream the
// error is io.EOF, or io.ErrUnexpectedEOF if some bytes are left, but fewer than n.
func (in *Input) Peek(n int) ([]byte, error) {
	for {
		p, err := in.b.Peek(n)
		if err != desc.ErrIncomplete {
			return p, err
		}
		if err := in.fill(); err != nil {
			return nil, err
		}
	}
}

// Next waits for n bytes, returns them and consumes them. Its errors are those of Peek. With an
// error, it consumes nothing.
func (in *Input) Next(n int) ([]byte, error) {
	p, err := in.Peek(n)
	if err == nil {
		_, err = in.b.Discard(n)
	}
	return p, err
}

// Discard consumes n bytes as they arrive, and returns how many it has consumed. n may exceed the
// limit.
func (in *Input) Discard(n int) (int, error) {
	done := 0
	for {
		k, err := in.b.Discard(n - done)
		if done += k; err == nil {
			return done, nil
		}
		if err := in.fill(); err != nil {
			return done, err
		}
	}
}

// Buffered returns how many bytes have arrived and were not consumed. It does not wait.
func (in *Input) Buffered() int { return in.b.Buffered() }

// Index returns where sep begins in the buffered bytes, or -1. The search begins at the offset
// from. Index does not wait. To wait for more bytes, call Peek(Buffered()+1).
func (in *Input) Index(sep []byte, from int) int { return in.b.Index(sep, from) }

// Limit returns the limit that was passed to NewInput.
func (in *Input) Limit() int { return in.b.Limit() }

// fill waits for more input.
func (in *Input) fill() error {
	in.b.Settle()
	p, err := in.src.Data()
	if err != nil {
		if err == io.EOF && in.b.Buffered() > 0 {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	in.b.Show(p)
	if in.s == nil {
		in.b.Keep() // p may become invalid at the next wait
	} else if w := in.s.d.Waiter; !w.Shared() {
		loop, e := w.Buffer()
		if e != 0 {
			in.b.Keep()
			return nil
		}
		loop.Keeper = (*keeper)(in)
	}
	return nil
}

// keeper is the type with which an Input is a desc.Keeper. Save is called before the Task waits.
type keeper Input

func (k *keeper) Save() { k.b.Keep() }
