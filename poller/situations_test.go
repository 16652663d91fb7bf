//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package poller_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// The test makes a socket in each situation of the table at kqueueReady, and registers it for In
// and Out without Edge. Pollers with kqueue's rules report the readiness in the column "here", and
// other Pollers that in the column "epoll".
func TestSituationsAreToldAsTheTableSays(t *testing.T) {
	both(t, func(l *lab) {
		for _, row := range situations {
			want := row.epoll
			if l.kqueue {
				want = row.kqueue
			}
			if row.name == "a refused connect" && l.os == "freebsd" {
				want &^= Err // connect(2) has returned the error, so the error is no longer pending
			}
			l.wantTold(row.name, row.make(l), want)
		}
	})
}

var situations = []struct {
	name          string
	make          func(l *lab) int
	epoll, kqueue poller.Readiness
}{
	{"data", func(l *lab) int {
		a, b := l.tcp()
		l.say(b)
		return a
	}, In | Out, In | Out},
	{"room to write, connected", func(l *lab) int { a, _ := l.tcp(); return a }, Out, Out},
	{"a connection to accept", func(l *lab) int {
		ln, at := l.bound(kernel.SOCK_STREAM)
		l.done(l.k.Listen(ln, 1))
		l.connected(kernel.SOCK_STREAM, at)
		return ln
	}, In, In},
	{"FIN", func(l *lab) int {
		a, b := l.tcp()
		l.done(l.k.Shutdown(b, kernel.SHUT_WR))
		return a
	}, In | Out, In | Out | End},
	{"shutdown(WR)", func(l *lab) int {
		a, _ := l.tcp()
		l.done(l.k.Shutdown(a, kernel.SHUT_WR))
		return a
	}, Out, Out},
	{"both of them", func(l *lab) int {
		a, b := l.tcp()
		l.done(l.k.Shutdown(a, kernel.SHUT_WR))
		l.done(l.k.Shutdown(b, kernel.SHUT_WR))
		return a
	}, In | Out | Hup, In | Out | Hup | End},
	{"a pair's end", func(l *lab) int {
		a, b := l.pair()
		l.close(b)
		return a
	}, In | Out | Hup, In | Out | Hup | End},
	{"RST", func(l *lab) int {
		a, b := l.tcp()
		l.done(l.k.SetOptBytes(b, kernel.SOL_SOCKET, kernel.SO_LINGER, []byte{1, 0, 0, 0, 0, 0, 0, 0}))
		l.close(b)
		return a
	}, In | Out | Err | Hup, In | Out | Err | Hup | End},
	{"a refused connect", func(l *lab) int { return l.dead(kernel.SOCK_STREAM) }, In | Out | Err | Hup, In | Out | Err | Hup | End},
	{"an ICMP error on a UDP socket", func(l *lab) int {
		a := l.dead(kernel.SOCK_DGRAM)
		l.say(a)
		return a
	}, Out | Err, In | Out},
	{"a TCP socket before connect", func(l *lab) int { return l.socket(kernel.AF_INET, kernel.SOCK_STREAM) }, Out | Hup, 0},
}

// A Poller reports the ends of a pipe as the table says. (FreeBSD's pipes work in both directions.)
func TestPipesAreToldAsTheTableSays(t *testing.T) {
	both(t, func(l *lab) {
		none, broken := Hup, Out|Err
		switch l.os {
		case "linux":
		case "freebsd", "netbsd":
			none, broken = In|End, Out
		default:
			l.Log("not on this kernel: nobody has looked what " + l.os + " reports of pipes")
			return
		}
		r, w := l.pipe()
		l.endTold("a pipe without writers", r, In, w, none)
		r, w = l.pipe()
		l.endTold("a pipe without readers", w, Out, r, broken)
		if l.isSimulated() { // the pipes of a simulated kernel carry no bytes
			return
		}
		r, w = l.pipe()
		_, err := unix.Write(w, []byte("x"))
		l.must(err)
		l.endTold("a pipe without writers, with data", r, In, w, In|none)
	})
}

// endTold registers fd before it closes the other end, because after the close a BSD refuses to add
// some filters.
func (l *lab) endTold(situation string, fd int, ask poller.Interest, other int, want poller.Readiness) {
	l.Helper()
	p := l.open()
	l.must(p.Add(fd, 1, ask))
	l.close(other)
	var events [4]poller.Event
	n, err := p.Wait(events[:], l.in(guard))
	l.must(err)
	if n != 1 || events[0].Ready != want {
		l.Errorf("%s: %v, want %v", situation, events[:n], want)
	}
}

// wantTold registers fd and waits until the Poller reports the wanted readiness. If no readiness is
// wanted, it checks that none is reported for 20 ms.
func (l *lab) wantTold(situation string, fd int, want poller.Readiness) {
	l.Helper()
	p := l.open()
	l.must(p.Add(fd, 1, In|Out))
	if want == 0 {
		l.waitUntil(p, l.in(20*time.Millisecond))
		return
	}
	got := poller.Readiness(0)
	// Sent data may take some time to arrive.
	for until := l.in(guard); got != want && !until.Passed(l.now()); l.rest() {
		// The two filters of a kqueue are merged into one Event.
		var events [4]poller.Event
		_, err := p.Wait(events[:], until)
		l.must(err)
		got = events[0].Ready
	}
	if got != want {
		l.Errorf("%s: %v, want %v", situation, got, want)
	}
}
