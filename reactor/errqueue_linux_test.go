package reactor

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/longtest"
)

// A socket's error queue gets more messages than fit in it (IP_RECVERR, transmit timestamps). The
// Poller would report the queue until it is empty. The loop still becomes idle, and the socket
// still receives.
func TestFilledErrorQueue(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	options := map[string]struct{ level, name, value int }{
		"IP_RECVERR":      {unix.IPPROTO_IP, unix.IP_RECVERR, 1},
		"SO_TIMESTAMPING": {unix.SOL_SOCKET, unix.SO_TIMESTAMPING, unix.SOF_TIMESTAMPING_TX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE},
	}
	for name, o := range options {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inLab(t, kinds[0], func(t *lab) {
				r := t.reactor()
				dead, nobody := listenPacket(t, r, "udp4", &packets{})
				dead.Abort()
				got, lost := 0, 0
				c, at := listenPacket(t, r, "udp4", &packets{
					packet: func(*PacketConn, []byte, Addr) { got++ },
					lost:   func(*PacketConn, Addr, error) { lost++ },
					closed: func(_ *PacketConn, err error) { t.Errorf("closed: %v", err) },
				}, WithControl(func(fd int) error {
					if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 20_000); err != nil {
						return err
					}
					return unix.SetsockoptInt(fd, o.level, o.name, o.value)
				}))
				for range 200 {
					if err := c.SendTo([]byte("x"), nobody); err != nil {
						t.Fatal(err)
					}
					t.turn()
				}
				t.still(100 * time.Millisecond)
				turns := r.often.turns
				t.pass(500 * time.Millisecond)
				if n := r.often.turns - turns; n > 20 {
					t.Errorf("%d turns in half a second of quiet", n)
				}
				for got == 0 { // this call may return the error of an earlier datagram
					if err := c.SendTo([]byte("later"), at); err != nil {
						t.Fatal(err)
					}
					t.still(50 * time.Millisecond)
				}
				c.handler = &packets{}
			})
		})
	}
}

// A Conn whose output waits is level-triggered. Transmit timestamps in its error queue must not
// keep the loop busy.
func TestFilledErrorQueueOfABlockedConn(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	inLab(t, kinds[0], func(t *lab) {
		r := t.reactor()
		var c *Conn
		addr := t.listen("tcp", func(n *Conn) Handler {
			c = n
			return &hooks{}
		})
		p := t.dial(addr)
		t.until(func() bool { return c != nil })
		if err := unix.SetsockoptInt(c.FD(), unix.SOL_SOCKET, unix.SO_TIMESTAMPING,
			unix.SOF_TIMESTAMPING_TX_SOFTWARE|unix.SOF_TIMESTAMPING_TX_ACK|unix.SOF_TIMESTAMPING_SOFTWARE); err != nil {
			t.Fatal(err)
		}
		for c.Buffered() < 2<<20 {
			if err := c.Send(make([]byte, 64<<10)); err != nil {
				t.Fatal(err)
			}
			t.turn()
		}
		t.still(100 * time.Millisecond)
		turns := r.often.turns
		t.pass(500 * time.Millisecond)
		if n := r.often.turns - turns; n > 20 {
			t.Errorf("%d turns in half a second of quiet", n)
		}
		p.close()
	})
}
