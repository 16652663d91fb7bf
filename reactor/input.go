package reactor

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/desc"
)

// An Input is the input of one Conn that has arrived and was not consumed. It belongs to the loop,
// as the Conn does. See KeepInput.
//
// In Data, the Input has the bytes that earlier calls have left, followed by those of p. Bytes that
// Data does not consume stay for the next Data, and for other callbacks. So a handler that stops
// while its output is throttled can continue in Drained. In EOF, the bytes that are left are an
// incomplete message.
//
// A message that arrives in one piece is not copied: its bytes stay in the loop's buffer. Only the
// bytes that a callback leaves are copied. When no bytes are left, the Input holds no memory.
//
// The slices that Peek and Next return are valid until the callback returns. After that, race
// builds overwrite them. A closed Conn has an empty Input.
type Input struct {
	b       desc.Inbound
	c       *Conn
	inData  bool     // Data runs, and deliver frees memory after it
	kept    bool     // KeepInput was called
	proxied *proxied // nil without WithProxy
	early   []byte   // input passed to Attach; delivered before all other input
}

// KeepInput makes the Conn keep the input that its handler does not consume. It returns the buffer.
// Call it in the function of Listen, in Opened, or after Dial, because bytes of an earlier Data are
// not kept. A second call changes the limit and returns the same Input.
//
// limit is the size of the largest message in bytes, from 1 to 1<<30. A Peek or Next of more than
// limit returns an error. So a message without an end costs at most limit bytes and one read. If
// the handler leaves more than limit, and the Conn is neither paused nor throttled, no message can
// become complete. Then the Conn closes with ErrInputLimit.
func (c *Conn) KeepInput(limit int) *Input {
	in := c.in
	if in == nil {
		in = &Input{c: c}
	}
	in.b.Init("reactor: KeepInput", limit, &c.w.r.inputs)
	c.in, in.kept = in, true
	return in
}

// Input returns the Conn's Input, or nil without KeepInput.
func (c *Conn) Input() *Input {
	if c.in == nil || !c.in.kept {
		return nil
	}
	return c.in
}

// Peek returns the next n bytes. They stay in the Input. Peek returns ErrIncomplete if fewer bytes
// have arrived, and ErrInputLimit if n is above the limit.
func (in *Input) Peek(n int) ([]byte, error) { return in.b.Peek(n) }

// Next returns the next n bytes and consumes them. Its errors are those of Peek. With an error, it
// consumes nothing.
func (in *Input) Next(n int) ([]byte, error) {
	p, err := in.b.Next(n)
	in.consumed()
	return p, err
}

// Discard consumes n bytes and returns n. If fewer bytes have arrived, it consumes these, and
// returns their number with ErrIncomplete. n may exceed the limit.
func (in *Input) Discard(n int) (int, error) {
	n, err := in.b.Discard(n)
	in.consumed()
	return n, err
}

// Buffered returns how many bytes have arrived and were not consumed.
func (in *Input) Buffered() int { return in.b.Buffered() }

// Index returns where sep begins in the Input, or -1. The search begins at the offset from. If n
// bytes were searched without success, n-len(sep)+1 is the right offset when more have arrived: no
// byte is searched twice.
func (in *Input) Index(sep []byte, from int) int { return in.b.Index(sep, from) }

// Release ends KeepInput. It returns the bytes that were not consumed. They are valid until the
// callback returns. After Release the Conn keeps no input, and the Input holds no memory. A handler
// that changes to another protocol passes the returned bytes to the next handler.
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

// Limit returns the limit that was passed to KeepInput.
func (in *Input) Limit() int { return in.b.Limit() }

// consumed makes settle run at the end of the step, because settle frees memory. In Data that is
// not necessary, because settle runs after Data.
func (in *Input) consumed() {
	if !in.inData && !in.c.is(released|dialling) {
		in.c.flushLater()
	}
}

// deliver passes received bytes to the Handler. If Data calls StartFilter, the new Filter may call
// deliver while Data still runs. The slices of the outer Data must then stay valid.
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

// drop drops the input of a Conn that is released.
func (in *Input) drop() {
	in.b.Drop()
	in.early = nil
	in.proxied.stop()
}

// settle is called when a callback returns. It makes the slices invalid that the callback has got
// from the Input, and keeps the bytes that are not consumed. If the Conn is closing, it keeps
// nothing.
func (in *Input) settle() {
	if in.c.is(closing | released) {
		in.b.Drop()
		return
	}
	in.b.Settle()
}

// poison overwrites input that a handler has got, if the memory belongs to the loop.
func (r *Reactor) poison(p []byte) {
	if desc.Within(p, r.buf.P) || desc.Within(p, r.scratch) {
		desc.Poison(p)
	}
}
