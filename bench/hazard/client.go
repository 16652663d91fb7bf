package hazard

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"time"

	"github.com/ureactor/ureactor/bench/load"
	"github.com/ureactor/ureactor/bench/proc"
	"github.com/ureactor/ureactor/bench/servers/serve"
)

const patience = 10 * time.Second // for an answer

// raw returns a TCP connection that does not speak the row's protocol.
func (t *Target) raw() (*net.TCPConn, error) {
	c, err := net.DialTimeout("tcp", t.Addr, patience)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// A stream is a connection that can be half-closed.
type stream interface {
	net.Conn
	CloseWrite() error
}

// dial connects. If the row has TLS, it returns after the handshake.
func (t *Target) dial() (stream, error) {
	c, err := t.raw()
	if err != nil {
		return nil, err
	}
	return t.secure(c)
}

func (t *Target) secure(c *net.TCPConn) (stream, error) {
	if t.protocol != "tls" {
		return c, nil
	}
	s := &secured{tls.Client(c, load.ClientTLS), c}
	c.SetDeadline(time.Now().Add(patience))
	if err := s.Handshake(); err != nil {
		c.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	return s, c.SetDeadline(time.Time{})
}

// A secured is a TLS connection. Its CloseWrite sends close_notify, and then FIN.
type secured struct {
	*tls.Conn
	tcp *net.TCPConn
}

func (s *secured) CloseWrite() error {
	if err := s.Conn.CloseWrite(); err != nil {
		return err
	}
	return s.tcp.CloseWrite()
}

// ask sends p, and checks that exactly p comes back.
func ask(c net.Conn, p []byte) error {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(p); err != nil {
		return err
	}
	got := make([]byte, len(p))
	if n, err := io.ReadFull(c, got); err != nil {
		return fmt.Errorf("%d of %d bytes back: %w", n, len(p), err)
	}
	if !bytes.Equal(got, p) {
		return errors.New("other bytes came back than were sent")
	}
	return nil
}

// alive checks that the server serves a new client.
func (t *Target) alive() error {
	if t.protocol == "http" {
		return t.get()
	}
	if t.messages() {
		return t.answered()
	}
	c, err := t.dial()
	if err != nil {
		return fmt.Errorf("a new client: %w", err)
	}
	defer c.Close()
	if err := ask(c, t.message("alive?")); err != nil {
		return fmt.Errorf("a new client: %w", err)
	}
	return nil
}

// message returns text in the form of the row's protocol.
func (t *Target) message(text string) []byte {
	if t.protocol != "frame" {
		return []byte(text)
	}
	p, err := serve.Frames.Append(nil, []byte(text))
	if err != nil {
		panic(err) // there is no error, because it is short
	}
	return p
}

// noise returns n random bytes from the seed. No message in them asks for a panic.
func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 2))
	p := make([]byte, n)
	for i := 0; i < n; {
		for v, k := r.Uint64(), 0; k < 8 && i < n; k++ {
			p[i] = byte(v>>(8*k)) | 0x80
			i++
		}
	}
	return p
}

// load returns the share of a core that the server uses in d.
func (t *Target) load(d time.Duration) (float64, error) {
	before, err := proc.CPU(t.PID())
	if err != nil {
		return 0, err
	}
	start := time.Now()
	time.Sleep(d)
	after, err := proc.CPU(t.PID())
	return float64(after-before) / float64(time.Since(start)), err
}

// roundTrips sends a byte every gap for d. It returns the 99th percentile of the time until the
// byte comes back.
func roundTrips(c net.Conn, gap, d time.Duration) (p99 time.Duration, n int, err error) {
	var took []time.Duration
	one := []byte{'x'}
	for start := time.Now(); time.Since(start) < d; time.Sleep(gap) {
		at := time.Now()
		if err := ask(c, one); err != nil {
			return 0, len(took), err
		}
		took = append(took, time.Since(at))
	}
	slices.Sort(took)
	return took[len(took)*99/100], len(took), nil
}

func within(what string, got, limit float64, unit string) error {
	if got > limit {
		return fmt.Errorf("%s: %.3g %s, more than %.3g", what, got, unit, limit)
	}
	return nil
}
