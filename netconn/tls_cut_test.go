//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// A cutter is a connection below TLS. After the handshake it holds the bytes that TLS writes, so
// the test decides which bytes arrive together.
type cutter struct {
	net.Conn
	shaken bool
	held   []byte
}

func (c *cutter) Write(p []byte) (int, error) {
	if !c.shaken {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

// send sends the held bytes, except for the last `keep` bytes.
func (c *cutter) send(keep int) error {
	n := len(c.held) - keep
	_, err := c.Conn.Write(c.held[:n])
	c.held = append([]byte(nil), c.held[n:]...)
	return err
}

// acknowledge answers each message of `size` bytes with one byte.
func acknowledge(c net.Conn, size, buffer int) error {
	defer c.Close()
	got, buf := 0, make([]byte, buffer)
	for {
		n, err := c.Read(buf)
		for got += n; got >= size; got -= size {
			if _, err := c.Write([]byte{1}); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// A Read that has emptied the socket makes the next Read sleep before its first try. However the
// records are cut, and whatever the size of the reader's buffer, no Read sleeps while there is
// input. To show this, the peer sends each message only after the answer to the one before.
func TestTLSRecordsInAnyCut(t *testing.T) {
	if !longtest.Default(t, "many rounds") {
		return
	}
	r := start(t)
	serve := map[string]func(func(net.Listener)){
		"goroutine": func(f func(net.Listener)) {
			l, err := netconn.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			go f(l)
		},
		"task": func(f func(net.Listener)) {
			r.Post(func() {
				r.Go(func(*reactor.Task) {
					l, err := netconn.On(r).Listen("tcp", "127.0.0.1:0")
					if err != nil {
						panic(err)
					}
					f(l)
				})
			})
		},
	}
	for name, serve := range serve {
		for _, buffer := range []int{1, 10, 64, 65, 16 << 10} {
			addr, ended := make(chan net.Addr, 1), make(chan error, 1)
			serve(func(l net.Listener) {
				addr <- l.Addr()
				c, err := l.Accept()
				l.Close()
				if err == nil {
					err = acknowledge(netconn.Server(c, serverConfig()), 64, buffer)
				}
				ended <- err
			})
			if err := errors.Join(cuts((<-addr).String()), <-ended); err != nil {
				t.Errorf("%s with a buffer of %d: %v", name, buffer, err)
			}
		}
	}
}

// cuts sends messages of 64 bytes, cut in every way of the table, and waits for the answers after
// each send.
func cuts(addr string) error {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(long))
	w := &cutter{Conn: raw}
	c := tls.Client(w, clientConfig())
	if err := c.Handshake(); err != nil {
		return err
	}
	w.shaken = true
	message := bytes.Repeat([]byte{'m'}, 64)
	for range 20 {
		for _, cut := range []struct{ records, keep, answers int }{
			{1, 0, 1},   // one record
			{2, 0, 2},   // two records at once
			{2, 40, 1},  // one and a half …
			{0, 0, 1},   // … the rest of the second
			{3, 85, 2},  // two, and one byte of the third's header …
			{1, 3, 1},   // … its rest, and most of another one
			{0, 0, 1},   // the rest of that one
			{50, 0, 50}, // more than one recv returns
		} {
			for range cut.records {
				if _, err := c.Write(message); err != nil {
					return err
				}
			}
			if err := w.send(cut.keep); err != nil {
				return err
			}
			if _, err := io.ReadFull(c, make([]byte, cut.answers)); err != nil {
				return fmt.Errorf("%+v: %w", cut, err)
			}
		}
	}
	_, err = c.Write(message)
	// The CloseWrite adds a close_notify to the held bytes. Nothing else is sent after it.
	err = errors.Join(err, c.CloseWrite(), raw.SetDeadline(time.Now().Add(long)))
	// This sends the last record and the close_notify together.
	if err := errors.Join(err, w.send(0)); err != nil {
		return err
	}
	if got, err := io.ReadAll(c); len(got) != 1 || err != nil {
		return fmt.Errorf("at the end: %d answers, %v", len(got), err)
	}
	return nil
}

// A Handler also answers each message before the next one is sent, however the records are cut.
func TestTLSRecordsInAnyCutForAHandler(t *testing.T) {
	r := start(t)
	l := make(chan net.Addr, 1)
	h := &acknowledger{ended: make(chan error, 1)}
	r.Post(func() {
		at, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return h }, patient(serverConfig()))
		if err != nil {
			panic(err)
		}
		l <- at.Addr()
	})
	if err := errors.Join(cuts((<-l).String()), <-h.ended); err != nil {
		t.Error(err)
	}
}

type acknowledger struct {
	got   int
	ended chan error
}

func (h *acknowledger) Data(c *reactor.Conn, p []byte) {
	for h.got += len(p); h.got >= 64; h.got -= 64 {
		_ = c.Send([]byte{1})
	}
}

func (h *acknowledger) Closed(_ *reactor.Conn, err error) { h.ended <- err }
