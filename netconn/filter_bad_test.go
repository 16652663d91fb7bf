//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// A peer sends something else than TLS, or only a part of a handshake. Its connection is closed and
// Closed gets the reason. If the peer is silent, that happens at the handshake timeout. Another
// connection to the same port is not affected.
func TestTLSBadPeers(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	r := start(t)
	closed := make(chan error, 1)
	serve := func(timeout time.Duration) net.Addr {
		at := make(chan net.Addr, 1)
		r.Post(func() {
			l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler {
				return &events{data: echoBack, closed: func(_ *reactor.Conn, err error) { closed <- err }}
			}, netconn.WithHandshakeTimeout(serverConfig(), timeout))
			if err != nil {
				t.Error(err)
			}
			at <- l.Addr()
		})
		return <-at
	}
	// On a busy machine any peer may be slower than the short timeout. So only the peers that must
	// time out connect to the listener with the short timeout.
	patient, impatient := serve(long), serve(100*time.Millisecond)
	good := dialTLS(t, patient)
	hello := clientHello(t)
	timesOut := func(err error) bool {
		return errors.Is(err, os.ErrDeadlineExceeded) && err == netconn.ErrHandshakeTimeout
	}
	for _, c := range []struct {
		name string
		at   net.Addr
		send func(net.Conn)
		want func(error) bool
	}{
		{"plain HTTP", patient, say([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), func(err error) bool { return errors.As(err, new(tls.RecordHeaderError)) }},
		{"garbage", patient, say(noise(100 << 10)), func(err error) bool { return errors.As(err, new(tls.RecordHeaderError)) }},
		{"zeros", patient, say(make([]byte, 1<<10)), says("tls:")},
		{"half a hello, then the end", patient, func(c net.Conn) {
			c.Write(hello[:len(hello)/2])
			c.(*net.TCPConn).CloseWrite()
		}, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) }},
		{"nothing, then the end", patient, func(c net.Conn) { c.(*net.TCPConn).CloseWrite() }, func(err error) bool { return errors.Is(err, io.EOF) }},
		{"half a hello, then nothing", impatient, say(hello[:len(hello)/2]), timesOut},
		{"nothing", impatient, say(nil), timesOut},
		{"a hello, then nothing", impatient, say(hello), timesOut},
		{"a hello of another version", patient, say(append([]byte{22, 3, 0, 0, 5, 1, 0, 0, 1, 0}, make([]byte, 10)...)), says("tls:")},
		{"a reset", patient, func(c net.Conn) { c.Write(hello); reset(c) }, func(err error) bool { return err != nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", c.at.String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(long))
			go io.Copy(io.Discard, conn)
			c.send(conn)
			if err := <-closed; !c.want(err) {
				t.Errorf("Closed: %T %v", err, err)
			}
			roundTrip(t, good, "still there?")
		})
	}
}

// After the handshake, a truncated or forged record ends its connection with an error. No other
// connection is affected. The test runs in each style of server.
func TestTLSBadRecords(t *testing.T) {
	inEachTLSStyle(t, func(t *testing.T, s tlsStyle) {
		at, outcomes := s.listen(t, serverConfig(), repeat)
		other := dialTLS(t, at)
		for name, c := range map[string]struct {
			bytes []byte
			want  func(error) bool
		}{
			"truncated": {[]byte{23, 3, 3, 1, 0, 1, 2, 3}, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
			"forged":    {append([]byte{23, 3, 3, 0, 40}, noise(40)...), says("bad record MAC")},
			"too long":  {[]byte{23, 3, 3, 255, 255}, says("oversized record")},
			"plain":     {[]byte("GET / HTTP/1.1\r\n\r\n"), says("tls:")},
		} {
			t.Run(name, func(t *testing.T) {
				raw, err := net.Dial("tcp", at.String())
				if err != nil {
					t.Fatal(err)
				}
				defer raw.Close()
				conn := tls.Client(raw, clientConfig())
				conn.SetDeadline(time.Now().Add(long))
				roundTrip(t, conn, "good so far")
				raw.Write(c.bytes)
				raw.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, raw)
				if o := <-outcomes; !c.want(o.err) {
					t.Errorf("the end: %T %v", o.err, o.err)
				}
				roundTrip(t, other, "still there?")
			})
		}
	})
}

// A client may close as soon as it has its answer, as tls.Conn.Close does. The server's
// close_notify then cannot be delivered. The server does not report this as an error.
func TestTLSClientThatCloses(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	at, outcomes := listenWithTLS(t, serverConfig(), repeat)
	for range 100 {
		c := dialTLS(t, at)
		roundTrip(t, c, "hello")
		c.Close()
		if o := <-outcomes; o.err != io.EOF {
			t.Fatal(o.err)
		}
	}
}

// Closed gets the TLS error even if a reset follows directly after the record that caused the
// error.
func TestTLSErrorBeforeAReset(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	at, outcomes := listenWithTLS(t, serverConfig(), repeat)
	for range 100 {
		c, err := net.Dial("tcp", at.String())
		if err != nil {
			t.Fatal(err)
		}
		if err := tls.Client(c, &tls.Config{ServerName: "another"}).Handshake(); err == nil {
			t.Fatal("it trusts anybody")
		}
		reset(c)
		// The server may have received only the reset.
		if o := <-outcomes; !says("bad certificate")(o.err) && !errors.Is(o.err, syscall.ECONNRESET) {
			t.Fatal(o.err)
		}
	}
}

func say(p []byte) func(net.Conn) { return func(c net.Conn) { c.Write(p) } }

func says(text string) func(error) bool {
	return func(err error) bool { return err != nil && strings.Contains(err.Error(), text) }
}

// clientHello returns the first bytes that a TLS client sends.
func clientHello(t *testing.T) []byte {
	a, b := net.Pipe()
	go tls.Client(a, clientConfig()).Handshake()
	p := make([]byte, 4096)
	n, err := b.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	b.Close()
	return p[:n]
}
