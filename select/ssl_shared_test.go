//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// sslPair returns two ends with a complete handshake.
func sslPair(t *testing.T) (c, s *socket.SSLSocket) {
	t.Helper()
	key, cert := keyAndCert()
	a, b := newLab(t, kernel.Host, nil).connected(socket.IPPROTO_SEC)
	var server sync.WaitGroup
	server.Go(func() {
		var err error
		if s, err = socket.WrapSSL(b, true, socket.SSLOptions{Key: key, Cert: cert}); err != nil {
			t.Error(err)
		}
	})
	c, err := socket.WrapSSL(a, false, socket.SSLOptions{})
	if server.Wait(); err != nil || s == nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return c, s
}

// One goroutine polls an SSLSocket without a pause, and so decrypts its input. Another goroutine
// that waits in Read must still be woken.
func TestSSLReadWhilePolled(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	c, s := sslPair(t)
	p := sel.New()
	defer p.Close()
	if err := p.Register(s, sel.POLLIN); err != nil {
		t.Fatal(err)
	}
	got := make(chan byte)
	var all sync.WaitGroup
	defer all.Wait()
	defer s.Close()
	stop := make(chan struct{})
	defer close(stop)
	all.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				p.Poll(0)
			}
		}
	})
	all.Go(func() {
		var room [1]byte
		for {
			if _, err := s.Read(room[:]); err != nil {
				return
			}
			got <- room[0]
		}
	})
	for i := range longtest.Count(50, 1000, 30_000) {
		c.Write([]byte{byte(i)})
		select {
		case b := <-got:
			if b != byte(i) {
				t.Fatalf("%d, want %d", b, byte(i))
			}
		case <-time.After(longtest.Guard):
			t.Fatalf("byte %d has come, and Read sleeps", i)
		}
	}
}

// One goroutine tries to read until it has half of the input. Another one waits in Poll, which must
// still report the other half.
func TestSSLPollWhileRead(t *testing.T) {
	c, s := sslPair(t)
	s.SetBlocking(false)
	p := sel.New()
	defer p.Close()
	if err := p.Register(s, sel.POLLIN); err != nil {
		t.Fatal(err)
	}
	// Otherwise the Event that reports room for writing would report the other half too.
	for err := error(nil); err == nil; {
		_, err = s.Write(make([]byte, 1<<20))
	}
	var room [1]byte
	for i := range longtest.Count(50, 1000, 30_000) {
		told := make(chan error, 1)
		polled := make(chan struct{})
		go func() {
			close(polled)
			events, err := p.Poll(-1)
			if err == nil && len(events) != 1 {
				err = errors.New("nothing")
			}
			told <- err
		}()
		<-polled
		c.Write([]byte("xy"))
		for {
			if n, err := s.Read(room[:]); n == 1 {
				break
			} else if !errors.Is(err, syscall.EAGAIN) {
				t.Fatal(err)
			}
		}
		select {
		case err := <-told:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(longtest.Guard):
			t.Fatalf("round %d: half of a record is there, and Poll sleeps", i)
		}
		if n, err := s.Read(room[:]); n != 1 {
			t.Fatal(err)
		}
	}
}
