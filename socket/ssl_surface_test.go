//go:build unix

package socket_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/inside"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/socket"
	"github.com/ureactor/ureactor/timeout"
)

// The calls of an SSLSocket have the same arguments and results as those of a Socket.
func TestSSLSocketsCalls(t *testing.T) {
	me := issue(t, nil, &x509.Certificate{DNSNames: []string{"localhost"}})
	both(t, func(l *lab) {
		client := sslContext(t, socket.PROTOCOL_TLS_CLIENT)
		l.must(client.SetVerifyMode(socket.CERT_NONE))
		s, c, serverErr, clientErr := shake(l, serverContext(t, me), client, "localhost")
		l.must(serverErr)
		l.must(clientErr)
		if !bytes.Equal(c.GetPeerCert(), me.cert.Raw) || s.GetPeerCert() != nil {
			l.t.Errorf("certificates of %d and %d bytes", len(c.GetPeerCert()), len(s.GetPeerCert()))
		}
		p, err := c.ReadSize(0) // the Socket is blocking, and nothing will come
		l.data(p, err, "")
		l.must(c.SetTimeout(0))
		room := make([]byte, 5)
		n, err := c.ReadInto(room)
		if l.errno(err, syscall.EAGAIN); n != 0 {
			l.t.Errorf("%d bytes of nothing", n)
		}
		_, err = s.Write([]byte("hello"))
		l.must(err)
		l.must(c.SetTimeout(timeout.None))
		n, err = c.ReadInto(room)
		l.data(room[:n], err, "hello")
		l.must(c.Close())
		l.must(s.Close())
	})
}

// When an error has ended an SSLSocket, the error is stored before the Polls that wait are
// notified. Otherwise a Poll would ask too early, and would not ask again.
func TestASubscriberSeesTheFinalError(t *testing.T) {
	me := issue(t, nil, &x509.Certificate{DNSNames: []string{"localhost"}})
	client := sslContext(t, socket.PROTOCOL_TLS_CLIENT)
	if err := client.SetVerifyMode(socket.CERT_NONE); err != nil {
		t.Fatal(err)
	}
	parked(t, func(l *lab) {
		a, b := l.pair()
		join := l.beside(func(l *lab) {
			_, err := serverContext(t, me).WrapSocket(b, socket.SSLWrap{ServerSide: true})
			l.must(err)
		})
		c, err := client.WrapSocket(a, socket.SSLWrap{ServerHostname: "localhost"})
		l.must(err)
		join()
		r := inside.Secure(c)
		var mu sync.Mutex
		var last kernel.Errno
		stop := r.Subscribe(func() {
			mu.Lock()
			defer mu.Unlock()
			_, last = r.PollReady(poller.In)
		})
		defer stop()
		l.reset(b, a)
		_, err = c.ReadSize(1)
		l.errno(err, syscall.ECONNRESET)
		mu.Lock()
		defer mu.Unlock()
		if last != kernel.EBADF {
			l.t.Errorf("the last notification finds %v, want EBADF", last)
		}
	})
}

// The cipher suites of TLS 1.3 come last.
func TestGetCiphersHasTLS13Last(t *testing.T) {
	seen := false
	names := sslContext(t, socket.PROTOCOL_TLS_CLIENT).GetCiphers()
	for _, name := range names {
		newer := strings.HasPrefix(name, "TLS1-3-")
		if seen && !newer {
			t.Errorf("%s comes after one of TLS 1.3", name)
		}
		seen = seen || newer
	}
	if !seen || len(names) < 5 {
		t.Errorf("the suites are %v", names)
	}
}

// A wire is a stream. All its input is there from the beginning, and it keeps its output. Its Read
// and Write share no memory, so an SSLStream may call them at the same time.
type wire struct {
	in, out []byte
}

func (w *wire) Read(p []byte) (int, error) {
	if len(w.in) == 0 {
		return 0, syscall.EAGAIN
	}
	n := copy(p, w.in)
	w.in = w.in[n:]
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

// half returns a client that has not yet read the server's answer. So its next call completes the
// handshake. The function more sends data from the server to the client.
func half(t *testing.T, server *socket.SSLContext) (client *socket.SSLStream, w *wire, more func(text string)) {
	t.Helper()
	wrap := func(c *socket.SSLContext, w *wire) *socket.SSLStream {
		s, err := c.WrapStream(w, socket.SSLWrap{DeferHandshake: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() }) // which ends a handshake
		return s
	}
	none := sslContext(t, socket.PROTOCOL_TLS_CLIENT)
	if err := none.SetVerifyMode(socket.CERT_NONE); err != nil {
		t.Fatal(err)
	}
	w, far := &wire{}, &wire{}
	client = wrap(none, w)
	s := wrap(server, far)
	for _, end := range []*socket.SSLStream{client, s} {
		n, err := end.Read(make([]byte, 9))
		if n != 0 || !errors.Is(err, syscall.EAGAIN) {
			t.Fatalf("a Read in the handshake: %d, %v", n, err)
		}
		w.in, w.out, far.in, far.out = far.out, nil, w.out, nil
	}
	return client, w, func(text string) {
		far.in, w.out = w.out, nil
		if n, err := s.ReadSize(9); len(n) > 0 || !errors.Is(err, syscall.EAGAIN) {
			t.Fatal(n, err)
		}
		if _, err := s.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		w.in, far.out = append(w.in, far.out...), nil
	}
}

// Package sel may ask an SSLStream for its readiness at any time. That receives nothing, and
// changes nothing for the next Read. A Read that must wait returns no bytes.
func TestAnSSLStreamIsAskedWithoutEffect(t *testing.T) {
	me := issue(t, nil, &x509.Certificate{DNSNames: []string{"localhost"}})
	client, w, more := half(t, serverContext(t, me))
	under := inside.Under(client)
	for i := range 3 {
		p := make([]byte, 9)
		if n, err := client.ReadInto(p); n != 0 || !errors.Is(err, syscall.EAGAIN) {
			t.Fatalf("%d bytes, %v", n, err)
		}
		more(fmt.Sprint("data ", i))
		left := len(w.in)
		if _, has, e := under.Ask(poller.In); has != 0 || e != 0 || len(w.in) != left {
			t.Errorf("asked: %v, %v, and %d of %d bytes are left", has, e, len(w.in), left)
		}
		if n, err := client.Read(p); string(p[:n]) != fmt.Sprint("data ", i) || err != nil {
			t.Errorf("%q, %v", p[:n], err)
		}
	}
}

// One goroutine may read an SSLStream, and another one may write. Any goroutine may ask for its
// readiness, or close it. The race detector checks each pair of calls, in the handshake and after
// it.
func TestAnyTwoCallsOfAnSSLStreamAtOnce(t *testing.T) {
	me := issue(t, nil, &x509.Certificate{DNSNames: []string{"localhost"}})
	server := serverContext(t, me)
	calls := map[string]func(s *socket.SSLStream){
		"Read":        func(s *socket.SSLStream) { _, _ = s.Read(make([]byte, 9)) },
		"Write":       func(s *socket.SSLStream) { _, _ = s.Write([]byte("x")) },
		"Close":       func(s *socket.SSLStream) { _ = s.Close() },
		"Cipher":      func(s *socket.SSLStream) { _, _ = s.Cipher() },
		"GetPeerCert": func(s *socket.SSLStream) { _ = s.GetPeerCert() },
		"Ask":         func(s *socket.SSLStream) { _, _, _ = inside.Under(s).Ask(poller.In | poller.Out) },
	}
	for a, first := range calls {
		for b, second := range calls {
			if a >= b {
				continue
			}
			for _, shaken := range []bool{false, true} {
				s, _, _ := half(t, server)
				if shaken {
					calls["Read"](s)
				}
				var two sync.WaitGroup
				two.Go(func() { first(s) })
				two.Go(func() { second(s) })
				two.Wait()
			}
		}
	}
}
