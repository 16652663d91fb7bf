//go:build unix

package socket_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/reactor"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
)

// A simulated host refuses raw sockets and ICMP, and the error says so. It refuses other protocols
// as the real host does.
func TestSimulatedHostRefusesRawSocketsByName(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	h.Boot("main", func() {
		r, err := reactor.New(reactor.WithKernel(h))
		if err != nil {
			t.Error(err)
			return
		}
		for _, test := range []struct {
			family, typ, proto int
			named              bool
		}{
			{socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP, true},
			{socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP, true},
			{socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6, true},
			{socket.AF_INET, socket.SOCK_RAW, 99, true},
			{socket.AF_INET, socket.SOCK_STREAM, 99, false},
		} {
			_, err := socket.NewOn(r, test.family, test.typ, test.proto)
			if !errors.Is(err, syscall.EPROTONOSUPPORT) || strings.Contains(err.Error(), "a simulated host has no raw sockets") != test.named {
				t.Errorf("%+v: %v", test, err)
			}
		}
		r.Close()
	})
	if err := w.Run(time.Second); err != nil {
		t.Error(err)
	}
}
