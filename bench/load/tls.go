package load

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// ClientTLS is the configuration of all clients. The servers' certificates are self-signed. The
// handshake still checks that the peer has the key of its certificate. X25519 alone makes the
// client cheaper than the servers' default, which adds a second key.
var ClientTLS = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519}}

// agreed checks the result of the handshake, because the figures for another cipher could not be
// compared.
func agreed(s tls.ConnectionState) error {
	if s.Version != tls.VersionTLS13 || s.CipherSuite != tls.TLS_AES_128_GCM_SHA256 || s.DidResume {
		return fmt.Errorf("the handshake agreed on %s, %s, resumed %v", tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite), s.DidResume)
	}
	return nil
}

// A secured is a client of the echo over TLS.
type secured struct {
	tls     *tls.Conn
	payload []byte
	in      []byte
	got     int
}

// newSecured makes the handshake, and waits for its end.
func newSecured(fd int, payload []byte) (session, error) {
	w := &wire{fd: fd, patient: true}
	limit := unix.NsecToTimeval(silence.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
		return nil, err
	}
	s := &secured{tls: tls.Client(w, ClientTLS), payload: payload, in: make([]byte, len(payload))}
	err := s.tls.Handshake()
	if err == nil {
		err = agreed(s.tls.ConnectionState())
	}
	if err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	w.patient = false
	return s, nil
}

func (s *secured) ask() error {
	_, err := s.tls.Write(s.payload)
	return err
}

func (s *secured) answered() (bool, error) {
	for {
		n, err := s.tls.Read(s.in[s.got:])
		if s.got += n; s.got == len(s.in) {
			s.got = 0
			if !bytes.Equal(s.in, s.payload) {
				return false, errors.New("another answer than was expected")
			}
			return true, nil
		}
		if err == errAgain {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// A wire is the socket that crypto/tls uses. It waits during the handshake, and never afterwards.
// Missing input is a temporary error, after which crypto/tls can read again.
type wire struct {
	net.Conn // crypto/tls calls no other methods
	fd       int
	patient  bool
}

func (w *wire) Read(p []byte) (n int, err error) {
	if w.patient {
		for n, err = unix.Read(w.fd, p); err == unix.EINTR; n, err = unix.Read(w.fd, p) {
		}
	} else {
		n, err = receive(w.fd, p)
	}
	switch {
	case err == unix.EAGAIN && w.patient:
		return 0, fmt.Errorf("no answer for %v", silence)
	case err == unix.EAGAIN:
		return 0, errAgain
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) { return len(p), sendAll(w.fd, p) }

var errAgain error = again{}

type again struct{}

func (again) Error() string   { return "nothing is there" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

// greet is the whole life of a connection over TLS, in blocking style, because the handshake
// dominates the cost. It consists of a connect, a handshake, one echo, a close_notify and FIN, and
// the server's close_notify and FIN.
func greet(from net.Addr, addr string, payload []byte) error {
	d := net.Dialer{LocalAddr: from, Timeout: silence, Control: anyPort}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(silence))
	s := tls.Client(c, ClientTLS)
	if err := s.Handshake(); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	if err := agreed(s.ConnectionState()); err != nil {
		return err
	}
	if _, err := s.Write(payload); err != nil {
		return err
	}
	got := make([]byte, len(payload))
	if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, payload) {
		return fmt.Errorf("another answer than was expected: %v", err)
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	if n, err := s.Read(got); n > 0 || err != io.EOF {
		return fmt.Errorf("after close_notify: %d bytes, %v", n, err)
	}
	return nil
}
