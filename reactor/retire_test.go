//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package reactor_test

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/reactor"
)

// A connection has sent a reply and has unread input. Retired, during a drain, it delivers the reply and then EOF; a
// plain close would have reset it. Afterwards the number is closed.
func TestRetiredDescriptorDeliversWhatItSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r, err := reactor.New()
	if err != nil {
		t.Fatal(err)
	}
	k := r.Kernel()
	reply := make([]byte, 64<<10)
	got := make(chan int, 1)
	r.Go(func(task *reactor.Task) {
		at, _ := l.Addr().(*net.TCPAddr)
		fd, _ := k.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
		k.Connect(fd, kernel.Inet(at.AddrPort()))
		var peer net.Conn
		task.Await(func() {
			peer, _ = l.Accept()
			peer.Write(make([]byte, 100<<10))
		})
		for sent := 0; sent < len(reply); {
			n, e := k.Send(fd, reply[sent:], 0)
			if e != 0 && e != kernel.EAGAIN {
				t.Error(e)
				break
			}
			sent += n
		}
		r.Close()
		go func() {
			defer peer.Close()
			b, err := io.ReadAll(peer)
			if err != nil {
				t.Error(err)
			}
			got <- len(b)
		}()
		if err := r.Retire(fd); err != nil {
			t.Error(err)
		}
	})
	if err := r.Run(context.Background()); err != nil {
		t.Error(err)
	}
	if n := <-got; n != len(reply) {
		t.Errorf("the peer got %d bytes of %d", n, len(reply))
	}
}
