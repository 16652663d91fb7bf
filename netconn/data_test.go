//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// dataConn is a connection with Data.
type dataConn interface {
	net.Conn
	Data() ([]byte, error)
}

// shown is a Conn whose Read calls Data.
type shown struct {
	dataConn
	left []byte
}

func (s *shown) Read(p []byte) (int, error) {
	if len(s.left) == 0 {
		q, err := s.Data()
		if err != nil {
			return 0, err
		}
		s.left = bytes.Clone(q)
	}
	n := copy(p, s.left)
	s.left = s.left[n:]
	return n, nil
}

// alone is a connection that lets one Read run at a time, because Data permits only one caller.
type alone struct {
	net.Conn
	mu sync.Mutex
}

func (a *alone) Read(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.Conn.Read(p)
}

// byData returns a MakePipe whose ends read with Data.
func byData(open nettest.MakePipe) nettest.MakePipe {
	end := func(c net.Conn) net.Conn {
		if d, ok := c.(driven); ok {
			return &alone{Conn: driven{d.r, &shown{dataConn: d.Conn.(dataConn)}}}
		}
		return &alone{Conn: &shown{dataConn: c.(dataConn)}}
	}
	return func() (c1, c2 net.Conn, stop func(), err error) {
		c1, c2, stop, err = open()
		if err != nil {
			return nil, nil, nil, err
		}
		return end(c1), end(c2), stop, nil
	}
}

// Data fulfils the contract of net.Conn when it replaces Read: in goroutines and in tasks, with and
// without TLS.
func TestConnByData(t *testing.T) {
	if !longtest.Default(t, "nettest once more") {
		return
	}
	r := start(t)
	for name, open := range map[string]nettest.MakePipe{
		"goroutines":     pipe(t, "tcp4"),
		"tasks":          taskPipe(t, r, "tcp4"),
		"goroutines/TLS": secured(pipe(t, "tcp4")),
		"tasks/TLS":      secured(taskPipe(t, r, "tcp4")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nettest.TestConn(t, byData(open))
		})
	}
}

// relays contains functions that send the results of Data in several ways. Each way may have to
// wait.
var relays = map[string]func(from, to dataConn) error{
	"Write": func(from, to dataConn) error {
		for {
			p, err := from.Data()
			if err != nil {
				return err
			}
			if _, err := to.Write(p); err != nil {
				return err
			}
		}
	},
	"WriteBuffers": func(from, to dataConn) error {
		for {
			p, err := from.Data()
			if err != nil {
				return err
			}
			v := net.Buffers{p[:len(p)/2], p[len(p)/2:]}
			if _, err := to.(interface {
				WriteBuffers(*net.Buffers) (int64, error)
			}).WriteBuffers(&v); err != nil {
				return err
			}
		}
	},
	"WriteTo": func(from, to dataConn) error {
		_, err := from.(*netconn.Conn).WriteTo(struct{ io.Writer }{to})
		if err == nil {
			err = io.EOF
		}
		return err
	},
}

// Tasks of one loop relay the bytes of several connections to slow readers. A task waits in the
// middle of its output while other tasks receive into the same buffer. All the same, each client
// gets back its own bytes. Over TLS the first Write makes the handshake.
func TestRelaysOfData(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	const conns, size = 4, 1 << 20
	for name, relay := range relays {
		for _, secure := range []bool{false, true} {
			if secure && name != "Write" {
				continue
			}
			t.Run(fmt.Sprint(name, "/", secure), func(t *testing.T) {
				at, target := relayed(t, relay, secure)
				defer target.Close()
				var all sync.WaitGroup
				for i := range conns {
					sent := noise(size + conns*1001)[i*1001:][:size] // different for each connection
					all.Go(func() { send(t, at, sent) })
					all.Go(func() {
						got := receive(t, target, secure)
						if len(got) == size && bytes.Contains(noise(size+conns*1001), got) {
							return
						}
						t.Errorf("%d bytes of %d, or they differ", len(got), size)
					})
				}
				all.Wait()
			})
		}
	}
}

func send(t *testing.T, at string, p []byte) {
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	if _, err = c.Write(p); err == nil {
		err = c.(*net.TCPConn).CloseWrite()
	}
	if err != nil {
		t.Error(err)
	}
	_, _ = io.Copy(io.Discard, c)
}

// receive returns all bytes that arrive through one relay.
func receive(t *testing.T, target net.Listener, secure bool) []byte {
	c, err := target.Accept()
	if err != nil {
		t.Error(err)
		return nil
	}
	defer c.Close()
	var r io.Reader = c
	if secure {
		r = tls.Server(c, serverConfig())
	}
	time.Sleep(20 * time.Millisecond) // so that the kernel's buffers are usually full
	p, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return p
}

// relayed starts a relay in tasks. It returns the relay's address and the listener to which the
// relay sends.
func relayed(t *testing.T, relay func(from, to dataConn) error, secure bool) (string, net.Listener) {
	r := start(t)
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := make(chan string)
	r.Post(func() {
		r.Go(func(task *reactor.Task) {
			l, err := netconn.On(r).Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			at <- l.Addr().String()
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				task.Go(func(*reactor.Task) {
					defer c.Close()
					to, err := netconn.On(r).Dial("tcp", target.Addr().String())
					if err != nil {
						t.Error(err)
						return
					}
					defer to.Close()
					out := to.(dataConn)
					if secure {
						out = netconn.Client(to, clientConfig())
					}
					err = relay(c.(dataConn), out)
					if err != io.EOF {
						t.Error(err)
					}
					out.(interface{ CloseWrite() error }).CloseWrite()
					_, _ = out.Data() // until the peer has closed the connection
				})
			}
		})
	})
	return <-at, target
}
