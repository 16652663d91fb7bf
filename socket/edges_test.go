//go:build unix

package socket_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
)

// On a socket for TLS (IPPROTO_SEC), each call that would move unencrypted bytes returns EPROTO and
// moves none.
func TestASocketForTLSMovesNoBytes(t *testing.T) {
	inTask(t, func(l *lab) {
		s, err := l.make(inet, stream, socket.IPPROTO_SEC)
		if err != nil {
			l.t.Fatal(err)
		}
		defer s.Close()
		to := socket.Tuple("127.0.0.1", 9)
		for name, call := range map[string]func() (int, error){
			"Send":     func() (int, error) { return s.Send([]byte("x")) },
			"SendTo":   func() (int, error) { return s.SendTo([]byte("x"), to) },
			"SendMsg":  func() (int, error) { return s.SendMsg([]byte("x"), nil, 0, socket.Addr{}) },
			"Recv":     func() (int, error) { p, err := s.Recv(1); return len(p), err },
			"RecvFrom": func() (int, error) { p, _, err := s.RecvFrom(1); return len(p), err },
			"RecvMsg":  func() (int, error) { n, _, err := s.RecvMsg(make([]byte, 1), 0, 0); return n, err },
			"ReadInto": func() (int, error) { return s.ReadInto(make([]byte, 1)) },
			"Write":    func() (int, error) { return s.Write([]byte("x")) },
		} {
			if n, err := call(); n != 0 || !errors.Is(err, kernel.EPROTO) {
				l.t.Errorf("%s: %d, %v", name, n, err)
			}
		}
	})
}

// A read into an empty slice reads nothing, from an open socket and from a closed one.
func TestReadIntoNoRoom(t *testing.T) {
	inTask(t, func(l *lab) {
		s, err := l.make(inet, stream, 0)
		if err != nil {
			l.t.Fatal(err)
		}
		if n, err := s.ReadInto(nil); n != 0 || err != nil {
			l.t.Errorf("%d, %v", n, err)
		}
		s.Close()
		if n, err := s.ReadInto(nil); n != 0 || !errors.Is(err, net.ErrClosed) {
			l.t.Errorf("closed: %d, %v", n, err)
		}
	})
}

// A name of more than 255 characters is refused (RFC 1035), even if a name server knows it. Only an
// IPv6 address may have a zone.
func TestNamesThatNobodyHas(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	long, longer := strings.Repeat("x", 255), strings.Repeat("x", 256)
	w.Name(long, "10.0.0.4")
	w.Name(longer, "10.0.0.5")
	taskOn(t, context.Background(), w.Host("10.0.0.1"), func(l *lab) {
		for name, want := range map[string]int{long: 0, longer: socket.EAI_NONAME, "zz%1": socket.EAI_NONAME, "1.2.3.4%1": socket.EAI_NONAME,
			"::1%zz": socket.EAI_NONAME, "%1": socket.EAI_NONAME} {
			list, err := socket.GetAddrInfoOn(l.task, name, "80", inet, stream, 0, 0)
			var os *socket.OSError
			if got := errors.As(err, &os); got != (want != 0) || got && os.Errno != want {
				t.Errorf("%.10s (%d characters): %v, %v, want %d", name, len(name), list, err, want)
			}
		}
	})
}

// lazy is a stream whose Write accepts nothing and returns no error.
type lazy struct{ io.Reader }

func (lazy) Write([]byte) (int, error) { return 0, nil }

// If a stream accepts nothing and returns no error, a call must not hang. It returns a short write.
// Such a stream need not have SetBlocking.
func TestAStreamThatAcceptsNothing(t *testing.T) {
	c, err := socket.NewSSLContext(socket.PROTOCOL_TLS_CLIENT)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.SetVerifyMode(socket.CERT_NONE)); err != nil {
		t.Fatal(err)
	}
	if s, err := c.WrapStream(lazy{strings.NewReader("")}, socket.SSLWrap{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v, %v", s, err)
	}
	s, err := c.WrapStream(lazy{strings.NewReader("")}, socket.SSLWrap{DeferHandshake: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetBlocking(false); !errors.Is(err, errors.ErrUnsupported) || !errors.Is(err, socket.ErrValue) {
		t.Error(err)
	}
	if suite, version := s.Cipher(); suite != "" || version != "" || s.GetPeerCert() != nil {
		t.Errorf("before the handshake: %q, %q, %v", suite, version, s.GetPeerCert())
	}
}
