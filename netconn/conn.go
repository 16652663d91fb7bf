package netconn

import (
	bits "encoding/binary"
	"io"
	"math"
	"net"
	"runtime"
	"time"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// A Conn is a stream connection. Its methods may be called by any goroutine, or, if it is of On, by
// the loop's tasks; calls in one direction take turns.
type Conn struct{ base }

// RemoteAddr is the peer's address, also after Close.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Read waits for data; io.EOF is the peer's end.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.s.Read(p)
	if err != nil && err != io.EOF {
		err = c.failed("read", err)
	}
	return n, err
}

// Data is Read without a buffer: it returns what is there, 64 KiB at most, and a Conn that waits
// holds nothing. In a task it is in the loop's buffer, and valid until the task waits or calls Data
// again. In a goroutine it is valid until the next Data of the Conn. See socket.Socket.Data.
func (c *Conn) Data() ([]byte, error) {
	p, err := c.s.Data()
	if err != nil && err != io.EOF {
		err = c.failed("read", err)
	}
	return p, err
}

// Write sends all of p; n is less only with an error.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.s.Write(p)
	if err != nil {
		err = c.failed("write", err)
	}
	return n, err
}

// WriteBuffers sends the buffers, up to 64 large ones or 64 KiB of small ones in one system call,
// and consumes v as net.Buffers.WriteTo does (which knows package net's own connections only, and
// writes to others one by one).
func (c *Conn) WriteBuffers(v *net.Buffers) (int64, error) {
	d := c.d
	call := forever()
	call.V = (*[][]byte)(v)
	total := int64(0)
	_, e := d.Do(desc.Out, &call, func() (int, desc.Errno) {
		if consume(v, 0); len(*v) == 0 {
			return 0, 0
		}
		n, e := sendPieces(d, *v)
		total += int64(n)
		consume(v, n)
		call.Again = e == 0 && len(*v) > 0
		return n, e
	})
	runtime.KeepAlive(c.s)
	if e != 0 {
		return total, c.fail("writev", e)
	}
	return total, nil
}

// smallPiece is what it costs less to copy than to send as a piece of its own.
const smallPiece = 512

// sendPieces sends once. Small pieces of which there are too many for one call are copied together:
// a system call for each 64 costs more.
func sendPieces(d *desc.Desc, v net.Buffers) (int, desc.Errno) {
	first := v[:min(len(v), kernel.MaxPieces)]
	if len(first) == len(v) || size(first) > smallPiece*len(first) {
		return d.Kernel.SendV(d.FD, first)
	}
	room := desc.Scratch.Get().(*[desc.ScratchSize]byte)
	defer desc.Scratch.Put(room)
	n := 0
	for _, p := range v {
		k := copy(room[n:], p)
		if n += k; k < len(p) {
			break
		}
	}
	return d.Kernel.Send(d.FD, room[:n], 0)
}

func size(v net.Buffers) (n int) {
	for _, p := range v {
		n += len(p)
	}
	return n
}

// consume drops the first n bytes and what is empty in front.
func consume(v *net.Buffers, n int) {
	for len(*v) > 0 {
		if first := (*v)[0]; n < len(first) {
			(*v)[0] = first[n:]
			return
		}
		n -= len((*v)[0])
		(*v)[0] = nil
		*v = (*v)[1:]
	}
}

// CloseRead ends reading: io.EOF from now on. Most programs just use Close.
func (c *Conn) CloseRead() error { return c.shutdown(socket.SHUT_RD) }

// CloseWrite sends a FIN after what was written; reading goes on.
func (c *Conn) CloseWrite() error { return c.shutdown(socket.SHUT_WR) }

func (c *Conn) shutdown(how int) error {
	if err := c.s.Shutdown(how); err != nil {
		return c.failed("close", err)
	}
	return nil
}

// SetNoDelay(false) turns Nagle's algorithm on; TCP only.
func (c *Conn) SetNoDelay(on bool) error { return c.set(socket.IPPROTO_TCP, socket.TCP_NODELAY, on) }

// SetKeepAlive has the kernel probe a silent peer, or not; TCP only. It is on, every 15 s, as
// package net has it.
func (c *Conn) SetKeepAlive(on bool) error { return c.set(socket.SOL_SOCKET, socket.SO_KEEPALIVE, on) }

// SetKeepAlivePeriod is the time of silence and between probes, in whole seconds, rounded up; TCP
// only. As package net has it, 0 is 15 s, and a negative one changes nothing.
func (c *Conn) SetKeepAlivePeriod(d time.Duration) error {
	switch {
	case d < 0:
		return nil
	case d == 0:
		d = keepAlive
	}
	for _, name := range []int{kernel.TCP_KEEPIDLE, kernel.TCP_KEEPINTVL} {
		if name == 0 { // OpenBSD: the system's interval
			continue
		}
		secs := int64(d / time.Second)
		if d%time.Second > 0 {
			secs++
		}
		if secs != int64(int32(secs)) {
			return c.tooLarge(secs)
		}
		if err := c.set(socket.IPPROTO_TCP, name, int(secs)); err != nil {
			return err
		}
	}
	return nil
}

// SetLinger: with sec 0 Close discards what is unsent and resets; sec < 0 is the default, Close
// sends it in the background; sec > 0 may have Close wait so long, which on a loop blocks
// everything.
func (c *Conn) SetLinger(sec int) error {
	on := uint32(1)
	if sec < 0 {
		on, sec = 0, 0
	}
	if sec > math.MaxInt32 {
		return c.tooLarge(int64(sec))
	}
	linger := bits.NativeEndian.AppendUint32(bits.NativeEndian.AppendUint32(nil, on), uint32(sec))
	return c.set(socket.SOL_SOCKET, socket.SO_LINGER, linger)
}
