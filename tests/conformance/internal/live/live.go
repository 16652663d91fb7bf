package live

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/timeout"
)

type (
	addr  = kernel.Addr
	errno = kernel.Errno
)

// A Kernel is a host of a world of its own, for any number of goroutines: each call first has the
// world run up to the present. An event of the world is therefore late, until a call runs the
// world, and never early. A world that fails panics.
type Kernel struct {
	mu    sync.Mutex // guards the world, which calls nobody
	w     *sim.World
	h     *sim.Host
	began time.Time
}

// New begins a world with one host.
func New(seed uint64, o sim.Options) *Kernel {
	w := sim.New(seed, o)
	return &Kernel{w: w, h: w.Host("10.0.0.1"), began: time.Now()}
}

// enter begins a call; what it returns ends it.
func (k *Kernel) enter() (leave func()) {
	k.mu.Lock()
	k.catchUp()
	return k.leave
}

func (k *Kernel) leave() {
	err := k.w.Err()
	k.mu.Unlock()
	if err != nil {
		panic(err)
	}
}

// catchUp lets happen what is due, the Wakes of Pollers included.
func (k *Kernel) catchUp() {
	if err := k.w.Run(max(time.Since(k.began)-k.w.Now(), 0)); err != nil {
		panic(err)
	}
}

func (k *Kernel) Now() timeout.Deadline {
	defer k.enter()()
	return k.h.Now()
}

// Traits are the host's, and so is ReadsFully.
func (k *Kernel) Traits() kernel.Traits { return k.h.Traits() }
func (k *Kernel) ReadsFully() bool      { return k.h.ReadsFully() }

// Waiting is the host's; see kernel.Waiting.
func (k *Kernel) Waiting(fd int) int {
	defer k.enter()()
	return k.h.Waiting(fd)
}

// Go and what runs in it is the machine's.
func (k *Kernel) Go(f func()) { go f() }

func (k *Kernel) Socket(family, typ, proto int) (int, errno) {
	defer k.enter()()
	return k.h.Socket(family, typ, proto)
}

func (k *Kernel) Bind(fd int, a addr) errno {
	defer k.enter()()
	return k.h.Bind(fd, a)
}

func (k *Kernel) Listen(fd, backlog int) errno {
	defer k.enter()()
	return k.h.Listen(fd, backlog)
}

func (k *Kernel) Accept(fd int) (int, addr, errno) {
	defer k.enter()()
	return k.h.Accept(fd)
}

func (k *Kernel) Connect(fd int, to addr) errno {
	defer k.enter()()
	return k.h.Connect(fd, to)
}

func (k *Kernel) LocalAddr(fd int) (addr, errno) {
	defer k.enter()()
	return k.h.LocalAddr(fd)
}

func (k *Kernel) PeerAddr(fd int) (addr, errno) {
	defer k.enter()()
	return k.h.PeerAddr(fd)
}

func (k *Kernel) Recv(fd int, p []byte, flags int) (int, errno) {
	defer k.enter()()
	return k.h.Recv(fd, p, flags)
}

func (k *Kernel) RecvFrom(fd int, p []byte, flags int) (int, addr, errno) {
	defer k.enter()()
	return k.h.RecvFrom(fd, p, flags)
}

func (k *Kernel) Send(fd int, p []byte, flags int) (int, errno) {
	defer k.enter()()
	return k.h.Send(fd, p, flags)
}

func (k *Kernel) SendTo(fd int, p []byte, flags int, to addr) (int, errno) {
	defer k.enter()()
	return k.h.SendTo(fd, p, flags, to)
}

func (k *Kernel) SendV(fd int, pieces [][]byte) (int, errno) {
	defer k.enter()()
	return k.h.SendV(fd, pieces)
}

func (k *Kernel) RecvBatch(fd int, b *kernel.Batch) (int, errno) {
	defer k.enter()()
	return k.h.RecvBatch(fd, b)
}

func (k *Kernel) RecvMsg(fd int, p *kernel.Packet, flags int) errno {
	defer k.enter()()
	return k.h.RecvMsg(fd, p, flags)
}

func (k *Kernel) SendMsg(fd int, p *kernel.Packet, flags int) errno {
	defer k.enter()()
	return k.h.SendMsg(fd, p, flags)
}

func (k *Kernel) SendBatch(fd int, b *kernel.Batch, n int) (int, errno) {
	defer k.enter()()
	return k.h.SendBatch(fd, b, n)
}

func (k *Kernel) Ready(fd int) (poller.Readiness, errno) {
	defer k.enter()()
	return k.h.Ready(fd)
}

func (k *Kernel) Shutdown(fd, how int) errno {
	defer k.enter()()
	return k.h.Shutdown(fd, how)
}

func (k *Kernel) Close(fd int) errno {
	defer k.enter()()
	return k.h.Close(fd)
}

func (k *Kernel) GetOpt(fd, level, name int) (int, errno) {
	defer k.enter()()
	return k.h.GetOpt(fd, level, name)
}

func (k *Kernel) SetOpt(fd, level, name, value int) errno {
	defer k.enter()()
	return k.h.SetOpt(fd, level, name, value)
}

func (k *Kernel) GetOptBytes(fd, level, name int, p []byte) (int, errno) {
	defer k.enter()()
	return k.h.GetOptBytes(fd, level, name, p)
}

func (k *Kernel) SetOptBytes(fd, level, name int, p []byte) errno {
	defer k.enter()()
	return k.h.SetOptBytes(fd, level, name, p)
}

func (k *Kernel) Unsent(fd int) (int, errno) {
	defer k.enter()()
	return k.h.Unsent(fd)
}

func (k *Kernel) FileID(path string) (kernel.FileID, errno) {
	defer k.enter()()
	return k.h.FileID(path)
}

func (k *Kernel) Unlink(path string) errno {
	defer k.enter()()
	return k.h.Unlink(path)
}

func (k *Kernel) Lookup(ctx context.Context, network, name string) ([]netip.Addr, error) {
	defer k.enter()()
	return k.h.Lookup(ctx, network, name)
}

func (k *Kernel) LookupPort(ctx context.Context, network, service string) (int, error) {
	defer k.enter()()
	return k.h.LookupPort(ctx, network, service)
}

func (k *Kernel) Interface(name string) (int, error) {
	defer k.enter()()
	return k.h.Interface(name)
}
