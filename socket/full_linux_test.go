package socket_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/socket"
)

// The queue of a Unix receiver is full. A datagram for it waits for room, without spinning. (On
// Linux each refused datagram causes an Event at its sender.)
func TestFullUnixReceiver(t *testing.T) {
	if !longtest.Default(t, "it waits for real time") {
		return
	}
	both(t, func(l *lab) {
		receiver, others, s := l.socket(socket.AF_UNIX, dgram), l.socket(socket.AF_UNIX, dgram), l.socket(socket.AF_UNIX, dgram)
		l.must(receiver.Bind(socket.Path("")))
		at := l.addr(receiver)
		l.must(others.SetBlocking(false))
		for {
			if _, err := others.SendTo([]byte("x"), at); err != nil {
				l.errno(err, syscall.EAGAIN)
				break
			}
		}
		l.must(s.SetTimeoutSeconds(0.1))
		used := processorTime(l)
		begun := l.now()
		_, err := s.SendTo([]byte("y"), at)
		l.errno(err, syscall.ETIMEDOUT)
		d := l.now() - begun
		if d < 100*time.Millisecond {
			l.fatalf("early: %v", d)
		}
		if used = processorTime(l) - used; used > d/2 {
			l.fatalf("%v of the processor in %v", used, d)
		}
		l.must(s.SetBlocking(true))
		join := l.beside(func(l *lab) {
			l.asleep(s)
			l.recv(receiver, 10, "x")
		})
		n, err := s.SendTo([]byte("y"), at)
		l.must(err)
		if n != 1 {
			l.fatalf("%d bytes", n)
		}
		join()
	})
}

func processorTime(l *lab) time.Duration {
	var u syscall.Rusage
	l.must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
