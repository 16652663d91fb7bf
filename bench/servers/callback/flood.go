package main

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/ureactor/ureactor/bench/servers/serve"
	"github.com/ureactor/ureactor/reactor"
)

// flood keeps the loop busy beside its echo, with one kind of work that never ends.
func flood(r *reactor.Reactor, kind string) {
	switch kind {
	case "":
	case "posts":
		go func() {
			for {
				if r.Post(busy) != nil {
					time.Sleep(100 * time.Microsecond)
				}
			}
		}()
	case "timers": // all are due at the same moment, repeatedly
		const n, every = 200_000, 500 * time.Millisecond
		due := time.Now()
		for range n {
			var t *reactor.Timer
			t = r.After(every, func() { t.Reset(every - time.Since(due)%every) })
		}
	case "dials": // a thousand at a time to an address without a listener
		d := &dials{r: r}
		d.begin()
	case "datagrams": // a socket that sends to itself
		c, err := r.ListenPacket("udp4", "127.0.0.1:0", packetEcho{})
		serve.Try(err)
		for range 200 {
			serve.Try(c.SendTo([]byte("again"), reactor.AddrFrom(addrPort(c))))
		}
	default:
		serve.Fail(fmt.Errorf("no flood of %s", kind))
	}
}

// busy is a posted function that does some work.
func busy() {
	for begin := time.Now(); time.Since(begin) < 20*time.Microsecond; {
	}
}

type dials struct {
	r  *reactor.Reactor
	on int
}

func (d *dials) begin() {
	for range 1000 {
		if _, err := d.r.Dial("unix", "@nobody-is-here", d); err == nil {
			d.on++
		}
	}
}

func (d *dials) Data(*reactor.Conn, []byte) {}

func (d *dials) Closed(*reactor.Conn, error) {
	if d.on--; d.on == 0 {
		d.begin()
	}
}

func addrPort(c *reactor.PacketConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }
