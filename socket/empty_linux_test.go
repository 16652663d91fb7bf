package socket_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
)

// After a recv that has emptied the socket, the next recv sleeps before it tries. It must not miss
// input that arrives in between. One recv may return only a part of that input, because it stops at
// an urgent byte, or because a FIN follows.
func TestNothingIsMissedAfterATakenAll(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	both(t, func(l *lab) {
		if l.isSimulated() {
			return // this kind of socket has no urgent data
		}
		for range 20 {
			c, s := l.pair()
			l.must(c.SetSockOpt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1))
			p := make([]byte, 100)
			want := func(text string) {
				l.t.Helper()
				got := ""
				for len(got) < len(text) {
					n, err := s.RecvInto(p)
					l.must(err)
					if n == 0 {
						break
					}
					got += string(p[:n])
				}
				if got != text {
					l.fatalf("got %q, want %q", got, text)
				}
			}
			join := l.beside(func(l *lab) {
				l.asleep(s) // so that it is registered
				l.send(c, "x")
			})
			want("x")
			join()
			l.send(c, "ab")
			l.must(syscall.Sendto(c.Fileno(), []byte("c"), syscall.MSG_OOB, nil))
			l.send(c, "de")
			time.Sleep(time.Millisecond)
			want("abde")
			l.send(c, "fg")
			time.Sleep(time.Millisecond)
			l.must(s.SetTimeout(1)) // however short the timeout is, input that waits causes no ETIMEDOUT
			want("fg")
			l.must(s.SetBlocking(true))
			l.send(c, "hi")
			l.must(c.Close())
			time.Sleep(time.Millisecond)
			want("hi")
			if n, err := s.RecvInto(p); n != 0 || err != nil {
				l.fatalf("at the end: %d bytes, %v", n, err)
			}
		}
	})
}

// After such a recv, calls that need no Event must return at once. An accept on a connection
// returns EINVAL, and so does a recv of an urgent byte if there is none.
func TestOtherCallsAfterATakenAll(t *testing.T) {
	both(t, func(l *lab) {
		if l.isSimulated() {
			return // this kind of socket has no urgent data
		}
		c, s := l.pair()
		calls := map[string]func() error{
			"accept":      func() error { _, _, err := s.Accept(); return err },
			"urgent":      func() error { _, err := s.RecvIntoFlags(make([]byte, 1), syscall.MSG_OOB); return err },
			"urgent from": func() error { _, _, err := s.RecvFromFlags(1, syscall.MSG_OOB); return err },
		}
		for name, call := range calls {
			join := l.beside(func(l *lab) {
				l.asleep(s) // so that it is registered
				l.send(c, "x")
			})
			n, err := s.RecvInto(make([]byte, 100))
			l.must(err)
			join()
			if err = call(); n != 1 || number(err) != syscall.EINVAL {
				t.Errorf("%s: %v, want EINVAL", name, err)
			}
		}
	})
}
