//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// together sends a line in one segment with the first bytes of TLS.
type together struct {
	net.Conn
	line []byte
}

func (c *together) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(append(c.line, p...))
	n = max(0, n-len(c.line))
	c.line = nil
	return n, err
}

// buffered is the usual wrapper of a net.Conn: its Read first returns the bytes that a bufio.Reader
// holds.
type buffered struct {
	net.Conn
	r io.Reader
}

func (c buffered) Read(p []byte) (int, error) { return c.r.Read(p) }

// Bytes of TLS may arrive together with the line that requests TLS. A program can pass them to
// ServerAfter and ClientAfter, or to Server by a wrapper of the connection. Then data and a
// half-close work in both directions.
func TestTLSAfterBytesThatWereRead(t *testing.T) {
	after := func(c *netconn.Conn, br *bufio.Reader) *netconn.TLSConn {
		read, _ := br.Peek(br.Buffered())
		return netconn.ServerAfter(c, read, serverConfig())
	}
	wrapped := func(c *netconn.Conn, br *bufio.Reader) *netconn.TLSConn {
		return netconn.Server(buffered{c, br}, serverConfig())
	}
	serve := func(nc net.Conn, secure func(c *netconn.Conn, br *bufio.Reader) *netconn.TLSConn) error {
		defer nc.Close()
		br := bufio.NewReader(nc)
		if line, err := br.ReadString('\n'); err != nil || line != "STARTTLS\r\n" || br.Buffered() == 0 {
			return errors.Join(errors.New("line "+line), err)
		}
		c := secure(nc.(*netconn.Conn), br)
		defer c.Close()
		b, err := io.ReadAll(c)
		if err == nil {
			_, err = c.Write(b)
		}
		return errors.Join(err, c.CloseWrite())
	}
	dial := func(addr string) error {
		raw, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		defer raw.Close()
		raw.SetDeadline(time.Now().Add(long))
		c := tls.Client(&together{raw, []byte("STARTTLS\r\n")}, clientConfig())
		if _, err := c.Write([]byte("hello")); err != nil {
			return err
		}
		if err := c.CloseWrite(); err != nil {
			return err
		}
		if b, err := io.ReadAll(c); string(b) != "hello" || err != nil {
			return errors.Join(errors.New("back: "+string(b)), err)
		}
		return nil
	}
	for name, secure := range map[string]func(*netconn.Conn, *bufio.Reader) *netconn.TLSConn{"after": after, "wrapped": wrapped} {
		l := listen(t, "tcp")
		served := make(chan error, 1)
		go func() {
			c, err := l.Accept()
			if err == nil {
				err = serve(c, secure)
			}
			served <- err
		}()
		if err := errors.Join(dial(l.Addr().String()), <-served); err != nil {
			t.Errorf("%s, goroutine: %v", name, err)
		}
		r := start(t)
		at := make(chan string, 1)
		go inTask(r, func(*reactor.Task) {
			l, err := netconn.On(r).Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			defer l.Close()
			at <- l.Addr().String()
			c, err := l.Accept()
			if err == nil {
				err = serve(c, secure)
			}
			served <- err
		})
		if err := errors.Join(dial(<-at), <-served); err != nil {
			t.Errorf("%s, task: %v", name, err)
		}
	}
}

// If a connection of another type has bytes that were already read, Read returns these bytes first,
// however many they are. Data works too, and reports the end as Read does.
func TestTLSOnAnotherConnAfterBytesThatWereRead(t *testing.T) {
	for _, read := range []int{1, 2, 100} {
		near, far := net.Pipe()
		sent := make(chan error, 1)
		go func() {
			c := tls.Client(far, clientConfig())
			_, err := c.Write([]byte("hello"))
			sent <- errors.Join(err, c.Close())
		}()
		p := make([]byte, read)
		if _, err := io.ReadFull(near, p); err != nil {
			t.Fatal(err)
		}
		c := netconn.ServerAfter(near, p, serverConfig())
		if got, err := c.Data(); string(got) != "hello" || err != nil {
			t.Errorf("%d bytes: %q, %v", read, got, err)
		}
		if got, err := c.Data(); len(got) > 0 || err != io.EOF {
			t.Errorf("%d bytes: at the end %q, %v", read, got, err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		c.Close()
	}
}

// TLS on a Unix stream of this package can still be used after a deadline has ended a call.
func TestTLSOnUnixStreamsContinuesAfterADeadline(t *testing.T) {
	l := listen(t, "unix")
	ended := make(chan error, 1)
	go func() {
		nc, err := l.Accept()
		if err == nil {
			err = netconn.Server(nc, serverConfig()).Handshake()
			nc.Close()
		}
		ended <- err
	}()
	nc, err := netconn.Dial("unix", l.Addr().String())
	must(t, err)
	defer nc.Close()
	c := netconn.Client(nc, clientConfig())
	must(t, c.SetDeadline(time.Unix(1, 0)))
	if err := c.Handshake(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	must(t, c.SetDeadline(time.Time{}))
	if err := errors.Join(c.Handshake(), <-ended); err != nil {
		t.Error(err)
	}
}

// wrapping is a foreign listener around a listener of netconn. It wraps the accepted connections
// too.
type wrapping struct{ net.Listener }

func (l wrapping) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return buffered{c, c}, err
}

// NewTLSListener serves TLS on the connections of any net.Listener.
func TestTLSListenerOverAnother(t *testing.T) {
	l := netconn.NewTLSListener(wrapping{listen(t, "tcp")}, serverConfig())
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, err = io.Copy(c, c)
			err = errors.Join(err, c.Close())
		}
		served <- err
	}()
	c := dialTLS(t, l.Addr())
	roundTrip(t, c, "hello")
	c.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// Anybody on the path can end a TLS stream without close_notify. A Handler then gets an error in
// Closed, and EOF is not called. Data from before the end still arrives, and a relay can abort its
// other side. A blocking Read returns io.EOF if the stream ends between two records, as in
// crypto/tls.
func TestTLSEndWithoutCloseNotify(t *testing.T) {
	inEachTLSStyle(t, func(t *testing.T, s tlsStyle) {
		at, outcomes := s.listen(t, serverConfig(), repeat)
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, polite := range []bool{true, false} {
				raw, err := net.Dial("tcp", at.String())
				if err != nil {
					t.Fatal(err)
				}
				raw.SetDeadline(time.Now().Add(long))
				cfg := clientConfig()
				cfg.MaxVersion = version
				c := tls.Client(raw, cfg)
				roundTrip(t, c, "hello")
				want := io.EOF
				if polite {
					c.CloseWrite()
				} else {
					raw.(*net.TCPConn).CloseWrite()
					if s.name == "WithTLS" {
						want = io.ErrUnexpectedEOF
					}
				}
				if o := <-outcomes; o.err != want {
					t.Errorf("%s, close_notify %v: %v, want %v", tls.VersionName(version), polite, o.err, want)
				}
				raw.Close()
			}
		}
	})
}
