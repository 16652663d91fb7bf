package netconn

import (
	"errors"
	"io"
	"net"
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
)

// ReadFrom sends the data of r until io.EOF; io.Copy calls it. If r is a regular file or another
// Conn, alone or in an io.LimitedReader, Linux copies the data inside the kernel (sendfile,
// splice). For a *net.Buffers it is WriteBuffers.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if v, ok := r.(*net.Buffers); ok {
		return c.WriteBuffers(v)
	}
	n, err, done := c.move(r)
	if !done {
		var copied int64
		copied, err = io.Copy(writer{c}, r)
		n += copied
	}
	if err != nil {
		if _, ok := err.(*net.OpError); !ok {
			err = c.opError("readfrom", err)
		}
	}
	return n, err
}

// WriteTo writes the received data to w until the end of input; io.Copy calls it. If w is another
// Conn, it works as ReadFrom does.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	if to, ok := w.(*Conn); ok {
		n, err, done := to.move(c)
		if done {
			return n, err
		}
		copied, err := c.copyTo(w)
		return n + copied, err
	}
	return c.copyTo(w)
}

// copyTo holds a buffer only from the time when data has come until w has accepted it. That is not
// the loop's buffer: w is any Writer, and may wait before it reads p.
func (c *Conn) copyTo(w io.Writer) (n int64, err error) {
	d := c.d
	for {
		call := forever()
		room, got, e := d.Fetch(&call, nil)
		runtime.KeepAlive(c)
		if e != 0 {
			return n, c.fail("read", e)
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

// writer hides the Conn's ReadFrom from io.Copy.
type writer struct{ c *Conn }

func (w writer) Write(p []byte) (int, error) { return w.c.Write(p) }

// move copies inside the kernel. If done is false, the system has refused that, maybe after n
// bytes, and the caller copies the rest.
func (c *Conn) move(r io.Reader) (n int64, err error, done bool) {
	limit := int64(1<<63 - 1)
	l, limited := r.(*io.LimitedReader)
	if limited {
		limit, r = l.N, l.R
		if limit <= 0 {
			return 0, nil, true
		}
	}
	switch from := r.(type) {
	case file:
		n, err, done = c.sendFile(from, limit)
	case *Conn:
		n, err, done = c.splice(from, limit)
	}
	if limited {
		l.N -= n
	}
	return n, err, done
}
