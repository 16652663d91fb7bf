//go:build cgo

package main

import (
	"io"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// contexts are the SSLContexts that Python has, by handle.
var contexts = map[int64]*socket.SSLContext{}

// sslDo runs a call on a TLS object: in a Task if there is a loop, and directly otherwise.
func sslDo(f func()) {
	if theLoop == nil {
		f()
		return
	}
	inTask(func(*reactor.Task) { f() })
}

// sslError is like pythonError, but for a ValueError it keeps the text.
func sslError(err error) error {
	e := pythonError(err)
	if e == ErrValue {
		_, text, _ := strings.Cut(strings.TrimPrefix(err.Error(), "socket: "), ": ")
		text, _, _ = strings.Cut(text, ": ") // MicroPython omits what follows
		return BadValue(text)
	}
	return e
}

// tlsConn has the methods that an SSLSocket and an SSLStream have in common.
type tlsConn interface {
	ReadSize(int) ([]byte, error)
	ReadAll() ([]byte, error)
	ReadInto([]byte) (int, error)
	ReadLineMax(int) ([]byte, error)
	Write([]byte) (int, error)
	Close() error
	SetBlocking(bool) error
	Cipher() (suite, version string)
	GetPeerCert() []byte
}

// sslWrap wraps a socket. If s is nil, it wraps the Python object with this key.
func sslWrap(c *socket.SSLContext, s Sock, key int64, o socket.SSLWrap) (Sock, error) {
	var conn Sock
	var err error
	sslDo(func() {
		switch v := s.(type) {
		case nil:
			var x *socket.SSLStream
			if x, err = c.WrapStream(streamOf(key), o); err == nil {
				conn = &sslStream{x, noSock{}}
			}
			return
		case interface{ Socket() *socket.Socket }:
			var x *socket.SSLSocket
			if x, err = c.WrapSocket(v.Socket(), o); err == nil {
				conn = &sslSocket{x, noSock{}}
			}
		case *sslSocket:
			err = wrapOver(c, &conn, v.SSLSocket, o)
		case *sslStream:
			err = wrapOver(c, &conn, v.SSLStream, o)
		}
	})
	return conn, sslError(err)
}

func wrapOver(c *socket.SSLContext, conn *Sock, under io.ReadWriter, o socket.SSLWrap) error {
	x, err := c.WrapStream(under, o)
	if err == nil {
		*conn = &sslStream{x, noSock{}}
	}
	return err
}

// sslSocket and sslStream are Socks. The methods of a Sock that TLS does not have return
// ErrNotImplemented.
type sslSocket struct {
	*socket.SSLSocket
	noSock
}

type sslStream struct {
	*socket.SSLStream
	noSock
}

func (s *sslSocket) Fileno() (n int) { sslDo(func() { n = s.SSLSocket.Fileno() }); return }
func (s *sslStream) Fileno() int     { return -1 }

func (s *sslSocket) SetTimeout(t float64, none bool) (err error) {
	sslDo(func() {
		v := timeout.None
		if !none {
			v, err = timeout.Seconds(t)
		}
		if err == nil {
			err = s.SSLSocket.SetTimeout(v)
		}
	})
	return pythonError(err)
}

func (s *sslSocket) Close() error                           { return sslClose(s.SSLSocket) }
func (s *sslStream) Close() error                           { return sslClose(s.SSLStream) }
func (s *sslSocket) SetBlocking(on bool) error              { return sslSetBlocking(s.SSLSocket, on) }
func (s *sslStream) SetBlocking(on bool) error              { return sslSetBlocking(s.SSLStream, on) }
func (s *sslSocket) Read(n int, given bool) ([]byte, error) { return sslRead(s.SSLSocket, n, given) }
func (s *sslStream) Read(n int, given bool) ([]byte, error) { return sslRead(s.SSLStream, n, given) }
func (s *sslSocket) ReadInto(p []byte) (int, error)         { return sslReadInto(s.SSLSocket, p) }
func (s *sslStream) ReadInto(p []byte) (int, error)         { return sslReadInto(s.SSLStream, p) }
func (s *sslSocket) ReadLine(max int) ([]byte, error)       { return sslReadLine(s.SSLSocket, max) }
func (s *sslStream) ReadLine(max int) ([]byte, error)       { return sslReadLine(s.SSLStream, max) }
func (s *sslSocket) Write(p []byte) (int, error)            { return sslWrite(s.SSLSocket, p) }
func (s *sslStream) Write(p []byte) (int, error)            { return sslWrite(s.SSLStream, p) }
func (s *sslSocket) conn() tlsConn                          { return s.SSLSocket }
func (s *sslStream) conn() tlsConn                          { return s.SSLStream }

func sslClose(c tlsConn) (err error) {
	sslDo(func() { err = c.Close() })
	return pythonError(err)
}

func sslSetBlocking(c tlsConn, on bool) (err error) {
	sslDo(func() { err = c.SetBlocking(on) })
	return pythonError(err)
}

func sslRead(c tlsConn, n int, given bool) (p []byte, err error) {
	sslDo(func() {
		if given {
			p, err = c.ReadSize(n)
		} else {
			p, err = c.ReadAll()
		}
	})
	return p, streamError(len(p), err)
}

func sslReadInto(c tlsConn, p []byte) (n int, err error) {
	sslDo(func() { n, err = c.ReadInto(p) })
	return n, streamError(n, err)
}

func sslReadLine(c tlsConn, max int) (p []byte, err error) {
	sslDo(func() { p, err = c.ReadLineMax(max) })
	return p, streamError(len(p), err)
}

func sslWrite(c tlsConn, p []byte) (n int, err error) {
	sslDo(func() { n, err = c.Write(p) })
	return n, streamError(n, err)
}

// noSock has the methods of a Sock that TLS does not have.
type noSock struct{}

func (noSock) Bind(Addr) error                          { return ErrNotImplemented }
func (noSock) Listen(int, bool) error                   { return ErrNotImplemented }
func (noSock) Accept() (Sock, *Addr, error)             { return nil, nil, ErrNotImplemented }
func (noSock) Connect(Addr) error                       { return ErrNotImplemented }
func (noSock) Send([]byte) (int, error)                 { return 0, ErrNotImplemented }
func (noSock) SendAll([]byte) error                     { return ErrNotImplemented }
func (noSock) SendTo([]byte, Addr) (int, error)         { return 0, ErrNotImplemented }
func (noSock) Recv(int, int) ([]byte, error)            { return nil, ErrNotImplemented }
func (noSock) RecvFrom(int, int) ([]byte, *Addr, error) { return nil, nil, ErrNotImplemented }
func (noSock) SetOptInt(_, _, _ int) error              { return ErrNotImplemented }
func (noSock) SetOptBytes(_, _ int, _ []byte) error     { return ErrNotImplemented }
func (noSock) SetCallback(_, _ int, _ func()) error     { return ErrNotImplemented }
func (noSock) MakeFile(string, int) error               { return ErrNotImplemented }
func (noSock) SetTimeout(float64, bool) error           { return ErrNotImplemented }

// A stream is a Python object that has the methods of a stream. Its method Poll is that of Object.
type stream struct{ Object }

// streams has at most one stream for each Python object, because Polls compare the streams.
var streams sync.Map

func streamOf(key int64) *stream {
	s, _ := streams.LoadOrStore(key, &stream{Object{Key: key}})
	return s.(*stream)
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.call(0, p)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

func (s *stream) Write(p []byte) (int, error) { return s.call(1, p) }

func (s *stream) Close() error {
	_, err := s.call(2, nil)
	streams.Delete(s.Key)
	return err
}

func (s *stream) SetBlocking(on bool) error {
	p := []byte{0}
	if on {
		p[0] = 1
	}
	_, err := s.call(3, p)
	return err
}

// call calls one of these methods of the Python object: read, write, close or setblocking.
func (s *stream) call(op int, p []byte) (int, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	if len(p) > 0 {
		pin.Pin(&p[0])
	}
	n := callStream(s.Key, int64(op), p)
	switch {
	case n == -30020:
		return 0, ErrCallback
	case n < 0:
		return 0, syscall.Errno(-n)
	}
	return int(n), nil
}
