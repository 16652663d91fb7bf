package reactor

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/desc"
)

// An Input is the inbound buffer of one Conn: the bytes that have arrived and have not been
// consumed. It belongs to the loop, as the Conn does. See KeepInput.
//
// In Data, the Input begins with the bytes that earlier calls have left, and ends with the bytes of
// p. Bytes that Data does not consume stay for the next Data and for other callbacks. So a handler
// that stops while its output is throttled can continue in Drained. At EOF, what is left is an
// incomplete message.
//
// A message that has arrived whole is not copied: its bytes stay in the loop's buffer. Only the
// bytes that a callback leaves are copied. When nothing is left, the Input holds no memory.
//
// The slices of Peek and Next are valid until the callback returns. After that, race builds
// overwrite the slices. A closed Conn has an empty Input.
type Input struct {
	b       desc.Inbound
	c       *Conn
	inData  bool     // Data is running, and deliver frees memory after it
	kept    bool     // KeepInput was called
	proxied *proxied // with WithProxy
	early   []byte   // given to Attach; delivered before all other input
}

// KeepInput makes the Conn keep the input that its handler does not consume, and returns the
// buffer. Call it in the function of Listen, in Opened, or after Dial: the bytes of an earlier Data
// are not kept. A second call changes the limit and returns the same Input.
//
// limit is the size of the largest message in bytes, 1 … 1<<30. A Peek or Next of more than limit
// is an error, so an endless message costs limit and one read of memory. If a handler leaves more
// than limit, and the Conn is neither paused nor throttled, nobody can complete a message. So the
// Conn closes with ErrInputLimit.
func (c *Conn) KeepInput(limit int) *Input {
	in := c.in
	if in == nil {
		in = &Input{c: c}
	}
	in.b.Init("reactor: KeepInput", limit, &c.w.r.inputs)
	c.in, in.kept = in, true
	return in
}

// Input returns the Conn's inbound buffer, nil without KeepInput.
func (c *Conn) Input() *Input {
	if c.in == nil || !c.in.kept {
		return nil
	}
	return c.in
}

// Peek returns the next n bytes and leaves them in the Input. It returns ErrIncomplete if fewer
// have arrived, and ErrInputLimit if n is above the limit.
func (in *Input) Peek(n int) ([]byte, error) { return in.b.Peek(n) }

// Next returns the next n bytes and consumes them. Its errors are those of Peek. On error it
// consumes nothing.
func (in *Input) Next(n int) ([]byte, error) {
	p, err := in.b.Next(n)
	in.consumed()
	return p, err
}

// Discard consumes n bytes and returns n. If fewer have arrived, it consumes those, and returns
// their number and ErrIncomplete. n has no limit.
func (in *Input) Discard(n int) (int, error) {
	n, err := in.b.Discard(n)
	in.consumed()
	return n, err
}

// Buffered returns how many bytes have arrived and are not consumed.
func (in *Input) Buffered() int { return in.b.Buffered() }

// Index returns where sep begins in the Input, or -1. It skips the first `from` bytes. A handler
// that has searched n bytes without success passes n-len(sep)+1, so that no byte is searched twice.
func (in *Input) Index(sep []byte, from int) int { return in.b.Index(sep, from) }

// Release ends KeepInput. It returns the bytes that are not consumed, which are valid until the
// callback returns. After Release the Conn keeps no input, and the memory of the Input is free. A
// handler that has read its last message of one protocol passes the rest to the next one.
func (in *Input) Release() []byte {
	c := in.c
	if c.in != in || !in.kept {
		return nil
	}
	p := in.b.All()
	in.kept = false
	if in.proxied == nil && in.early == nil {
		c.in = nil
	}
	return p
}

// Limit returns the limit of KeepInput.
func (in *Input) Limit() int { return in.b.Limit() }

// consumed schedules settle, which frees memory, for the end of the step. After Data settle runs
// anyway.
func (in *Input) consumed() {
	if !in.inData && !in.c.is(released|dialling) {
		in.c.flushLater()
	}
}

// deliver passes the received bytes to the Handler. If Data calls StartFilter, the new Filter may
// call deliver while that Data still runs. The slices of the outer Data then stay valid.
func (c *Conn) deliver(p []byte) {
	in := c.in
	if in == nil || !in.kept {
		c.handler.Data(c, p)
		return
	}
	within := in.inData
	in.b.Show(p)
	in.inData = true
	c.handler.Data(c, p)
	in.inData = within
	if within {
		in.b.Keep()
	} else {
		in.settle()
		if desc.Poisons {
			c.w.r.poison(p)
		}
	}
	if in.b.Buffered() > in.b.Limit() && !c.is(paused|throttled|closing|released) {
		c.tearDown(fmt.Errorf("%w: the handler has left %d bytes, and the limit is %d", ErrInputLimit, in.b.Buffered(), in.b.Limit()))
	}
}

// drop forgets the input of a Conn that is released.
func (in *Input) drop() {
	in.b.Drop()
	in.early = nil
	in.proxied.stop()
}

// settle ends the validity of the slices, and keeps the bytes that are left. A closing Conn keeps
// nothing.
func (in *Input) settle() {
	if in.c.is(closing | released) {
		in.b.Drop()
		return
	}
	in.b.Settle()
}

// poison overwrites input that a handler has got, if the memory is the loop's.
func (r *Reactor) poison(p []byte) {
	if desc.Within(p, r.buf.P) || desc.Within(p, r.scratch) {
		desc.Poison(p)
	}
}
