package netconn

import (
	"errors"
	"io"
	"net"
	"runtime"

	"github.com/ureactor/ureactor/internal/desc"
)

// ReadFrom sends what r has until its end, for io.Copy. On Linux what comes from a regular file or
// another Conn, alone or in an io.LimitedReader, does not pass through the program (sendfile,
// splice). A *net.Buffers is WriteBuffers.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if v, ok := r.(*net.Buffers); ok {
		return c.WriteBuffers(v)
	}
	n, err, done := c.move(r)
	if !done {
		var rest int64
		rest, err = io.Copy(writer{c}, r)
		n += rest
	}
	if err != nil {
		if _, ok := err.(*net.OpError); !ok {
			err = c.opError("readfrom", err)
		}
	}
	return n, err
}

// WriteTo sends what comes, until the peer's end, to w, for io.Copy; to another Conn as ReadFrom
// does.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	if to, ok := w.(*Conn); ok {
		n, err, done := to.move(c)
		if done {
			return n, err
		}
		rest, err := c.copyTo(w)
		return n + rest, err
	}
	return c.copyTo(w)
}

// copyTo has a buffer from when something has come until w has taken it. It is not the loop's, for
// w may be anybody's and wait before it looks at what it is given.
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
		took, err := w.Write(room[:got])
		desc.Scratch.Put(room)
		if took < 0 || took > got {
			return n, errWrite
		}
		n += int64(took)
		if err == nil && took < got {
			err = io.ErrShortWrite
		}
		if err != nil {
			return n, err
		}
	}
}

// errWrite is package io's, which does not export it.
var errWrite = errors.New("invalid write result")

// writer hides that a Conn could copy by itself.
type writer struct{ c *Conn }

func (w writer) Write(p []byte) (int, error) { return w.c.Write(p) }

// move copies without showing the bytes to the program. done is false where that cannot be, or not
// any more: what comes after the first n bytes has to be copied.
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
