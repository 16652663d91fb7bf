//go:build unix

package reactor

import (
	"errors"
	"net"
	"testing"
	"time"
)

// Dial, Send and Close are called in one step. The peer gets all bytes and then the FIN, and Closed
// gets nil. This also holds with a Filter that becomes ready late, and if a drain closes the Conn.
// Opened is not called, because after Close the only callback is Closed.
func TestDialSendCloseDelivers(t *testing.T) {
	for _, end := range []string{"Conn.Close", "Reactor.Close"} {
		for _, filtered := range []bool{false, true} {
			twice(t, func(t *lab) {
				closed := make(chan error, 1)
				h := &hooks{opened: func(*Conn) { t.Error("Opened after Close") },
					closed: func(_ *Conn, err error) { closed <- err }}
				var opts []DialOption
				if filtered {
					opts = append(opts, WithFilters(func(bool) (func(*Wire) Filter, error) {
						return func(w *Wire) Filter { return &lateFilter{w: w} }, nil
					}))
				}
				r := t.reactor()
				l := t.server("tcp", 1)
				c, err := r.Dial("tcp", l.addr().String(), h, opts...)
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(c.Send([]byte("hel")), c.Send([]byte("lo"))); err != nil {
					t.Fatal(err)
				}
				if end == "Reactor.Close" {
					r.Close()
				} else if c.Close(); !errors.Is(c.Send([]byte("x")), net.ErrClosed) {
					t.Error("Send after Close is accepted")
				}
				p := l.accept()
				p.wantAll([]byte("hello"))
				p.close()
				t.until(func() bool { return len(closed) > 0 })
				if err := <-closed; err != nil {
					t.Errorf("Closed(%v)", err)
				}
			})
		}
	}
}

// A lateFilter changes no bytes. It becomes ready some time after the connection is established.
type lateFilter struct{ w *Wire }

func (f *lateFilter) Open()                 { f.w.Conn().Reactor().After(10*time.Millisecond, f.w.Ready) }
func (f *lateFilter) Input(p []byte)        { f.w.Deliver(p) }
func (f *lateFilter) More() bool            { return false }
func (f *lateFilter) EOF()                  { f.w.EOF() }
func (f *lateFilter) Output(p []byte) error { f.w.Send(p); return nil }
func (f *lateFilter) Finish()               {}
func (f *lateFilter) Closed()               {}

// A Conn is closed, and its Filter never becomes ready. The peer's FIN or WithLinger ends the Conn.
func TestCloseBeforeAFilterThatIsNeverReady(t *testing.T) {
	twice(t, func(t *lab) {
		for _, fin := range []bool{true, false} {
			var why error
			ended := false
			r := t.reactor()
			a, b := t.pair()
			c := adoptFD(t, r, a, &hooks{closed: func(_ *Conn, err error) { why, ended = err, true }},
				WithLinger(50*time.Millisecond), WithFilters(func(bool) (func(*Wire) Filter, error) {
					return func(w *Wire) Filter { return &deafFilter{lateFilter{w}} }, nil
				}))
			c.Send([]byte("x"))
			c.Close()
			if fin {
				b.closeWrite()
			}
			t.until(func() bool { return ended })
			if fin && !errors.Is(why, errDeaf) || !fin && why != ErrStuck {
				t.Errorf("Closed(%v), the peer's FIN: %v", why, fin)
			}
			if r.Stats(); r.count.Undelivered != 1 {
				t.Errorf("%d bytes are counted as undelivered, want 1", r.count.Undelivered)
			}
			b.close()
		}
	})
}

var errDeaf = errors.New("the peer has gone before the filter was ready")

type deafFilter struct{ lateFilter }

func (f *deafFilter) Open() {}
func (f *deafFilter) EOF()  { f.w.Fail(errDeaf) }

// Detach after CloseWrite either has sent the FIN, or it returns an error and changes nothing.
func TestDetachAfterCloseWriteSendsTheFIN(t *testing.T) {
	twice(t, func(t *lab) {
		for _, n := range []int{0, 3, 4 << 20} {
			r := t.reactor()
			a, b := t.pair()
			c := adoptFD(t, r, a, &hooks{}, WithLimits(0, 8<<20, 8<<20))
			sent := pattern(n)
			c.Send(sent)
			c.CloseWrite()
			fd, unsent, err := c.Detach()
			if n > 1<<20 {
				if err != errOwesFIN || fd != -1 || c.is(released) {
					t.Fatalf("Detach: %d, %d bytes, %v", fd, len(unsent), err)
				}
				b.wantAll(sent)
				t.until(func() bool { return c.Buffered() == 0 })
				fd, unsent, err = c.Detach()
			} else {
				b.wantAll(sent)
			}
			if err != nil || len(unsent) != 0 {
				t.Fatalf("Detach: %d bytes, %v", len(unsent), err)
			}
			t.own(fd)
		}
	})
}
