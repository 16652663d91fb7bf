//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"io"
	"syscall"
	"testing"

	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// A pipeEnd is a stream in memory that never blocks, and an Object.
type pipeEnd struct {
	other             *pipeEnd
	sent              []byte // bytes that the other end has not read
	noReads, noWrites bool
	asked             sel.Events // the mask of the last poll
	reads             int
	closed            bool
}

func newPipe() (a, b *pipeEnd) {
	a, b = &pipeEnd{}, &pipeEnd{}
	a.other, b.other = b, a
	return a, b
}

func (e *pipeEnd) Read(p []byte) (int, error) {
	e.reads++
	if e.noReads || len(e.other.sent) == 0 {
		return 0, syscall.EAGAIN
	}
	n := copy(p, e.other.sent)
	e.other.sent = e.other.sent[n:]
	return n, nil
}

func (e *pipeEnd) Write(p []byte) (int, error) {
	if e.noWrites {
		return 0, syscall.EAGAIN
	}
	e.sent = append(e.sent, p...)
	return len(p), nil
}

func (e *pipeEnd) Close() error { e.closed = true; return nil }

func (e *pipeEnd) Poll(mask sel.Events) (ready sel.Events, _ error) {
	e.asked = mask
	if !e.noReads && len(e.other.sent) > 0 {
		ready |= sel.POLLIN
	}
	if !e.noWrites {
		ready |= sel.POLLOUT
	}
	return ready & mask, nil
}

// deferred returns an SSLStream on an end, before the handshake.
func deferred(e io.ReadWriter, server bool) *socket.SSLStream {
	protocol := socket.PROTOCOL_TLS_CLIENT
	if server {
		protocol = socket.PROTOCOL_TLS_SERVER
	}
	c, err := socket.NewSSLContext(protocol)
	must(err)
	must(c.SetVerifyMode(socket.CERT_NONE))
	if server {
		key, cert := keyAndCert()
		must(c.LoadCertChainData(cert, key))
	}
	s, err := c.WrapStream(e, socket.SSLWrap{DeferHandshake: true})
	must(err)
	return s
}

// As in MicroPython, a poll of an SSLStream asks the stream for the direction that TLS waits for.
// During the handshake that may be the other direction. If there is decrypted input, the poll does
// not ask. After Close, and after an error of TLS, the result is POLLNVAL.
func TestSSLStreamAsksForWhatTLSWaitsFor(t *testing.T) {
	a, b := newPipe()
	client, server := deferred(a, false), deferred(b, true)
	p := sel.New()
	defer p.Close()
	poll := func(s *socket.SSLStream, e *pipeEnd, mask, asked, want sel.Events) {
		t.Helper()
		e.asked = 0
		must(p.Register(s, mask))
		events, err := p.Poll(0)
		got := sel.Events(0)
		if len(events) > 0 {
			got = events[0].Events
		}
		must(p.Unregister(s))
		if err != nil || got != want || e.asked != asked {
			t.Errorf("poll for %v: %v, %v, has asked for %v; want %v, %v", mask, got, err, e.asked, want, asked)
		}
	}
	read := func(s *socket.SSLStream) string {
		t.Helper()
		got, err := s.ReadSize(100)
		if err != nil && !errors.Is(err, syscall.EAGAIN) {
			t.Fatal(err)
		}
		return string(got)
	}
	a.noReads, a.noWrites = true, true
	read(client) // TLS wants to write
	poll(client, a, sel.POLLIN, sel.POLLOUT, 0)
	poll(client, a, sel.POLLOUT, sel.POLLOUT, 0)
	a.noWrites = false
	poll(client, a, sel.POLLIN, sel.POLLOUT, sel.POLLIN|sel.POLLOUT)
	read(client)
	if a.sent == nil {
		t.Fatal("no ClientHello")
	}
	poll(client, a, sel.POLLIN, sel.POLLIN, 0)
	poll(client, a, sel.POLLOUT, sel.POLLOUT, sel.POLLOUT)
	if n, err := client.Write([]byte("early")); n != 0 || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("a Write in the handshake: %d, %v", n, err)
	}
	poll(client, a, sel.POLLOUT, sel.POLLIN, 0)
	a.noReads = false
	for len(a.sent)+len(b.sent) > 0 {
		read(server)
		read(client)
	}
	if suite, version := server.Cipher(); suite == "" || version != "TLSv1.3" || server.GetPeerCert() != nil || client.GetPeerCert() == nil {
		t.Errorf("%s, %s, and certificates", suite, version)
	}
	for _, text := range []string{"foobar", "a line\nand more"} {
		if n, err := client.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	if got, err := server.ReadSize(3); string(got) != "foo" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	b.noReads = true
	poll(server, b, sel.POLLIN, 0, sel.POLLIN) // the stream is not asked
	reads := b.reads
	poll(server, b, sel.POLLIN|sel.POLLOUT, sel.POLLIN|sel.POLLOUT, sel.POLLIN|sel.POLLOUT)
	if b.reads != reads {
		t.Error("the poll has read from the stream")
	}
	b.noReads = false
	if got, err := server.ReadSize(3); string(got) != "bar" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := server.ReadLine(); string(got) != "a line\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	room := make([]byte, 4)
	if n, err := server.ReadInto(room); string(room[:n]) != "and " || err != nil {
		t.Errorf("%q, %v", room[:n], err)
	}
	must(client.Close())
	must(client.Close())
	poll(client, a, sel.POLLIN, 0, sel.POLLNVAL)
	if got, err := server.ReadAll(); string(got) != "more" || err != nil || !a.closed {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := client.ReadSize(1); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a read after Close: %v", err)
	}

	a, b = newPipe()
	client = deferred(a, false)
	b.Write([]byte("fooba"))
	poll(client, a, sel.POLLIN, sel.POLLIN, sel.POLLIN)
	for range 2 {
		if _, err := client.ReadSize(10); !errors.Is(err, syscall.EPROTO) {
			t.Errorf("no TLS: %v", err)
		}
	}
	poll(client, a, sel.POLLIN, 0, sel.POLLNVAL)
}

// An SSLStream can be registered if its stream can be polled, for example a Socket.
func TestSSLStreamIsPolledIfItsStreamIs(t *testing.T) {
	p := sel.New()
	defer p.Close()
	type silent struct{ io.ReadWriter }
	if err := p.Register(deferred(silent{}, false), sel.POLLIN); !errors.Is(err, sel.ErrValue) {
		t.Errorf("%v, want ErrValue", err)
	}
	both(t, func(l *lab) {
		p := l.poll()
		defer p.Close()
		a, b := l.connected(0)
		defer b.Close()
		s := deferred(a, false)
		must(p.Register(s, sel.POLLIN|sel.POLLOUT))
		events, err := p.Poll(guard)
		if err != nil || len(events) != 1 || events[0].Events != sel.POLLOUT {
			l.Errorf("%v, %v", events, err)
		}
		must(s.Close())
		if events, err := p.Poll(guard); err != nil || len(events) != 1 || events[0].Events != sel.POLLNVAL {
			l.Errorf("closed: %v, %v", events, err)
		}
	})
}
