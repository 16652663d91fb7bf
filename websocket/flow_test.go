package websocket

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/reactor"
)

// A peer that sends and never reads costs at most the high-water mark and the output for one read.
// No Message is delivered while the output is throttled. When the peer reads, all messages are
// delivered.
func TestPeerThatNeverReadsIsNotRead(t *testing.T) {
	if !longtest.Default(t, "waits for real time") {
		return
	}
	most, n := 0, 0
	b := serve(t, func(*Request) Handler {
		return &funcs{message: func(c *Conn, kind Kind, p []byte) {
			if c.Throttled() {
				t.Error("a Message while the output is throttled")
			}
			if err := c.Send(kind, p); err != nil {
				t.Error(err)
			}
			most = max(most, c.Buffered())
			n++
		}}
	})
	p := b.connect()
	message := masked(fin|bin, rep("x", 10_000))
	sent := make(chan int)
	go func() {
		total := 0
		for ; total < 4000; total++ {
			_ = p.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
			if k, err := p.Write(message); err != nil {
				message = message[k:] // the rest of this message follows
				break
			}
		}
		sent <- total
	}()
	total := <-sent
	if total == 4000 {
		t.Fatal("the server has read 40 MB of a peer that does not read")
	}
	b.on(func() {
		if most > 256<<10+20_000 {
			t.Errorf("%d bytes were buffered", most)
		}
	})
	_ = p.SetDeadline(time.Now().Add(long))
	go func() { _, _ = p.Write(message) }()
	for range total + 1 {
		if g := p.read(); g.b0 != fin|bin || len(g.p) != 10_000 {
			t.Fatal(g)
		}
	}
}

// No Message is delivered while a handler is paused, even if one read has received several
// messages. After Resume the messages are delivered in order. Close ends a pause.
func TestPauseHoldsMessages(t *testing.T) {
	var order string
	paused := false
	ended := make(chan error, 1)
	b := serve(t, func(*Request) Handler {
		return &funcs{
			message: func(c *Conn, kind Kind, p []byte) {
				if paused {
					t.Error("a Message while paused")
				}
				switch order += string(p); string(p) {
				case "a", "c":
					paused = true
					_ = c.Pause()
					c.Reactor().After(10*time.Millisecond, func() {
						paused = false
						if err := c.Resume(); err != nil {
							t.Error(err)
						}
					})
				case "e":
					_ = c.Pause()
					if err := c.Close(Normal, ""); err != nil {
						t.Error(err)
					}
				}
			},
			closed: func(_ *Conn, err error) { ended <- err },
		}
	})
	p := b.connect()
	var text_ string
	for _, s := range []string{"a", "b", "c", "d", "e", "f"} {
		text_ += frame(fin|text, s)
	}
	p.send([]byte(text_))
	p.want(closo, closing(Normal, ""))
	p.send(masked(closo, closing(Normal, "")))
	if err := <-ended; err != nil || order != "abcde" {
		t.Errorf("%q, %v", order, err)
	}
}

// The SlowPolicy decides what happens to a member that does not read: it misses messages, it is
// closed, or the others wait for it up to HubLimit. The other member receives every message that
// the Hub accepts.
func TestSlowMembers(t *testing.T) {
	if !longtest.Default(t, "20 MB") {
		return
	}
	for _, policy := range []SlowPolicy{DropMessages, CloseSlow, WaitForSlow} {
		t.Run(policy.String(), func(t *testing.T) {
			var hub *Hub
			joined := make(chan *Conn, 2)
			ended := make(chan error, 2)
			b := serve(t, func(*Request) Handler {
				return &funcs{
					opened: func(c *Conn) { hub.Join(c); joined <- c },
					closed: func(c *Conn, err error) { hub.Leave(c); ended <- err },
				}
			}, WithCloseTimeout(100*time.Millisecond))
			s, err := NewServer(nil)
			if err != nil {
				t.Fatal(err)
			}
			b.on(func() { hub = NewHub(b.r, policy) })
			slow := b.connect()
			quick := b.connect()
			<-joined
			<-joined
			sent, refused := 0, 0
			body := rep("x", 50_000)
			for range 400 {
				b.on(func() {
					f := s.NewFrame(Binary, append([]byte(fmt.Sprintf("%05d", sent)), body...))
					err := hub.Send(f)
					if errors.Is(err, reactor.ErrBuffered) {
						refused++
						return
					}
					if err != nil {
						t.Error(err)
					}
					sent++
				})
				if refused > 0 {
					break
				}
				if g := quick.read(); string(g.p[:5]) != fmt.Sprintf("%05d", sent-1) {
					t.Fatalf("the quick member gets %.5s, not %d", g.p, sent-1)
				}
			}
			switch policy {
			case CloseSlow:
				if err := <-ended; err == nil {
					t.Error("closed without a reason")
				}
				b.on(func() {
					if hub.Len() != 1 || hub.Buffered() != 0 {
						t.Errorf("%d members, %d bytes", hub.Len(), hub.Buffered())
					}
				})
			case WaitForSlow:
				if refused == 0 {
					t.Fatal("the Hub takes 20 MB for a member that does not read")
				}
				for i := range sent {
					if g := slow.read(); string(g.p[:5]) != fmt.Sprintf("%05d", i) {
						t.Fatalf("the slow member gets %.5s, not %d", g.p, i)
					}
				}
				b.on(func() {
					if hub.Buffered() != 0 || len(hub.behind) != 0 {
						t.Errorf("%d bytes, %d members behind", hub.Buffered(), len(hub.behind))
					}
				})
			case DropMessages:
				b.on(func() {
					if sent != 400 || hub.Buffered() != 0 {
						t.Errorf("%d sent, %d bytes", sent, hub.Buffered())
					}
				})
				end := make(chan struct{})
				go func() {
					defer close(end)
					got := 0
					for last := -1; last < 99999; got++ {
						var i int
						if _, err := fmt.Sscanf(string(slow.read().p[:5]), "%d", &i); err != nil || i < last {
							t.Errorf("%d after %d, %v", i, last, err)
							return
						}
						last = i
					}
					if got >= sent {
						t.Errorf("it has missed nothing: %d", got)
					}
				}()
				for {
					b.on(func() { _ = hub.Send(s.NewFrame(Binary, []byte("99999"))) })
					quick.read()
					select {
					case <-end:
						return
					default:
					}
				}
			}
		})
	}
}
