package socket

import (
	"io"
	"net"

	"github.com/ureactor/ureactor/internal/desc"
)

// A DataReader is the source of an Input: a Socket, a netconn.Conn or a netconn.TLSConn.
type DataReader interface{ Data() ([]byte, error) }

// An Input is the inbound buffer of a stream for code in blocking style. It has the calls of
// reactor.Input, but they wait. An Input that waits and has no unconsumed input holds no buffer.
//
// A message that has arrived whole in the buffer of Data is not copied. The slices of Peek and Next
// are valid as long as those of Data. In a task they are valid until the task waits. (A send of
// them may wait: it copies the unsent bytes first.) In a goroutine they are valid until the next
// call of the Input that waits.
//
// Deadlines and timeouts are those of the stream. A call that a deadline has ended has consumed
// nothing, and can be repeated. One caller may use an Input at a time, and nobody else may read the
// stream.
type Input struct {
	b   desc.Inbound
	src DataReader
	s   *Socket // the Socket below src; nil if src is of another package
}

// NewInput returns an Input that reads src. limit is the size of the greatest message in bytes, 1 …
// 1<<30. A Peek or Next of more than limit bytes returns reactor.ErrInputLimit.
func NewInput(src DataReader, limit int) *Input {
	if src == nil {
		panic("socket: NewInput of a nil DataReader")
	}
	in := &Input{src: src, s: socketOf(src)}
	in.b.Init("socket: NewInput", limit, nil)
	return in
}

// NewInputAfter is NewInput for a stream of which the bytes in read were received already: by a
// buffered reader before FromFD or FromConn, or before another protocol begins. The Input begins
// with a copy of the bytes in read, which may be longer than limit.
func NewInputAfter(src DataReader, read []byte, limit int) *Input {
	in := NewInput(src, limit)
	in.b.Show(read)
	in.b.Keep()
	return in
}

// socketOf returns the Socket below a connection, nil if it is of another package.
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
// error is io.EOF, or io.ErrUnexpectedEOF if there are fewer bytes than n.
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

// Next waits for n bytes, returns them and consumes them. Its errors are those of Peek. On error it
// consumes nothing.
func (in *Input) Next(n int) ([]byte, error) {
	p, err := in.Peek(n)
	if err == nil {
		_, err = in.b.Discard(n)
	}
	return p, err
}

// Discard consumes n bytes, as they arrive, and returns how many. n has no limit.
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

// Buffered returns how many bytes have arrived and are not consumed. It does not wait.
func (in *Input) Buffered() int { return in.b.Buffered() }

// Index returns where sep begins in the buffered bytes, or -1. It skips the first `from` bytes. It
// does not wait: to wait for more bytes, call Peek(Buffered()+1).
func (in *Input) Index(sep []byte, from int) int { return in.b.Index(sep, from) }

// Limit returns the limit of NewInput.
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
		in.b.Keep() // p may be valid only until the next wait
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

// A keeper is the Input with the method of a desc.Keeper. Save is called before the task waits.
type keeper Input

func (k *keeper) Save() { k.b.Keep() }
