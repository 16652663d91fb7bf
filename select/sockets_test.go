//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sel_test

import (
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	sel "github.com/ureactor/ureactor/select"
	"github.com/ureactor/ureactor/socket"
)

// This file makes sockets for tests, through the Kernel of the lab.

// An object is the simplest type that can be polled by its descriptor.
type object struct {
	l *lab
	d *desc.Desc
}

func (o *object) Desc() *desc.Desc { return o.d }

// fd returns -1 after a close, so that the test does not use another file.
func (o *object) fd() int { return o.d.Number() }

func (o *object) close() {
	delete(o.l.open, o)
	o.d.Close()
}

// own makes an object of a descriptor.
func (l *lab) own(fd int, e kernel.Errno) *object {
	done(e)
	o := &object{l, desc.New(l.k, fd, l.waiter())}
	l.open[o] = true
	return o
}

func (l *lab) socket(family, typ int) *object { return l.own(l.k.Socket(family, typ, 0)) }

// scratch returns a directory with a short name, for Unix sockets. Tests on simulated hosts use it
// too, because there a path may be any text.
var scratch = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "sel")
	must(err)
	removeScratch = func() { os.RemoveAll(dir) }
	return dir
})

var (
	removeScratch func()
	serial        atomic.Int64
)

// unixPath returns an unused address for a Unix socket.
func unixPath() string { return fmt.Sprintf("%s/%d", scratch(), serial.Add(1)) }

// pair returns the two ends of a Unix connection. The end a is opened first.
func (l *lab) pair() (a, b *object) { return l.pairOf(kernel.SOCK_STREAM) }

func (l *lab) pairOf(typ int) (a, b *object) {
	a = l.socket(kernel.AF_UNIX, typ)
	ln := l.socket(kernel.AF_UNIX, typ)
	defer ln.close()
	path := unixPath()
	done(l.k.Bind(ln.d.FD, kernel.Unix(path)))
	defer l.k.Unlink(path)
	done(l.k.Listen(ln.d.FD, 1))
	done(l.k.Connect(a.d.FD, kernel.Unix(path)))
	fd, _, e := l.k.Accept(ln.d.FD)
	return a, l.own(fd, e)
}

func (l *lab) tcp() *object { return l.socket(kernel.AF_INET, kernel.SOCK_STREAM) }

func (l *lab) udp() *object {
	o := l.socket(kernel.AF_INET, kernel.SOCK_DGRAM)
	done(l.k.Bind(o.d.FD, loopback))
	return o
}

var loopback = kernel.Inet(netip.MustParseAddrPort("127.0.0.1:0"))

func (o *object) addr() kernel.Addr {
	a, e := o.l.k.LocalAddr(o.d.FD)
	done(e)
	return a
}

func (l *lab) listener(backlog int) *object {
	o := l.tcp()
	done(l.k.Bind(o.d.FD, loopback))
	done(l.k.Listen(o.d.FD, backlog))
	return o
}

// connect begins to connect.
func (o *object) connect(to kernel.Addr) {
	if e := o.l.k.Connect(o.d.FD, to); e != kernel.EINPROGRESS {
		done(e)
	}
}

// dial returns both ends of a TCP connection.
func (l *lab) dial() (client, server *object) {
	ln := l.listener(8)
	defer ln.close()
	client = l.tcp()
	client.connect(ln.addr())
	l.until(ln, IN)
	fd, _, e := l.k.Accept(ln.d.FD)
	server = l.own(fd, e)
	l.until(client, OUT)
	return client, server
}

// rest waits for a short time.
func (l *lab) rest() {
	if l.task != nil {
		l.task.Sleep(100 * time.Microsecond)
		return
	}
	time.Sleep(100 * time.Microsecond)
}

// until waits with poll(2), which is not what the tests check.
func (l *lab) until(o *object, want sel.Events) {
	for passed := l.lap(); l.poll2(o.d.FD)&want == 0; l.rest() {
		if passed() > guard*time.Millisecond {
			panic(fmt.Sprintf("poll(2) says %v, never %v", l.poll2(o.d.FD), want))
		}
	}
}

// failed waits until o's connection has failed, or its datagram was answered by ICMP. Then the
// poll(2) of FreeBSD reports HUP or IN. That of NetBSD reports nothing, so there failed waits for a
// fixed time.
func (l *lab) failed(o *object, freebsd sel.Events) {
	switch l.os {
	case "linux":
		l.until(o, ERR)
	case "netbsd":
		for passed := l.lap(); passed() < 50*time.Millisecond; l.rest() {
		}
	default:
		l.until(o, freebsd)
	}
}

// idle returns whether the object is not ready for some time. A kernel may delay an acknowledgement
// by 200 ms.
func (l *lab) idle(o *object, bits sel.Events) bool {
	for passed := l.lap(); passed() < 300*time.Millisecond; l.rest() {
		if l.poll2(o.d.FD)&bits != 0 {
			return false
		}
	}
	return true
}

func (o *object) write(p string) {
	_, e := o.l.k.Send(o.d.FD, []byte(p), 0)
	done(e)
}

func (o *object) read() {
	var p [64]byte
	_, e := o.l.k.Recv(o.d.FD, p[:], 0)
	done(e)
}

// fill sends until there is no room.
func (o *object) fill() {
	p := make([]byte, 1<<16)
	for {
		if _, e := o.l.k.Send(o.d.FD, p, 0); e == kernel.EAGAIN {
			if o.l.idle(o, OUT) { // otherwise the peer's kernel has made room again
				return
			}
		} else {
			done(e)
		}
	}
}

var resets = []byte{1, 0, 0, 0, 0, 0, 0, 0}

// lingers makes a close reset the connection.
func (o *object) lingers() kernel.Errno {
	return o.l.k.SetOptBytes(o.fd(), kernel.SOL_SOCKET, kernel.SO_LINGER, resets)
}

// reset closes the object, and so resets the connection.
func (o *object) reset() {
	done(o.lingers())
	o.close()
}

// unopened returns a number that is not open, and that no socket of the test gets by chance.
func (l *lab) unopened(i int) sel.FD {
	if l.isSimulated() { // the numbers of a simulated kernel begin at 1000
		i += 900
	}
	return sel.FD(1000 + i)
}

// pairAt returns a pair whose first end has this number, which must not be open. A simulated kernel
// has no duplicates, but always uses the lowest free number. So pairAt opens other sockets until
// that number is next.
func (l *lab) pairAt(number int) (a, b *object) {
	if !l.isSimulated() {
		x, b := l.pair()
		if x.d.FD == number {
			return x, b
		}
		must(dup2(x.d.FD, number))
		x.close()
		return l.own(number, 0), b
	}
	var low []*object
	for a == nil {
		o := l.socket(kernel.AF_UNIX, kernel.SOCK_STREAM)
		o.close()
		if o.d.FD == number {
			a, b = l.pair()
			break
		}
		low = append(low, l.socket(kernel.AF_UNIX, kernel.SOCK_STREAM))
	}
	for _, o := range low {
		o.close()
	}
	if a.d.FD != number {
		panic(fmt.Sprintf("the number is %d, want %d", a.d.FD, number))
	}
	return a, b
}

// create makes a Socket of package socket.
func (l *lab) create(family, typ, proto int) *socket.Socket {
	s, err := socket.New(family, typ, proto)
	if l.r != nil {
		s, err = socket.NewOn(l.r, family, typ, proto)
	}
	must(err)
	return s
}

// dup keeps the object's file open under another number. On a simulated kernel it does nothing.
func (l *lab) dup(o *object) {
	if l.isSimulated() {
		return
	}
	fd, err := unix.Dup(o.d.FD)
	must(err)
	l.own(fd, 0)
}

func newDesc(fd int) *desc.Desc { return desc.New(kernel.Host, fd, desc.Parked) }

// poll2 returns the result of poll(2) for one descriptor.
func (l *lab) poll2(fd int) sel.Events {
	ready, e := l.k.Ready(fd)
	if e == kernel.EBADF {
		return NVAL
	}
	done(e)
	return eventsOf(ready)
}

func eventsOf(ready poller.Readiness) (ev sel.Events) {
	for bit, to := range []sel.Events{IN, OUT, ERR, HUP} {
		if ready&(1<<bit) != 0 {
			ev |= to
		}
	}
	if ready&poller.Pri != 0 {
		ev |= sel.POLLPRI
	}
	return ev
}

// `told` returns the part of poll(2)'s result that a Poll with this mask reports. A kqueue reports
// by the requested filters (see the table in poller/bits_kqueue.go): Hup if those for input and for
// output are requested, Err if the connection was reset, and nothing before a connect. With mask 0
// the system's own poll(2) decides. That of FreeBSD reports HUP for a connection that has ended,
// and that of NetBSD reports nothing for a socket.
func (l *lab) told(poll2, mask sel.Events) sel.Events {
	ends := poll2 & (ERR | HUP)
	switch {
	case mask == 0 && l.os == "netbsd", mask == 0 && l.os != "linux" && poll2&IN == 0:
		return 0
	case mask == 0 && l.os != "linux":
		return ends & HUP
	case !l.kqueue, mask == 0, ends == ERR|HUP:
	case ends == ERR: // an ICMP error, for which both filters report readiness
		return mask
	case poll2&(IN|HUP) == HUP: // there was no connect
		return 0
	case mask != IN|OUT:
		ends = 0
	}
	return poll2&mask | ends
}
