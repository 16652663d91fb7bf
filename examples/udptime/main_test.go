//go:build unix

package main

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
)

// server listens on the loopback address until the test ends.
func server(t *testing.T) (net.PacketConn, string) {
	t.Helper()
	s, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, s.LocalAddr().String()
}

// The client returns the time of the server's clock. The result may be 1 ms too early, and later on
// a busy machine.
func TestTellsTheTime(t *testing.T) {
	s, at := server(t)
	then := time.Date(2031, 2, 3, 4, 5, 6, 789e6, time.UTC)
	ended := make(chan error)
	go func() { ended <- serve(s, func() time.Time { return then }) }()
	got, err := ask(at, longtest.Guard.Seconds(), 1)
	if d := got.Sub(then); err != nil || d < -time.Millisecond || d > longtest.Guard {
		t.Errorf("%v, %v; want %v", got, err, then)
	}
	s.Close() // ends serve
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// If a question is not answered, the client sends it again. The client ignores a datagram that does
// not answer its question.
func TestAsksAgain(t *testing.T) {
	s, at := server(t)
	p := make([]byte, packetSize)
	heard := make(chan bool, 10)
	go func() {
		defer close(heard)
		for {
			_, from, err := s.ReadFrom(p)
			if err != nil {
				return
			}
			heard <- true
			s.WriteTo([]byte("what?"), from)
			s.WriteTo(p, from)
		}
	}()
	if got, err := ask(at, 0.02, 3); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, %v", got, err)
	}
	for range 3 {
		<-heard
	}
	s.Close()
	if <-heard {
		t.Error("asked more than three times")
	}
}

// If no server uses the port, the client returns ECONNREFUSED.
func TestNobodyThere(t *testing.T) {
	s, at := server(t)
	s.Close()
	if got, err := ask(at, longtest.Guard.Seconds(), 3); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v, %v", got, err)
	}
}

// A flood of datagrams that answer nothing does not delay the client's timeout.
func TestAFloodIsNoAnswer(t *testing.T) {
	s, at := server(t)
	go func() {
		_, from, err := s.ReadFrom(make([]byte, packetSize))
		for err == nil {
			_, err = s.WriteTo([]byte("what?"), from)
		}
	}()
	if got, err := ask(at, 0.05, 1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, %v", got, err)
	}
}
