package sel_test

import (
	"errors"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// An ICMP error is in the error queue of a socket (IP_RECVERR). A Poll reports ERR until the queue
// is read, as poll(2) does. recv returns the error once and leaves it in the queue. After that a
// Recv sleeps, and the socket works as before.
func TestErrorQueue(t *testing.T) {
	onHost(t, func(l *lab) {
		for _, v := range []struct {
			family, level, name int
			host                string
		}{
			{socket.AF_INET, unix.IPPROTO_IP, unix.IP_RECVERR, "127.0.0.1"},
			{socket.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, "::1"},
		} {
			s := l.create(v.family, socket.SOCK_DGRAM, 0)
			peer := l.create(v.family, socket.SOCK_DGRAM, 0)
			if err := peer.Bind(socket.Tuple(v.host, 0)); err != nil {
				t.Log(err)
				continue
			}
			dead, err := peer.LocalAddr()
			must(err)
			must(peer.Close())
			must(s.Bind(socket.Tuple(v.host, 0)))
			must(s.SetSockOpt(v.level, v.name, 1))
			p := l.poll(s)
			_, err = s.SendTo([]byte("x"), dead)
			must(err)
			l.expect(p, guard, is{s: OUT | ERR})
			_, err = s.Recv(9)
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("Recv: %v", err)
			}
			l.expect(p, 0, is{s: OUT | ERR})
			must(p.Modify(s, 0))
			l.expect(p, guard, is{s: ERR})
			join := l.elsewhere(func() {
				if got, err := s.Recv(9); err != nil || string(got) != "later" {
					t.Errorf("Recv: %q, %v", got, err)
				}
			})
			l.pass()
			at, err := s.LocalAddr()
			must(err)
			from := l.create(v.family, socket.SOCK_DGRAM, 0)
			_, err = from.SendTo([]byte("later"), at)
			must(err)
			join()
			if _, e := kernel.Host.Recv(s.Fileno(), make([]byte, 9), unix.MSG_ERRQUEUE); e != 0 {
				t.Error("the queue: ", e)
			}
			must(p.Modify(s, IN|OUT))
			l.expect(p, 0, is{s: OUT})
			must(from.Close())
			must(s.Close())
		}
	})
}
