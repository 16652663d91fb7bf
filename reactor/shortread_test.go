//go:build unix

package reactor

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/kernel"
)

// A read may return fewer bytes than the buffer has room for, although more wait. The rest must be
// read, even if no other Event reports it.
func TestShortReadIsNotTheLast(t *testing.T) {
	cases := map[string]func(t *testing.T) (server, peer int, send func()){
		// recv stops before TCP's urgent byte.
		"urgent byte": func(t *testing.T) (int, int, func()) {
			a, b := tcpPair(t)
			return a, b, func() {
				unix.Write(b, []byte("abc"))
				unix.Sendmsg(b, []byte("!"), nil, nil, unix.MSG_OOB)
				unix.Write(b, []byte("def"))
			}
		},
		// recv stops where descriptors were passed.
		"passed descriptor": func(t *testing.T) (int, int, func()) {
			a, b := pair(t)
			return a, b, func() {
				unix.Sendmsg(b, []byte("abc"), unix.UnixRights(b), nil, 0)
				unix.Write(b, []byte("def"))
			}
		},
	}
	for name, setUp := range cases {
		t.Run(name, func(t *testing.T) {
			r := manual(t)
			a, b, send := setUp(t)
			defer unix.Close(b)
			send()
			got := ""
			adoptFD(t, r, a, &hooks{data: func(_ *Conn, p []byte) { got += string(p) }},
				listenOption(func(o *sockOptions) error { o.edge = name == "urgent byte" && kernel.ReadsFully(r.k); return nil }))
			for range 10_000 {
				r.Turn(0)
				runtime.Gosched()
				if len(got) == 6 {
					break
				}
			}
			if got != "abcdef" {
				t.Errorf("read %q, want abcdef", got)
			}
		})
	}
}

// If a kernel returns only a few bytes from each read, no byte is lost.
func TestShortReadsOfAKernelLoseNothing(t *testing.T) {
	twice(t, func(t *lab) {
		k := t.faults()
		turn := 0
		k.recv = func(fd int, p []byte) (int, kernel.Errno, bool) {
			turn++
			n, e := k.Kernel.Recv(fd, p[:min(len(p), turn%5001+1)], 0)
			return n, e, true
		}
		t.reactor(WithKernel(k))
		c := t.dial(t.listen("tcp", acceptEcho))
		sent := pattern(1 << 20)
		c.sendAndFIN(sent)
		c.wantAll(sent)
	})
}
