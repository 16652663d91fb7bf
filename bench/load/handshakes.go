package load

import (
	"errors"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// runHandshakes is a slice with Churn over TLS. Each client has a goroutine, whose cost is small
// compared with the cryptography.
func (l *loader) runHandshakes(d time.Duration) (Slice, error) {
	runtime.GC() // automatic collections are off
	var all sync.WaitGroup
	var lives, made atomic.Int64
	errs := make([]error, l.shape.Active)
	start := time.Now()
	for i := range errs {
		all.Go(func() {
			for first := true; errs[i] == nil && (first || time.Since(start) < d); first = false {
				if errs[i] = greet(source(int(made.Add(1))), l.addr, l.payload); errs[i] == nil {
					lives.Add(1)
				}
			}
		})
	}
	all.Wait()
	return Slice{Messages: lives.Load(), Took: time.Since(start)}, errors.Join(errs...)
}

// source returns the address from which the nth connection comes. See dial.
func source(n int) *net.TCPAddr { return &net.TCPAddr{IP: net.IP(sourceAddr(n)[:])} }

func sourceAddr(n int) *[4]byte { return &[4]byte{127, 0, 1, byte(1 + n%200)} }

// anyPort lets connect choose the port.
func anyPort(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1) })
}
