//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/internal/longtest"
	"github.com/ureactor/ureactor/netconn"
	"github.com/ureactor/ureactor/reactor"
)

// Two goroutines move the deadline repeatedly into the past and into the future. A call that the
// deadline has ended returns os.ErrDeadlineExceeded, even if the deadline has been moved into the
// future before the error is made.
func TestDeadlineThatIsMovedMeanwhile(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (net.Conn, net.Conn){
		"plain": func(t *testing.T) (net.Conn, net.Conn) {
			a, b, stop, err := pipe(t, "tcp4")()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(stop)
			return a, b
		},
		"TLS": func(t *testing.T) (net.Conn, net.Conn) { a, b := tlsPair(t); return a, b },
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := open(t)
			var all sync.WaitGroup
			stop := make(chan struct{})
			for i := range uint64(2) {
				random := rand.New(rand.NewPCG(i, 1))
				all.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							c.SetReadDeadline(time.Now().Add(time.Duration(random.IntN(200)-100) * time.Microsecond))
						}
					}
				})
			}
			for range longtest.Count(300, 500, 5000) {
				if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%d, %v", n, err)
					break
				}
			}
			close(stop)
			all.Wait()
		})
	}
}

// timesOut is a kernel on which every connection has ended with an ETIMEDOUT of TCP itself.
type timesOut struct{ kernel.Kernel }

func (timesOut) Recv(int, []byte, int) (int, kernel.Errno) { return 0, kernel.ETIMEDOUT }
func (timesOut) Send(int, []byte, int) (int, kernel.Errno) { return 0, kernel.ETIMEDOUT }

// An ETIMEDOUT of the kernel is not os.ErrDeadlineExceeded, because the connection itself has
// ended.
func TestTimeoutOfTheKernel(t *testing.T) {
	r, err := reactor.New(reactor.WithKernel(timesOut{kernel.Host}))
	if err != nil {
		t.Fatal(err)
	}
	r.Go(func(*reactor.Task) {
		defer r.Close()
		n := netconn.On(r)
		l, err := n.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Error(err)
			return
		}
		defer l.Close()
		for range 2 {
			c, err := n.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Hour))
			secure := netconn.Client(c, clientConfig())
			for _, err := range []error{second(c.Read(make([]byte, 1))), second(io.WriteString(c, "x")), secure.Handshake()} {
				if !errors.Is(err, syscall.ETIMEDOUT) || errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%v", err)
				}
			}
		}
	})
	if err := r.Run(context.Background()); err != nil {
		t.Error(err)
	}
}
