//go:build unix

package socket_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
)

// The tests of this file check for how many bytes a receive waits. Each test makes every call of
// the recv family. The peer sends the data in parts, and sends a part only when the receiver waits
// for it. So the test notices a call that returns with too few bytes.

type receiver struct {
	name string
	do   func(s *socket.Socket, n, flags int) (string, error)
}

var receivers = []receiver{
	{"Recv", func(s *socket.Socket, n, flags int) (string, error) {
		p, err := s.RecvFlags(n, flags)
		return string(p), err
	}},
	{"RecvFrom", func(s *socket.Socket, n, flags int) (string, error) {
		p, _, err := s.RecvFromFlags(n, flags)
		return string(p), err
	}},
	{"RecvInto", func(s *socket.Socket, n, flags int) (string, error) {
		p := make([]byte, n)
		n, err := s.RecvIntoFlags(p, flags)
		return string(p[:n]), err
	}},
	{"RecvFromInto", func(s *socket.Socket, n, flags int) (string, error) {
		p := make([]byte, n)
		n, _, err := s.RecvFromIntoFlags(p, flags)
		return string(p[:n]), err
	}},
}

// least runs f for each receiving call, with MSG_WAITALL and with SO_RCVLOWAT. The call waits for 4
// bytes, and has room for room bytes.
func least(t *testing.T, f func(l *lab, s, peer *socket.Socket, take func(peek int) (string, error))) {
	both(t, func(l *lab) {
		for _, r := range receivers {
			for _, lowat := range []bool{false, true} {
				peer, s := l.pair()
				flags, n := socket.MSG_WAITALL, 4
				if lowat {
					l.must(s.SetSockOpt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 4))
					flags, n = 0, 10
				}
				l.note = fmt.Sprintf("%s, SO_RCVLOWAT %v: ", r.name, lowat)
				f(l, s, peer, func(peek int) (string, error) { return r.do(s, n, flags|peek) })
				l.must(peer.Close())
				l.must(s.Close())
			}
		}
	})
}

func TestReceiveWaitsForItsLeast(t *testing.T) {
	least(t, func(l *lab, s, peer *socket.Socket, take func(int) (string, error)) {
		for _, limit := range []float64{-1, 50} {
			l.must(s.SetBlocking(true))
			if limit > 0 {
				l.must(s.SetTimeout(seconds(limit)))
			}
			l.send(peer, "a")
			join := l.beside(func(l *lab) {
				l.asleep(s)
				l.send(peer, "b")
				l.pass()
				l.send(peer, "cd")
			})
			got, err := take(0)
			join()
			l.data([]byte(got), err, "abcd")
		}
	})
}

// The end of the stream ends the wait, and the next call returns the end of input.
func TestReceiveOfLessAtTheEnd(t *testing.T) {
	least(t, func(l *lab, s, peer *socket.Socket, take func(int) (string, error)) {
		l.send(peer, "ab")
		join := l.beside(func(l *lab) {
			l.asleep(s)
			l.must(peer.Shutdown(socket.SHUT_WR))
		})
		got, err := take(0)
		join()
		l.data([]byte(got), err, "ab")
		got, err = take(0)
		l.data([]byte(got), err, "")
	})
}

// A peek waits in the same way, and consumes nothing. The end of the stream ends its wait too,
// although the end comes behind the peeked bytes.
func TestPeekWaitsForItsLeast(t *testing.T) {
	least(t, func(l *lab, s, peer *socket.Socket, take func(int) (string, error)) {
		l.send(peer, "ab")
		join := l.beside(func(l *lab) {
			l.asleep(s)
			l.send(peer, "cd")
		})
		got, err := take(socket.MSG_PEEK)
		join()
		l.data([]byte(got), err, "abcd")
		got, err = take(0)
		l.data([]byte(got), err, "abcd")
		l.send(peer, "ef")
		l.must(peer.Shutdown(socket.SHUT_WR))
		got, err = take(socket.MSG_PEEK)
		l.data([]byte(got), err, "ef")
		got, err = take(0)
		l.data([]byte(got), err, "ef")
	})
}

// At its deadline a receive returns the bytes that have arrived, and no error. If no bytes have
// arrived, it returns ETIMEDOUT, and not too early.
func TestReceiveOfLessAtTheDeadline(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	t.Parallel()
	least(t, func(l *lab, s, peer *socket.Socket, take func(int) (string, error)) {
		l.must(s.SetTimeout(seconds(0.02)))
		for _, peek := range []int{socket.MSG_PEEK, 0} {
			if peek != 0 {
				l.send(peer, "ab")
			}
			begin := l.now()
			got, err := take(peek)
			l.data([]byte(got), err, "ab")
			if took := l.now() - begin; took < 20e6 {
				l.fatalf("has waited %v", took)
			}
		}
		if got, err := take(0); got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
			l.fatalf("with nothing: %q, %v", got, err)
		}
	})
}

// A receive that never waits returns the bytes that are available.
func TestReceiveThatNeverWaitsTakesWhatIsThere(t *testing.T) {
	least(t, func(l *lab, s, peer *socket.Socket, take func(int) (string, error)) {
		for _, flags := range []int{0, socket.MSG_DONTWAIT} {
			l.must(s.SetBlocking(flags != 0))
			l.send(peer, "ab")
			l.until("bytes", func() bool { got, _ := s.RecvFlags(9, socket.MSG_PEEK|socket.MSG_DONTWAIT); return string(got) == "ab" })
			got, err := take(flags)
			l.data([]byte(got), err, "ab")
			_, err = take(flags)
			l.errno(err, syscall.EAGAIN)
		}
	})
}

// A receive returns the bytes before a reset together with the error of the reset. No later call
// returns that error again.
func TestReceiveOfLessAtAReset(t *testing.T) {
	both(t, func(l *lab) {
		for _, r := range receivers {
			peer, s := l.pair()
			l.send(peer, "ab")
			join := l.beside(func(l *lab) {
				l.asleep(s)
				l.until("the bytes' end", func() bool {
					_, err := s.RecvFlags(9, socket.MSG_PEEK|socket.MSG_DONTWAIT)
					return errors.Is(err, syscall.EAGAIN)
				})
				l.must(peer.SetSockOpt(socket.SOL_SOCKET, socket.SO_LINGER, []byte{1, 0, 0, 0, 0, 0, 0, 0}))
				l.must(peer.Close())
			})
			got, err := r.do(s, 4, socket.MSG_WAITALL)
			join()
			if got != "ab" || !errors.Is(err, syscall.ECONNRESET) {
				l.fatalf("%s: %q, %v", r.name, got, err)
			}
		}
	})
}

// A receive can wait for more bytes than a budget allows, and for more than the receive buffer
// holds. An accepted socket has the SO_RCVLOWAT of its listener.
func TestReceiveOfManyBytes(t *testing.T) {
	if !longtest.Default(t, "many bytes") {
		return
	}
	both(t, func(l *lab) {
		all := strings.Repeat("0123456789abcdef", 1<<16)
		for _, r := range receivers {
			peer, s := l.pair()
			join := l.beside(func(l *lab) { l.send(peer, all) })
			got, err := r.do(s, len(all), socket.MSG_WAITALL)
			join()
			if err != nil || got != all {
				l.fatalf("%s: %d bytes, %v", r.name, len(got), err)
			}
		}
		listener := l.listener()
		l.must(listener.SetSockOpt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 2))
		c := l.tcp()
		l.must(c.Connect(l.addr(listener)))
		s, _, err := listener.Accept()
		l.must(err)
		l.own(s)
		l.send(c, "a")
		join := l.beside(func(l *lab) { l.asleep(s); l.send(c, "b") })
		l.recv(s, 9, "ab")
		join()
	})
}
