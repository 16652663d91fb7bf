//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest" // this import defines the flag -long
)

// start runs a server until the end of the test.
func start(t *testing.T) string {
	t.Helper()
	s, err := newServer("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.listener.LocalAddr()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- s.run() }()
	t.Cleanup(func() {
		s.close()
		if err := <-ended; !errors.Is(err, syscall.EBADF) {
			t.Error(err)
		}
	})
	return at.String()
}

type guest struct {
	*testing.T
	*net.TCPConn
	in *bufio.Reader
}

// join connects and reads the greeting.
func join(t *testing.T, at string, name string) *guest {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(longtest.Guard))
	g := &guest{t, c.(*net.TCPConn), bufio.NewReader(c)}
	g.hears("* " + name + " is here")
	return g
}

func (g *guest) says(text string) {
	g.Helper()
	if _, err := io.WriteString(g, text); err != nil {
		g.Fatal(err)
	}
}

func (g *guest) hears(want string) {
	g.Helper()
	if got, err := g.in.ReadString('\n'); err != nil || got != want+"\n" {
		g.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

// Each guest gets the lines of the other guest, whole, even if a line arrives in two parts. A line
// that is too long is split. Guests see who comes and who leaves.
func TestEverybodyHearsTheOthers(t *testing.T) {
	at := start(t)
	a := join(t, at, "guest1")
	b := join(t, at, "guest2")
	a.hears("* guest2 is here")
	a.says("hel")
	time.Sleep(10 * time.Millisecond)
	a.says("lo\r\nhow are you?\n")
	b.hears("guest1: hello")
	b.hears("guest1: how are you?")
	b.says("fine\n" + strings.Repeat("x", lineMax+1) + "\n")
	a.hears("guest2: fine")
	a.hears("guest2: " + strings.Repeat("x", lineMax))
	a.hears("guest2: x")
	a.Close()
	b.hears("* guest1 has left")
}

// A client half-closes, as `echo hello | nc` does. The room gets all its lines, including a last
// line without a newline. Until then the client gets the lines of other guests. Then it sees the
// end of input and no reset.
func TestHalfClose(t *testing.T) {
	at := start(t)
	a := join(t, at, "guest1")
	b := join(t, at, "guest2")
	a.hears("* guest2 is here")
	a.says("news\n")
	b.hears("guest1: news")
	b.says("one\ntwo")
	b.CloseWrite()
	a.hears("guest2: one")
	a.hears("guest2: two")
	a.hears("* guest2 has left")
	if rest, err := io.ReadAll(b.in); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// One guest floods the room while another does not read. The guest that does not read is
// disconnected. No other guest waits or misses a line.
func TestSlowReader(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	at := start(t)
	a := join(t, at, "guest1")
	slow := join(t, at, "guest2")
	a.hears("* guest2 is here")
	talker := join(t, at, "guest3")
	a.hears("* guest3 is here")
	_ = slow.SetReadBuffer(4 << 10)
	gone := make(chan struct{})
	var heard atomic.Int64
	go func() { // a reads all the time
		defer close(gone)
		for dropped := false; !dropped || heard.Load() < 100_000; {
			got, err := a.in.ReadString('\n')
			if err != nil {
				t.Error(err)
				return
			}
			if got == "* guest2 was too slow\n" {
				dropped = true
				continue
			}
			if want := fmt.Sprintf("guest3: %0100d\n", heard.Load()); got != want {
				t.Errorf("got %q, want %q", got, want)
				return
			}
			heard.Add(1)
		}
	}()
	out := bufio.NewWriter(talker)
	for i := range 100_000 {
		fmt.Fprintf(out, "%0100d\n", i)
		if i%50 == 0 {
			out.Flush()
		}
		for int64(i)-heard.Load() > 1000 && !t.Failed() { // otherwise a would be too slow as well
			time.Sleep(100 * time.Microsecond)
		}
	}
	out.Flush()
	talker.hears("* guest2 was too slow")
	<-gone
}

// A guest with pending output waits for POLLOUT, and the server makes no call for a further line.
// Otherwise each line of a fast guest would cost two system calls for every slow guest. This
// guest's socket has room, so a call would send something, and the test would see it.
func TestSlowGuestsCostNoCalls(t *testing.T) {
	s, err := newServer("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.listener.Close()
	defer s.close()
	at, err := s.listener.LocalAddr()
	if err != nil {
		t.Fatal(err)
	}
	peer, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if _, err := s.poll.Poll(-1); err != nil {
		t.Fatal(err)
	}
	s.accept()
	for _, c := range s.clients {
		c.out = []byte("a\n")
		if s.say(nil, "b"); string(c.out) != "a\nb\n" {
			t.Errorf("%q waits", c.out)
		}
		c.s.Close()
	}
	if len(s.clients) != 1 {
		t.Errorf("%d guests", len(s.clients))
	}
}
