package netconn

import (
	"io"
	"net"
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// read waits for data of a stream. It returns io.EOF at the end of input.
func (b *base) read(p []byte) (int, error) {
	n, err := b.s.Read(p)
	if err != nil && err != io.EOF {
		err = b.failed("read", err)
	}
	return n, err
}

// data implements Conn.Data.
func (b *base) data() ([]byte, error) {
	p, err := b.s.Data()
	if err != nil && err != io.EOF {
		err = b.failed("read", err)
	}
	return p, err
}

// write sends all of p to a stream.
func (b *base) write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, b.writeNothing()
	}
	n, err := b.s.Write(p)
	if err != nil {
		err = b.failed("write", err)
	}
	return n, err
}

// writeNothing makes the system call that package net makes for a Write of no bytes. So such a
// Write also reports that the connection is closed or that a deadline has passed.
func (b *base) writeNothing() error {
	d := b.d
	call := forever()
	_, e := d.Do(desc.Out, &call, func() (int, desc.Errno) { return d.Kernel.Send(d.FD, nil, 0) })
	runtime.KeepAlive(b.s)
	if e != 0 {
		return b.fail("write", e)
	}
	return nil
}

// writeBuffers sends the buffers to a stream and consumes v.
func (b *base) writeBuffers(v *net.Buffers) (int64, error) {
	if v == nil {
		panic("netconn: WriteBuffers of a nil *net.Buffers: pass the address of the buffers")
	}
	d := b.d
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
	runtime.KeepAlive(b.s)
	if e != 0 {
		return total, b.fail("writev", e)
	}
	return total, nil
}

// smallPiece is the largest size in bytes of a piece that is cheaper to copy than to pass to the
// kernel as a separate piece.
const smallPiece = 512

// sendPieces makes one system call. If v has too many small pieces for one call, sendPieces first
// copies them into one buffer. One system call for each 64 pieces would cost more.
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

// consume drops the first n bytes of v, and then the empty buffers at its front.
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

func (b *base) shutdown(how int) error {
	if err := b.s.Shutdown(how); err != nil {
		return b.opError("close", b.reason("shutdown", err))
	}
	return nil
}

// streamOf returns the stream of a connection of this package.
func streamOf(x any) (b *base, ok bool) {
	switch c := x.(type) {
	case *Conn:
		if c != nil {
			return &c.base, true
		}
	case *UnixConn:
		if c != nil && c.stream() {
			return &c.base, true
		}
	}
	return nil, false
}

// stream reports whether the socket is a stream socket.
func (b *base) stream() bool { return b.s.Type() == socket.SOCK_STREAM }
