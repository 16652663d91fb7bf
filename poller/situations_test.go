//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package poller_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// The rows of the table at kqueueReady that are about sockets, on sockets in those situations: level-triggered interest in
// both directions is told the column "here" by Pollers with kqueue's rules, and "epoll" by others.
func TestSituationsAreToldAsTheTableSays(t *testing.T) {
	both(t, func(l *lab) {
		for _, row := range situations {
			want := row.epoll
			if l.kqueue {
				want = row.kqueue
			}
			l.wantTold(row.name, row.make(l), want)
		}
	})
}

var situations = []struct {
	name          string
	make          func(l *lab) int
	epoll, kqueue poller.Interest
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

// A pipe's ends; only an epoll's column, since the systems with a kqueue differ.
func TestPipesAreToldAsTheTableSays(t *testing.T) {
	l := newLab(t)
	if l.kqueue {
		t.Skip("no Linux")
	}
	pipe := func() (r, w int) {
		var ends [2]int
		l.must(unix.Pipe(ends[:]))
		return l.own(ends[0], 0), l.own(ends[1], 0)
	}
	r, w := pipe()
	l.close(w)
	l.wantTold("a pipe without writers", r, Hup)
	r, w = pipe()
	_, err := unix.Write(w, []byte("x"))
	l.must(err)
	l.close(w)
	l.wantTold("a pipe without writers, with data", r, In|Hup)
	r, w = pipe()
	l.close(r)
	l.wantTold("a pipe without readers", w, Out|Err)
}

// wantTold has a Poller watch fd until it tells that; for nothing it takes its time.
func (l *lab) wantTold(situation string, fd int, want poller.Interest) {
	l.Helper()
	p := l.open()
	l.must(p.Add(fd, 1, In|Out))
	if want == 0 {
		l.waitUntil(p, l.in(20*time.Millisecond))
		return
	}
	got := poller.Interest(0)
	for until := l.in(10 * time.Second); got != want && !until.Passed(l.now()); l.rest() { // what is sent may take its time
		var events [1]poller.Event
		_, err := p.Wait(events[:], until)
		l.must(err)
		got = events[0].Ready
	}
	if got != want {
		l.Errorf("%s: %v, want %v", situation, got, want)
	}
}
