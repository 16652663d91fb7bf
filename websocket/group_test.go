package websocket

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
)

// In a Group each loop has a Hub, and PostAll sends one Frame to all Hubs. Each guest receives
// every Frame once and in order.
func TestHubsOfAGroup(t *testing.T) {
	const guests, frames = 12, 20
	g, err := reactor.NewGroup(2)
	if err != nil {
		t.Fatal(err)
	}
	hubs := map[*reactor.Reactor]*Hub{}
	for _, r := range g.Loops() {
		hubs[r] = NewHub(r, WaitForSlow)
	}
	joined := make(chan *reactor.Reactor, guests)
	s, err := NewServer(func(*Request) Handler {
		return &funcs{
			opened: func(c *Conn) { hubs[c.Reactor()].Join(c); joined <- c.Reactor() },
			closed: func(c *Conn, _ error) { hubs[c.Reactor()].Leave(c) },
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := g.Listen("tcp", "127.0.0.1:0", s.Accept)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Run(context.Background()) }()
	var all sync.WaitGroup
	for i := range guests {
		all.Go(func() {
			if err := guest(l.Addr().String(), frames); err != nil {
				t.Errorf("guest %d: %v", i, err)
			}
		})
	}
	for range guests {
		<-joined
	}
	for i := range frames {
		f := s.NewFrame(Text, fmt.Append(nil, i))
		if err := g.PostAll(func(r *reactor.Reactor) {
			if err := hubs[r].Send(f); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	if err := g.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// guest receives the given number of Frames, and closes.
func guest(at string, frames int) error {
	nc, err := net.Dial("tcp", at)
	if err != nil {
		return err
	}
	_ = nc.SetDeadline(time.Now().Add(long))
	st, err := NewStream(nc, "ws://"+at+"/")
	if err != nil {
		return err
	}
	for i := range frames {
		if _, p, err := st.Receive(); err != nil || string(p) != fmt.Sprint(i) {
			_ = nc.Close()
			return fmt.Errorf("message %d is %q, %v", i, p, err)
		}
	}
	return st.Close(Normal, "")
}
