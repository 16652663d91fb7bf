package sim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
)

// A bench makes calls on the host's kernel or on a simulated one, and records their results.
type bench struct {
	t    *testing.T
	k    kernel.Kernel
	wait func() // waits until everything has arrived
	open []int
	said []string
}

func (b *bench) say(what string, v ...any) {
	for i := range v {
		if e, is := v[i].(kernel.Errno); is {
			v[i] = sim.ErrnoName(e)
			if e == 0 {
				v[i] = "ok"
			}
		}
	}
	b.said = append(b.said, what+": "+strings.TrimSpace(fmt.Sprintln(v...)))
}

func (b *bench) socket(family, typ int) int {
	fd, e := b.k.Socket(family, typ, 0)
	if e != 0 {
		b.t.Fatal(e)
	}
	b.open = append(b.open, fd)
	return fd
}

func (b *bench) tcp() int  { return b.socket(kernel.AF_INET, kernel.SOCK_STREAM) }
func (b *bench) tcp6() int { return b.socket(kernel.AF_INET6, kernel.SOCK_STREAM) }
func (b *bench) udp() int  { return b.socket(kernel.AF_INET, kernel.SOCK_DGRAM) }

func (b *bench) close(fd int) {
	b.k.Close(fd)
	for i := range b.open {
		if b.open[i] == fd {
			b.open[i] = -1
		}
	}
}

func in(s string) kernel.Addr { return kernel.Inet(addr(s)) }

// listen makes a listener at a port that the kernel chooses.
func (b *bench) listen(family int, at kernel.Addr, backlog int) (fd int, a kernel.Addr) {
	fd = b.socket(family, kernel.SOCK_STREAM)
	b.k.Bind(fd, at)
	if e := b.k.Listen(fd, backlog); e != 0 {
		b.t.Fatal(e)
	}
	a, _ = b.k.LocalAddr(fd)
	return fd, a
}

func (b *bench) get(what string, fd, level, name int) {
	n, e := b.k.GetOpt(fd, level, name)
	b.say("get "+what, n, e)
}

// set sets an option to each value and reads it back.
func (b *bench) set(what string, fd, level, name int, values ...int) {
	for _, v := range values {
		b.say(fmt.Sprint("set ", what, " ", v), b.k.SetOpt(fd, level, name, v))
		b.get(what, fd, level, name)
	}
}

func (b *bench) ready(what string, fd int) {
	r, e := b.k.Ready(fd)
	b.say(what, r&(poller.In|poller.Out|poller.Err|poller.Hup), e)
}

var anyPort = in("127.0.0.1:0")
