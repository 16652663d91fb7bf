//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// events is a handler made of functions; what is nil does nothing.
type events struct {
	opened func(c *reactor.Conn)
	data   func(c *reactor.Conn, p []byte)
	eof    func(c *reactor.Conn)
	drain  func(c *reactor.Conn)
	closed func(c *reactor.Conn, err error)
}

func (h *events) Opened(c *reactor.Conn) {
	if h.opened != nil {
		h.opened(c)
	}
}

func (h *events) Data(c *reactor.Conn, p []byte) {
	if h.data != nil {
		h.data(c, p)
	}
}

func (h *events) EOF(c *reactor.Conn) {
	if h.eof != nil {
		h.eof(c)
		return
	}
	c.Close()
}

func (h *events) Drained(c *reactor.Conn) {
	if h.drain != nil {
		h.drain(c)
	}
}

func (h *events) Closed(c *reactor.Conn, err error) {
	if h.closed != nil {
		h.closed(c, err)
	}
}

func echoBack(c *reactor.Conn, p []byte) {
	if c.Send(p) != nil {
		c.Abort()
	}
}

// serveTLS has a reactor listen with TLS; each connection has the handler that h makes.
func serveTLS(t testing.TB, r *reactor.Reactor, h func() reactor.Handler, opts ...reactor.ListenOption) net.Addr {
	t.Helper()
	at := make(chan net.Addr, 1)
	r.Post(func() {
		opts = append([]reactor.ListenOption{netconn.WithTLS(serverConfig())}, opts...)
		l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return h() }, opts...)
		if err != nil {
			t.Error(err)
			close(at)
			return
		}
		at <- l.Addr()
	})
	return <-at
}

// dialTLS is package net's and crypto/tls's own client.
func dialTLS(t testing.TB, at net.Addr) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", at.String(), clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(long))
	return c
}

// A handler sees plaintext: 8 MiB go to an echo, then the half-close, which is a close_notify, and
// 8 MiB come back and close_notify with them.
func TestTLSHalfClose(t *testing.T) {
	r := start(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			var state tls.ConnectionState
			var known bool
			closed := make(chan error, 1)
			at := serveTLS(t, r, func() reactor.Handler {
				return &events{data: echoBack,
					opened: func(c *reactor.Conn) { state, known = netconn.TLSState(c) },
					closed: func(_ *reactor.Conn, err error) { closed <- err }}
			})
			cfg := clientConfig()
			cfg.MaxVersion = version
			c, err := tls.Dial("tcp", at.String(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(long))
			sent := noise(longtest.Count(2, 8, 8) << 20)
			go func() {
				c.Write(sent)
				c.CloseWrite()
			}()
			back, err := io.ReadAll(c) // nil: it has seen close_notify or the FIN at a record's end
			if err != nil || !bytes.Equal(back, sent) {
				t.Errorf("%d bytes back, %v", len(back), err)
			}
			c.Close()
			if err := <-closed; err != nil {
				t.Errorf("Closed: %v", err)
			}
			if !known || state.Version != version {
				t.Errorf("TLSState: %v %v", state.Version, known)
			}
		})
	}
}

// Our own client against our own server: what is sent before the connection is there, CloseWrite in
// the same breath, and everything comes back.
func TestTLSDial(t *testing.T) {
	r := start(t)
	at := serveTLS(t, r, func() reactor.Handler { return &events{data: echoBack} })
	var got []byte
	closed := make(chan error, 1)
	sent := noise(1 << 20)
	r.Post(func() {
		c, err := r.Dial("tcp", at.String(), &events{
			data:   func(_ *reactor.Conn, p []byte) { got = append(got, p...) },
			closed: func(_ *reactor.Conn, err error) { closed <- err },
		}, netconn.WithTLS(clientConfig()))
		if err != nil {
			closed <- err
			return
		}
		if err := c.Send(sent); err != nil || c.Buffered() != len(sent) {
			t.Errorf("early: %v, %d buffered", err, c.Buffered())
		}
		c.CloseWrite()
	})
	if err := <-closed; err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%v, %d bytes back", err, len(got))
	}
	r.Post(func() { // a server that is not the one it should be
		_, err := r.Dial("tcp", at.String(), &events{closed: func(_ *reactor.Conn, err error) { closed <- err }},
			netconn.WithTLS(&tls.Config{ServerName: "example.org", RootCAs: clientConfig().RootCAs}))
		if err != nil {
			closed <- err
		}
	})
	if err := <-closed; !errors.As(err, new(*tls.CertificateVerificationError)) {
		t.Errorf("wrong name: %v", err)
	}
}

// A peer that does not read is not read: what waits for it stays below the cap, and when it reads,
// all is there.
func TestTLSBackPressure(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	r := start(t)
	var most atomic.Int64
	at := serveTLS(t, r, func() reactor.Handler {
		return &events{data: func(c *reactor.Conn, p []byte) {
			echoBack(c, p)
			most.Store(max(most.Load(), int64(c.Buffered())))
		}}
	}, reactor.WithLimits(16<<10, 64<<10, 512<<10))
	c := dialTLS(t, at)
	sent := noise(16 << 20)
	wrote := make(chan int, 1)
	go func() {
		n, _ := c.Write(sent)
		c.CloseWrite()
		wrote <- n
	}()
	for until := time.Now().Add(long); most.Load() <= 64<<10; time.Sleep(time.Millisecond) {
		if len(wrote) > 0 || time.Now().After(until) {
			t.Fatal("nothing waits for a peer that does not read")
		}
	}
	back, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(back, sent) {
		t.Errorf("%d bytes back, %v", len(back), err)
	}
	if n := most.Load(); n > 192<<10 {
		t.Errorf("%d bytes were buffered at most; above 64 KiB nothing more is to be read", n)
	}
}

// Pause in the middle of the data of one read: no Data until Resume, and then nothing is missing.
func TestTLSPause(t *testing.T) {
	r := start(t)
	var got []byte
	var paused bool
	done := make(chan struct{})
	want := noise(300 << 10)
	at := serveTLS(t, r, func() reactor.Handler {
		return &events{data: func(c *reactor.Conn, p []byte) {
			if paused {
				t.Error("Data while paused")
			}
			got = append(got, p...)
			paused = true
			c.Pause()
			r.After(100*time.Microsecond, func() { paused = false; c.Resume() })
		}, eof: func(c *reactor.Conn) {
			if paused {
				t.Error("EOF while paused")
			}
			c.Close()
			close(done)
		}}
	})
	c := dialTLS(t, at)
	c.Write(want)
	c.CloseWrite()
	<-done
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d", len(got), len(want))
	}
}

// A producer that stops above the high-water mark hears Drained, also with what it sent before the
// handshake.
func TestTLSDrained(t *testing.T) {
	r := start(t)
	const total = 4 << 20
	piece := noise(32 << 10)
	more := func(c *reactor.Conn) {
		for c.Buffered() <= 256<<10 {
			sent, _ := c.Value().(int)
			if sent == total {
				c.Close()
				return
			}
			if err := c.Send(piece); err != nil {
				t.Error(err)
				return
			}
			c.SetValue(sent + len(piece))
		}
	}
	at := make(chan net.Addr, 1)
	r.Post(func() {
		l, err := r.Listen("tcp", "127.0.0.1:0", func(c *reactor.Conn) reactor.Handler {
			more(c)
			return &events{drain: more}
		}, netconn.WithTLS(serverConfig()))
		if err != nil {
			t.Error(err)
		}
		at <- l.Addr()
	})
	if n, err := io.Copy(io.Discard, dialTLS(t, <-at)); n != total || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// The drain delivers what was sent, also on many connections, says close_notify, and ends who is
// still in the handshake.
func TestTLSShutdown(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	const n, size = 20, 1 << 20
	var opened sync.WaitGroup
	opened.Add(n)
	shaken := make(chan error, 1)
	at := serveTLS(t, r, func() reactor.Handler {
		return &events{opened: func(c *reactor.Conn) { c.Send(noise(size)); opened.Done() },
			closed: func(c *reactor.Conn, err error) {
				if err != nil {
					shaken <- err
				}
			}}
	})
	var conns []*tls.Conn
	for range n {
		conns = append(conns, dialTLS(t, at))
	}
	opened.Wait()
	idle, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	idle.Write([]byte{22, 3, 1}) // and no more of its hello
	var all sync.WaitGroup
	for _, c := range conns {
		all.Go(func() {
			if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, noise(size)) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			c.Close()
		})
	}
	for r.Stats().Conns != n+1 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	all.Wait()
	<-ended
	if err := <-shaken; !errors.Is(err, net.ErrClosed) {
		t.Errorf("in the handshake: %v", err)
	}
}

// A peer sends no TLS, a part of a handshake, or stops. Its connection is closed in time, Closed
// gets the reason, and nothing is left behind. Another connection on the same port is not affected.
func TestTLSBadPeers(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
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
	// On a busy machine each peer may be slower than the short timeout, so only those that wait for
	// it meet it.
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

// After the handshake: a record cut off or forged ends the connection with an error, and only that
// one, in each style.
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

// A client that closes as soon as it has its answer, as tls.Conn.Close does, has ended in order:
// that the server's own close_notify finds nobody is no error.
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

// Closed gets the error of TLS, even if a reset comes directly after the record that caused it.
func TestTLSErrorBeforeAReset(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
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
		// the reset may be all that has come
		if o := <-outcomes; !says("bad certificate")(o.err) && !errors.Is(o.err, syscall.ECONNRESET) {
			t.Fatal(o.err)
		}
	}
}

func say(p []byte) func(net.Conn) { return func(c net.Conn) { c.Write(p) } }

func says(text string) func(error) bool {
	return func(err error) bool { return err != nil && strings.Contains(err.Error(), text) }
}

func roundTrip(t *testing.T, c net.Conn, text string) {
	t.Helper()
	p := make([]byte, len(text))
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, p); err != nil || string(p) != text {
		t.Fatalf("%q, %v", p, err)
	}
}

// clientHello is what a client says first.
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

// Listen and Dial return the error of an invalid option.
func TestTLSOptions(t *testing.T) {
	r := start(t)
	inTask(r, func(*reactor.Task) {
		accept := func(*reactor.Conn) reactor.Handler { return nil }
		for want, opt := range map[string]reactor.SocketOption{
			"WithTLS(nil)":      netconn.WithTLS(nil),
			"must be 1ms … 1h":  netconn.WithHandshakeTimeout(serverConfig(), 0),
			"Certificates":      netconn.WithTLS(&tls.Config{}),
			"listen packet":     netconn.WithTLS(serverConfig()),
			"ServerName":        netconn.WithTLS(&tls.Config{}),
			"RenegotiateNever":  netconn.WithTLS(&tls.Config{ServerName: "x", Renegotiation: tls.RenegotiateFreelyAsClient}),
			"WithTLS(nil)\x00d": netconn.WithTLS(nil),
		} {
			var err error
			switch {
			case want == "listen packet":
				_, err = r.ListenPacket("udp", "127.0.0.1:0", nopPackets{}, opt)
			case want == "ServerName", want == "RenegotiateNever", strings.HasSuffix(want, "d"):
				want = strings.TrimSuffix(want, "\x00d")
				_, err = r.Dial("tcp", "127.0.0.1:1", &events{}, opt)
			default:
				_, err = r.Listen("tcp", "127.0.0.1:0", accept, opt)
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	})
}

type nopPackets struct{}

func (nopPackets) Packet(*reactor.PacketConn, []byte, reactor.Addr) {}
func (nopPackets) Closed(*reactor.PacketConn, error)                {}
