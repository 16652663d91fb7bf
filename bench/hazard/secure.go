package hazard

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ureactor/ureactor/bench/load"
	"github.com/ureactor/ureactor/bench/servers/serve"
)

// ended waits until the server has closed a connection, in whichever way.
func ended(c net.Conn, within time.Duration) error {
	c.SetReadDeadline(time.Now().Add(within))
	_, err := io.Copy(io.Discard, c)
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("still there after %v", within)
	}
	return nil
}

// A holding is the number of descriptors and goroutines that a server uses for its connections.
type holding struct {
	descriptors int
	goroutines  int64
}

// holds counts until the holding is no larger than before, for at most two seconds.
func (t *Target) holds(before holding) (now holding, err error) {
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := t.Collect()
		if err != nil {
			return now, err
		}
		now.goroutines = c.Goroutines
		if now.descriptors, err = t.descriptors(func(int) bool { return true }); err != nil {
			return now, err
		}
		if now.descriptors <= before.descriptors && now.goroutines <= before.goroutines || time.Now().After(end) {
			return now, nil
		}
	}
}

// A peer makes one mistake. Its function returns when the server has closed the connection.
type peer struct {
	name string
	run  func(t *Target) error
}

// wrong runs many peers of each kind at the same time. Meanwhile the server serves one connected
// client and one new client. At the end the server must hold no more than before. Servers may keep
// goroutines for later connections. So up to four rounds run, until one leaves no more than the
// round before. A leak grows in every round.
func wrong(t *Target, kinds []peer) (string, error) {
	other, err := t.dial()
	if err != nil {
		return "", err
	}
	defer other.Close()
	if err := errors.Join(t.exchange(other), t.alive()); err != nil {
		return "", err
	}
	before, err := t.holds(holding{})
	if err != nil {
		return "", err
	}
	figure := ""
	for range 4 {
		var after holding
		if figure, err = wrongOnce(t, kinds, other); err == nil {
			after, err = t.holds(before)
		}
		if err != nil {
			return figure, err
		}
		if n := after.descriptors - before.descriptors; n > 0 {
			return figure, fmt.Errorf("%d descriptors more than before", n)
		}
		n := after.goroutines - before.goroutines
		if n <= 0 {
			return figure, nil
		}
		err, before = fmt.Errorf("each of 4 rounds left goroutines, the last one %d", n), after
	}
	return figure, err
}

// wrongOnce is one round of wrong.
func wrongOnce(t *Target, kinds []peer, other net.Conn) (string, error) {
	const each = 10
	var all sync.WaitGroup
	failed := make(chan error, each*len(kinds))
	for _, k := range kinds {
		for range each {
			all.Go(func() {
				if err := k.run(t); err != nil {
					failed <- fmt.Errorf("%s: %w", k.name, err)
				}
			})
		}
	}
	err := errors.Join(t.exchange(other), t.alive())
	all.Wait()
	err = errors.Join(err, t.exchange(other), t.alive())
	figure := fmt.Sprintf("%d of %d gone", cap(failed)-len(failed), cap(failed))
	select {
	case one := <-failed:
		err = errors.Join(one, err)
	default:
	}
	return figure, err
}

// exchange sends one message in the row's protocol and checks the answer.
func (t *Target) exchange(c net.Conn) error {
	if t.protocol != "http" {
		return ask(c, t.message("still there?"))
	}
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		return err
	}
	got := make([]byte, 4096)
	for n := 0; !strings.HasSuffix(string(got[:n]), serve.Hello); {
		k, err := c.Read(got[n:])
		if err != nil {
			return fmt.Errorf("%q: %w", got[:n], err)
		}
		n += k
	}
	return nil
}

// get is a new HTTP client that sends one request.
func (t *Target) get() error {
	tr := &http.Transport{DisableKeepAlives: true}
	c := http.Client{Transport: tr, Timeout: patience}
	a, err := c.Get("http://" + t.Addr)
	if err != nil {
		return fmt.Errorf("a new client: %w", err)
	}
	defer a.Body.Close()
	if body, err := io.ReadAll(a.Body); err != nil || string(body) != serve.Hello {
		return fmt.Errorf("a new client: %q, %v", body, err)
	}
	return nil
}

// says returns a peer that sends text and, if fin is set, a FIN.
func says(name, text string, fin bool, within time.Duration) peer {
	return peer{name, func(t *Target) error {
		c, err := t.raw()
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := io.WriteString(c, text); err == nil && fin {
			_ = c.CloseWrite() // an error if the server has closed first
		}
		return ended(c, within)
	}}
}

// afterwards returns a peer that makes its mistake after a correct handshake.
func afterwards(name, text string, within time.Duration) peer {
	return peer{name, func(t *Target) error {
		c, err := t.dial()
		if err != nil {
			return err
		}
		tcp := c.(*secured).tcp
		defer tcp.Close()
		if _, err := io.WriteString(tcp, text); err == nil {
			_ = tcp.CloseWrite()
		}
		return ended(tcp, within)
	}}
}

// A recorder keeps the written bytes, and returns no input.
type recorder struct {
	net.Conn
	text strings.Builder
}

func (r *recorder) Write(p []byte) (int, error) { return r.text.Write(p) }
func (r *recorder) Read([]byte) (int, error)    { return 0, io.EOF }

// clientHello returns the first bytes that a client sends.
func clientHello() string {
	r := &recorder{}
	if err := tls.Client(r, load.ClientTLS).Handshake(); err == nil {
		panic("a handshake without a peer")
	}
	return r.text.String()
}

func stoppedHandshakes(t *Target) (string, error) {
	hello := clientHello()
	return wrong(t, []peer{
		says("nothing", "", false, patience),
		says("half a ClientHello", hello[:len(hello)/2], false, patience),
		says("a ClientHello", hello, false, patience),
	})
}

// atOnce is shorter than the handshake timeout. If a peer is closed within this time, the server
// has refused it, and the handshake did not time out.
const atOnce = serve.HandshakeTimeout / 2

func notTLS(t *Target) (string, error) {
	hello := clientHello()
	return wrong(t, []peer{
		says("HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, atOnce),
		says("random bytes", string(noise(t.Seed, 4096)), false, atOnce),
		says("a record that is too long", "\x16\x03\x01\xff\xff"+strings.Repeat("x", 1000), false, atOnce),
		says("a FIN", "", true, atOnce),
		says("half a ClientHello and a FIN", hello[:len(hello)/2], true, atOnce),
		says("a ClientHello and a FIN", hello, true, atOnce),
		afterwards("random bytes after the handshake", string(noise(t.Seed, 4096)), atOnce),
		afterwards("a forged record after the handshake", "\x17\x03\x03\x00\x20"+strings.Repeat("x", 32), atOnce),
		afterwards("half a record and a FIN after the handshake", "\x17\x03\x03\x00\x20xx", atOnce),
	})
}

func halfRequests(t *Target) (string, error) {
	trickle := peer{"a byte now and then", func(t *Target) error {
		c, err := t.raw()
		if err != nil {
			return err
		}
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: ")
		over := make(chan error, 1)
		go func() { over <- ended(c, patience) }()
		for {
			select {
			case err := <-over:
				return err
			case <-time.After(100 * time.Millisecond):
				io.WriteString(c, "a") // it fails after the close, which the other goroutine reports
			}
		}
	}}
	return wrong(t, []peer{
		says("nothing", "", false, patience),
		says("half a line", "GET / HT", false, patience),
		says("no blank line", "GET / HTTP/1.1\r\nHost: a\r\n", false, patience),
		trickle,
	})
}
