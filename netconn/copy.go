package netconn

import (
	"errors"
	"io"
	"math"
	"net"
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
)

// copyFrom sends the data of r to a stream, until io.EOF.
func (b *base) copyFrom(r io.Reader) (int64, error) {
	if r == nil {
		panic("netconn: ReadFrom a nil Reader: pass the one to copy from")
	}
	if v, ok := r.(*net.Buffers); ok {
		return b.writeBuffers(v)
	}
	n, err, done := b.move(r)
	if !done {
		var copied int64
		copied, err = io.Copy(writer{b}, r)
		n += copied
	}
	return n, b.wrapped("readfrom", err)
}

// copyTo writes the data of a stream to w until the end of input.
func (b *base) copyTo(w io.Writer) (int64, error) {
	if w == nil {
		panic("netconn: WriteTo a nil Writer: pass the one to copy to")
	}
	var n int64
	if to, ok := streamOf(w); ok {
		moved, err, done := to.splice(b, math.MaxInt64)
		if done {
			return moved, b.wrapped("writeto", err)
		}
		n = moved
	}
	copied, err := b.writeAll(w)
	return n + copied, b.wrapped("writeto", err)
}

// wrapped puts err inside a *net.OpError, as the ReadFrom and WriteTo of package net do.
func (b *base) wrapped(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return b.opError(op, err)
}

// writeAll copies the data to w. While it waits for data, it holds no buffer. It does not use the
// loop's buffer, because w may be of any type and may wait before it reads p.
func (b *base) writeAll(w io.Writer) (n int64, err error) {
	d := b.d
	for {
		call := forever()
		room, got, e := d.Fetch(&call, nil)
		runtime.KeepAlive(b.s)
		if e != 0 {
			return n, b.fail("read", e)
		}
		if room == nil {
			return n, nil
		}
		written, err := w.Write(room[:got])
		desc.Scratch.Put(room)
		if written < 0 || written > got {
			return n, errWrite
		}
		n += int64(written)
		if err == nil && written < got {
			err = io.ErrShortWrite
		}
		if err != nil {
			return n, err
		}
	}
}

// errWrite has the text of package io's errInvalidWrite, which is not exported.
var errWrite = errors.New("invalid write result")

// writer hides a connection's ReadFrom from io.Copy.
type writer struct{ b *base }

func (w writer) Write(p []byte) (int, error) { return w.b.write(p) }

// sendfile or splice does the work of move. If done is false, the system has refused to continue
// after n bytes, and the caller must copy the rest.
func (b *base) move(r io.Reader) (n int64, err error, done bool) {
	limit := int64(math.MaxInt64)
	l, limited := r.(*io.LimitedReader)
	if limited {
		limit, r = l.N, l.R
		if limit <= 0 {
			return 0, nil, true
		}
	}
	if from, ok := streamOf(r); ok {
		n, err, done = b.splice(from, limit)
	} else if from, ok := r.(file); ok {
		n, err, done = b.sendFile(from, limit)
	}
	if limited {
		l.N -= n
	}
	return n, err, done
}
