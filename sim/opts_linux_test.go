package sim_test

import (
	"fmt"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
)

// An option has a level, a name, and values that the test sets.
type option struct {
	what        string
	level, name int
	values      []int
}

// tcpQuickAck is TCP_QUICKACK, whose initial value is not 0.
const tcpQuickAck = 12

var flags = []option{
	{"SO_REUSEADDR", kernel.SOL_SOCKET, kernel.SO_REUSEADDR, []int{1, 7, 0}},
	{"SO_REUSEPORT", kernel.SOL_SOCKET, kernel.SO_REUSEPORT, []int{1, 7, 0}},
	{"SO_KEEPALIVE", kernel.SOL_SOCKET, kernel.SO_KEEPALIVE, []int{1, 7, 0}},
	{"SO_BROADCAST", kernel.SOL_SOCKET, kernel.SO_BROADCAST, []int{1, 7, 0}},
	{"SO_DONTROUTE", kernel.SOL_SOCKET, kernel.SO_DONTROUTE, []int{1, 7, 0}},
	{"SO_OOBINLINE", kernel.SOL_SOCKET, kernel.SO_OOBINLINE, []int{1, 7, 0}},
	{"TCP_NODELAY", kernel.IPPROTO_TCP, kernel.TCP_NODELAY, []int{1, 7, 0}},
}

var others = []option{
	{"TCP_QUICKACK", kernel.IPPROTO_TCP, tcpQuickAck, nil},
	{"TCP_MAXSEG", kernel.IPPROTO_TCP, kernel.TCP_MAXSEG, nil},
	{"SO_RCVLOWAT", kernel.SOL_SOCKET, kernel.SO_RCVLOWAT, []int{5, 1}},
	{"SO_TYPE", kernel.SOL_SOCKET, kernel.SO_TYPE, nil},
	{"SO_ACCEPTCONN", kernel.SOL_SOCKET, kernel.SO_ACCEPTCONN, nil},
	{"SO_ERROR", kernel.SOL_SOCKET, kernel.SO_ERROR, nil},
	{"IP_TTL", kernel.IPPROTO_IP, kernel.IP_TTL, []int{1, 255}},
	{"IP_TOS", kernel.IPPROTO_IP, kernel.IP_TOS, []int{0x10, 0}},
}

// tried reads an option, and sets it to each value and reads it again.
func tried(k kernel.Kernel, family, typ int, o option) (log []string) {
	fd, e := k.Socket(family, typ, 0)
	log = append(log, fmt.Sprint("socket ", e))
	defer k.Close(fd)
	get := func() {
		n, e := k.GetOpt(fd, o.level, o.name)
		log = append(log, fmt.Sprint(n, e))
	}
	get()
	for _, v := range o.values {
		log = append(log, fmt.Sprint("set ", v, k.SetOpt(fd, o.level, o.name, v)))
		get()
	}
	return log
}

var sockets = []struct {
	what        string
	family, typ int
}{
	{"tcp", kernel.AF_INET, kernel.SOCK_STREAM}, {"udp", kernel.AF_INET, kernel.SOCK_DGRAM},
	{"unix", kernel.AF_UNIX, kernel.SOCK_STREAM}, {"unixgram", kernel.AF_UNIX, kernel.SOCK_DGRAM},
}

// For each option and each kind of socket, the default and the value after each setsockopt are the
// same as on this machine.
func TestOptionsAreThoseOfLinux(t *testing.T) {
	w := sim.New(1, sim.Options{})
	defer w.Close()
	h := w.Host("10.0.0.1")
	for _, s := range sockets {
		for _, o := range append(flags, others...) {
			if o.what == "SO_REUSEPORT" && s.family == kernel.AF_UNIX {
				continue // newer kernels refuse this option
			}
			got, want := tried(h, s.family, s.typ, o), tried(kernel.Host, s.family, s.typ, o)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s of %s: %v\nLinux: %v", o.what, s.what, got, want)
			}
		}
	}
}

// If a flag is on, getsockopt of a BSD returns the flag's own bit (see sys/socket.h). Every value
// but 0 turns the flag on.
func TestFlagsOfABSDAreTheirBits(t *testing.T) {
	bits := map[string]int{"SO_REUSEADDR": 0x4, "SO_KEEPALIVE": 0x8, "SO_DONTROUTE": 0x10, "SO_BROADCAST": 0x20, "SO_OOBINLINE": 0x100,
		"SO_REUSEPORT": 0x200, "TCP_NODELAY": 0x4}
	for _, k := range []sim.Kernel{sim.FreeBSD, sim.NetBSD} {
		w := sim.New(1, sim.Options{Kernel: k})
		defer w.Close()
		h := w.Host("10.0.0.1")
		for _, o := range flags {
			got := fmt.Sprint(tried(h, kernel.AF_INET, kernel.SOCK_STREAM, o)[1:])
			on, off := fmt.Sprint(bits[o.what], kernel.Errno(0)), fmt.Sprint(0, kernel.Errno(0))
			var want []string
			for i, n := range append([]int{0}, o.values...) {
				if i > 0 {
					want = append(want, fmt.Sprint("set ", n, kernel.Errno(0)))
				}
				if n == 0 {
					want = append(want, off)
				} else {
					want = append(want, on)
				}
			}
			if got != fmt.Sprint(want) {
				t.Errorf("%v: %s: %s\nwant %s", k, o.what, got, want)
			}
		}
	}
}

// Unsent returns the number of bytes that the peer's kernel has not received yet. For a listener
// FreeBSD returns an error.
func TestUnsentOfEachKernel(t *testing.T) {
	for _, k := range []sim.Kernel{sim.Linux, sim.FreeBSD, sim.NetBSD} {
		w := sim.New(1, sim.Options{Kernel: k})
		defer w.Close()
		h := w.Host("10.0.0.1")
		fd, _ := h.Socket(kernel.AF_INET, kernel.SOCK_STREAM, 0)
		if n, e := h.Unsent(fd); n != 0 || e != 0 {
			t.Errorf("%v: a socket: %d, %v", k, n, e)
		}
		if e := h.Listen(fd, 1); e != 0 {
			t.Fatal(e)
		}
		want := kernel.Errno(0)
		if k == sim.FreeBSD {
			want = kernel.EINVAL
		}
		if n, e := h.Unsent(fd); n != 0 || e != want {
			t.Errorf("%v: a listener: %d, %v, want %v", k, n, e, want)
		}
		h.Close(fd)
		if n, e := h.Unsent(fd); n != 0 || e != kernel.EBADF {
			t.Errorf("%v: closed: %d, %v", k, n, e)
		}
	}
}
