//go:build unix

package h1

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// A request for the greeting that arrives whole allocates nothing, alone or in a pipeline.
func TestAGreetingDoesNotAllocate(t *testing.T) {
	if raceEnabled || !longtest.Measures(t) {
		return
	}
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	l, err := r.Listen("tcp", "127.0.0.1:0", testSite().Accept, Limits)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		c.Close()
		r.Close()
		for r.Turn(r.Now()) == nil {
		}
	}()
	for _, n := range []int{1, 16} {
		requests := []byte(strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nAccept: */*\r\n\r\n", n))
		answers := make([]byte, n*len(answer))
		exchange := func() {
			if _, err := c.Write(requests); err != nil {
				t.Fatal(err)
			}
			for got := 0; got < len(answers); {
				if err := r.Turn(r.Now()); err != nil {
					t.Fatal(err)
				}
				_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
				k, _ := c.Read(answers[got:])
				got += k
			}
		}
		for range 20 {
			exchange() // at first the pools grow; the date is formatted once a second
		}
		if allocs := testing.AllocsPerRun(300, exchange); allocs > 0 {
			t.Errorf("%d requests: %v allocations", n, allocs)
		}
	}
}

const answer = "HTTP/1.1 200 OK\r\nServer: ureactor\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nContent-Type: text/plain\r\n" +
	"Content-Length: 14\r\n\r\n" + greeting
