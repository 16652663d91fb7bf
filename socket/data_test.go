//go:build unix

package socket_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
)

// Data returns all input and then the end of input: from a stream, from a datagram socket, and with
// SO_RCVLOWAT.
func TestDataShowsWhatHasCome(t *testing.T) {
	t.Parallel()
	both(t, func(l *lab) {
		c, s := l.pair()
		for _, text := range []string{"a", "some more", strings.Repeat("much ", 50_000)} {
			join := l.beside(func(l *lab) { l.asleep(s); l.send(c, text) })
			got := []byte{}
			for len(got) < len(text) {
				p, err := s.Data()
				l.must(err)
				if len(p) == 0 || len(p) > 128<<10 || l.r == nil && len(p) > desc.ScratchSize {
					l.fatalf("%d bytes at once", len(p))
				}
				got = append(got, p...)
			}
			join()
			l.data(got, nil, text)
		}
		l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 4))
		l.send(c, "ab")
		join := l.beside(func(l *lab) { l.asleep(s); l.send(c, "cd") })
		p, err := s.Data()
		join()
		l.data(p, err, "abcd")
		l.must(c.Close())
		if p, err := s.Data(); len(p) != 0 || err != io.EOF {
			l.fatalf("at the end: %q, %v", p, err)
		}
		u := l.udp()
		for _, text := range []string{"datagram", "", strings.Repeat("x", 9000)} {
			_, err := u.SendTo([]byte(text), l.addr(u))
			l.must(err)
			p, err := u.Data()
			l.data(p, err, text)
		}
		l.must(u.SetTimeout(0))
		_, err = u.Data()
		l.errno(err, syscall.EAGAIN)
		l.must(u.Close())
		_, err = u.Data()
		l.errno(err, syscall.EBADF)
	})
}

// In a goroutine, the result of Data stays valid while other sockets receive. It also stays valid
// when its own socket is closed.
func TestDataOfAGoroutineIsItsOwnUntilTheNext(t *testing.T) {
	parked(t, func(l *lab) {
		c, s := l.pair()
		d, u := l.pair()
		l.send(c, "first")
		p, err := s.Data()
		for range 100 {
			l.send(d, "other")
			_, err := u.Data()
			l.must(err)
		}
		l.data(p, err, "first")
		l.must(s.Close())
		for range 100 {
			l.send(d, "other")
			_, err := u.Data()
			l.must(err)
		}
		l.data(p, nil, "first")
	})
}

// A task sends the result of Data to a socket without room. While it waits, another task receives
// into the same buffer. The peer must get the right bytes, with every method that sends, and even
// if the call first waits for its turn.
func TestASendThatWaitsKeepsTheLoopsBuffer(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	const text = "what the first task has received"
	worlds := map[string]func(testing.TB, func(*lab)){"task": inTask, "simulated": onLinux}
	for name, send := range map[string]func(s *socket.Socket, p []byte) (int, error){
		"Send":    (*socket.Socket).Send,
		"SendAll": (*socket.Socket).SendAll,
		"Write":   (*socket.Socket).Write,
		"SendTo":  func(s *socket.Socket, p []byte) (int, error) { return s.SendTo(p, socket.Tuple("127.0.0.1", 1)) },
	} {
		for _, second := range []bool{false, true} {
			for world, in := range worlds {
				t.Run(fmt.Sprint(name, "/", second, "/", world), func(t *testing.T) {
					in(t, func(l *lab) {
						for !l.keepsLent(text, second, send) {
						}
					})
				})
			}
		}
	}
}

// keepsLent returns false if the call did not wait, because the kernel has found room meanwhile.
func (l *lab) keepsLent(text string, second bool, send func(*socket.Socket, []byte) (int, error)) bool {
	c, s := l.pair()
	out, peer := l.pair()
	l.must(out.SetTimeout(0))
	filled := l.fill(out)
	l.must(out.SetBlocking(true))
	before := 0
	joinFirst := func() {}
	if second {
		before = 1
		sent := atomic.Bool{}
		joinFirst = l.beside(func(l *lab) { _, err := out.Send([]byte("-")); l.must(err); sent.Store(true) })
		l.asleepOr(out, &sent)
	}
	l.send(c, text)
	sent := atomic.Bool{}
	join := l.beside(func(l *lab) {
		p, err := s.Data()
		l.data(p, err, text)
		n, err := send(out, p)
		sent.Store(true)
		if err != nil || n != len(text) {
			l.fatalf("sent %d, %v", n, err)
		}
	})
	l.asleepOr(out, &sent)
	l.pass()
	l.pass()
	if sent.Load() {
		joinFirst()
		join()
		return false
	}
	d, u := l.pair()
	l.send(d, strings.Repeat("overwritten ", 100))
	_, err := u.Data()
	l.must(err)
	got := []byte{}
	for len(got) < filled+before+len(text) {
		p, err := peer.Recv(1 << 20)
		l.must(err)
		got = append(got, p...)
	}
	joinFirst()
	join()
	l.data(got[filled+before:], nil, text)
	return true
}

// The buffer of the loop also stays valid if a Send has used up the budget of its task and yields
// before the rest.
func TestASendThatRestsKeepsTheLoopsBuffer(t *testing.T) {
	if !longtest.Default(t, "hundreds of sends that yield") {
		return
	}
	for world, in := range map[string]func(testing.TB, func(*lab)){"task": inTask, "simulated": onLinux} {
		t.Run(world, func(t *testing.T) {
			in(t, func(l *lab) {
				c, s := l.pair()
				u := l.udp()
				other := l.udp()
				ended := false
				join := l.beside(func(l *lab) {
					for !ended {
						_, err := other.SendTo([]byte("overwritten"), l.addr(other))
						l.must(err)
						_, err = other.Data()
						l.must(err)
					}
				})
				for range 300 {
					l.send(c, "as it was")
					p, err := s.Data()
					l.must(err)
					_, err = u.SendTo(p, l.addr(u))
					l.must(err)
					got, err := u.Recv(100)
					l.data(got, err, "as it was")
				}
				ended = true
				join()
			})
		})
	}
}

func onLinux(t testing.TB, f func(*lab)) { simulated(t, sim.Linux, f) }

// Misuse of Data panics with a message that says what to do. One case is a second reader. Another
// is a callback that has the descriptor.
func TestMisuseOfDataSaysWhatToDo(t *testing.T) {
	both(t, func(l *lab) {
		_, s := l.pair()
		join := l.beside(func(l *lab) { // Close ends this call
			_, err := s.Data()
			l.errno(err, syscall.EBADF)
		})
		l.asleep(s)
		l.panics("takes turns", func() { _, _ = s.Data() })
		l.must(s.Close())
		join()
		if l.r == nil {
			return
		}
		_, s = l.pair()
		w, err := l.r.Watch(s.Fileno(), poller.In, func(poller.Readiness) {})
		l.must(err)
		l.panics("Stop the Watch", func() { _, _ = s.Data() })
		w.Stop()
		l.must(s.SetTimeout(0))
		_, err = s.Data()
		l.errno(err, syscall.EAGAIN)

		done := false
		l.must(l.r.Post(func() {
			_, err = s.Data()
			done = true
		}))
		l.until("post", func() bool { return done })
		l.errno(err, syscall.EDEADLK)
		if !strings.Contains(err.Error(), "RecvInto") {
			l.fatalf("it does not say what to do: %v", err)
		}
	})
}

func (l *lab) panics(with string, f func()) {
	l.t.Helper()
	defer func() {
		if v := recover(); !strings.Contains(fmt.Sprint(v), with) {
			l.t.Errorf("panic: %v, want %q", v, with)
		}
	}()
	f()
	l.t.Errorf("no panic, want %q", with)
}

// A task is cancelled while it waits in Data. It waits again, and is unwound. Then another task can
// read, so the turn was not lost.
func TestDataOfACancelledTask(t *testing.T) {
	for world, in := range map[string]func(testing.TB, func(*lab)){"task": inTask, "simulated": onLinux} {
		t.Run(world, func(t *testing.T) {
			in(t, func(l *lab) {
				c, s := l.pair()
				task := l.task.Go(func(*reactor.Task) {
					_, err := s.Data()
					if !errors.Is(err, syscall.ECANCELED) {
						l.t.Error(err)
					}
					_, _ = s.Data()
					l.t.Error("it goes on")
				})
				l.asleep(s)
				task.Cancel()
				_, err := l.task.Join(task)
				if err != reactor.ErrUnwound {
					l.fatalf("Join: %v", err)
				}
				l.send(c, "next")
				p, err := s.Data()
				l.data(p, err, "next")
			})
		})
	}
}
