package sim_test

import (
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// A descriptor with an endless peer is never empty: each receive gets data, and each accept a
// connection, also if the data is larger than the buffers.
func TestAnEndlessPeerNeverPauses(t *testing.T) {
	for _, size := range []int{3, 1000, 3000, 9000} {
		w := sim.New(1, sim.Options{Buffer: 4096})
		h := w.Host("10.0.0.1")
		tcp, _, tcpListener := twoEnds(t, w, h, kernel.AF_INET)
		stream, _, listener := twoEnds(t, w, h, kernel.AF_UNIX)
		udp, _ := datagramSocket(h, "10.0.0.1:9")
		to, _ := datagramSocket(h, "10.0.0.1:10")
		h.Connect(to, kernel.Inet(addr("10.0.0.1:9")))
		grams, _ := h.Socket(kernel.AF_UNIX, kernel.SOCK_DGRAM, 0)
		for name, c := range map[string]struct {
			fd   int
			from string
		}{"tcp": {tcp, "127.0.0.1:7"}, "unix": {stream, ""}, "udp": {udp, "127.0.0.1:9"}, "connected udp": {to, "10.0.0.1:9"}, "unixgram": {grams, ""}} {
			if e := h.Endless(c.fd, make([]byte, size)); e != 0 {
				t.Fatal(name, e)
			}
			for i := range 50 {
				n, from, e := h.RecvFrom(c.fd, make([]byte, 1+i*50), 0)
				if n == 0 || e != 0 || from.String() != c.from {
					t.Fatalf("%s, %d bytes: receive %d: %d bytes from %q, %v", name, size, i, n, from, e)
				}
			}
		}
		for name, fd := range map[string]int{"tcp": tcpListener, "unix": listener} {
			if e := h.Endless(fd, nil); e != 0 {
				t.Fatal(name, e)
			}
			for i := range 50 {
				conn, _, e := h.Accept(fd)
				if e != 0 {
					t.Fatalf("%s: accept %d: %v", name, i, e)
				}
				h.Close(conn)
			}
		}
		w.Close()
	}
}
