package sel_test

import (
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	sel "github.com/ureactor/ureactor/select"
)

// A Poll reports the states of sockets as the table in doc/semantics.md says (section Poll). Each
// row of this test makes a socket in one state. With mask IN|OUT a Poll reports the Events of the
// table, and with another mask the part that the mask selects. It reports them twice, because
// results are level-triggered.
func TestStates(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	for _, row := range states {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			both(t, func(l *lab) {
				says := row.want
				if row.name == "connecting" && l.os == "freebsd" {
					return // a connect to the same host ends at once, even if the queue is full
				}
				if row.name == "refused" && l.os == "freebsd" {
					says &^= ERR // connect(2) has returned the error
				}
				o := row.make(l)
				for _, mask := range []sel.Events{IN | OUT, IN, OUT, 0} {
					p := l.poll()
					must(p.Register(o, mask))
					want := is{}
					if ev := l.told(says, mask); ev != 0 {
						want[o] = ev
					}
					l.Logf("mask %v", mask)
					l.expect(p, 0, want)
					l.expect(p, 0, want)
					must(p.Close())
				}
			})
		})
	}
}

var states = []struct {
	name string
	make func(l *lab) *object
	want sel.Events
}{
	{"new stream", (*lab).tcp, 20},
	{"bound stream", func(l *lab) *object {
		o := l.tcp()
		done(l.k.Bind(o.d.FD, loopback))
		return o
	}, 20},
	{"connecting", func(l *lab) *object {
		ln := l.listener(0)
		for { // the queue has room for one or two; for the next one the SYN is dropped
			o := l.tcp()
			o.connect(ln.addr())
			if l.idle(o, OUT) {
				return o
			}
		}
	}, 0},
	{"refused", refused, 29},
	{"refused and reported", func(l *lab) *object {
		o := refused(l)
		if l.os != "freebsd" {
			wantError(l, o, kernel.ECONNREFUSED)
		}
		return o
	}, 21},
	{"connected", func(l *lab) *object { c, _ := l.dial(); return c }, 4},
	{"connected, output full", func(l *lab) *object {
		c, _ := l.dial()
		c.fill()
		return c
	}, 0},
	{"data", func(l *lab) *object {
		c, s := l.dial()
		s.write("x")
		l.until(c, IN)
		return c
	}, 5},
	{"peer closed", func(l *lab) *object {
		c, s := l.dial()
		s.close()
		l.until(c, IN)
		return c
	}, 5},
	{"reset", resetByPeer, 29},
	{"reset and reported", func(l *lab) *object {
		c := resetByPeer(l)
		wantError(l, c, kernel.ECONNRESET)
		return c
	}, 21},
	{"send answered by a reset", sentToClosed, 29},
	{"send answered by a reset and reported", func(l *lab) *object {
		c := sentToClosed(l)
		if _, e := l.k.Send(c.d.FD, []byte("x"), 0); e != kernel.EPIPE {
			l.Errorf("send: %v, want EPIPE", e)
		}
		return c
	}, 21},
	{"listener", func(l *lab) *object { return l.listener(1) }, 0},
	{"listener, a connection waits", func(l *lab) *object {
		ln, c := l.listener(1), l.tcp()
		c.connect(ln.addr())
		l.until(ln, IN)
		return ln
	}, 1},
	{"datagram", (*lab).udp, 4},
	{"datagram waits", func(l *lab) *object { return datagram(l, "x") }, 5},
	{"empty datagram waits", func(l *lab) *object { return datagram(l, "") }, 5},
	{"datagram refused", func(l *lab) *object {
		u, gone := l.udp(), l.udp()
		done(l.k.Connect(u.d.FD, gone.addr()))
		gone.close()
		u.write("x")
		l.failed(u, IN)
		return u
	}, 12},
	{"pair, peer closed", func(l *lab) *object {
		a, b := l.pair()
		b.close()
		return a
	}, 21},
}

func refused(l *lab) *object {
	ln, o := l.listener(1), l.tcp()
	to := ln.addr()
	ln.close()
	if e := l.k.Connect(o.d.FD, to); e == kernel.ECONNREFUSED && l.os == "freebsd" {
		return o
	} else if e != kernel.EINPROGRESS {
		done(e)
	}
	l.failed(o, HUP)
	return o
}

func resetByPeer(l *lab) *object {
	c, s := l.dial()
	s.reset()
	l.failed(c, HUP)
	return c
}

func sentToClosed(l *lab) *object {
	c, s := l.dial()
	s.close()
	l.until(c, IN)
	c.write("x")
	l.failed(c, HUP)
	return c
}

func wantError(l *lab, o *object, want kernel.Errno) {
	var p [1]byte
	if _, e := l.k.Recv(o.d.FD, p[:], 0); e != want {
		l.Errorf("recv: %v, want %v", e, want)
	}
}

func datagram(l *lab, text string) *object {
	u, from := l.udp(), l.udp()
	_, e := l.k.SendTo(from.d.FD, []byte(text), 0, u.addr())
	done(e)
	l.until(u, IN)
	return u
}
