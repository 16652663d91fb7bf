package sim

import (
	"context"
	"net/netip"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// Kernel returns the host's Kernel for goroutines. It has no date of its own: programs use
// time.Now.
func (l *Live) Kernel(h *Host) kernel.Kernel {
	l.w.belong("Live.Kernel", h)
	return &liveKernel{l, h}
}

// A liveKernel is a Host for any number of goroutines.
type liveKernel struct {
	l *Live
	h *Host
}

func (k *liveKernel) Now() timeout.Deadline {
	k.l.enter()
	defer k.l.leave()
	return k.h.Now()
}

func (k *liveKernel) Traits() kernel.Traits { return k.h.Traits() }
func (k *liveKernel) ReadsFully() bool      { return k.h.ReadsFully() }

// Go runs f on a goroutine. f may wait.
func (k *liveKernel) Go(f func()) { go f() }

func (k *liveKernel) Waiting(fd int) int {
	k.l.enter()
	defer k.l.leave()
	return k.h.Waiting(fd)
}

func (k *liveKernel) Files() int {
	k.l.enter()
	defer k.l.leave()
	return k.h.Files()
}

func (k *liveKernel) MaxFiles() int {
	k.l.enter()
	defer k.l.leave()
	return k.h.MaxFiles()
}

func (k *liveKernel) Dup(fd int) (int, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.Dup(fd)
}

func (k *liveKernel) Socket(family, typ, proto int) (int, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.Socket(family, typ, proto)
}

func (k *liveKernel) Bind(fd int, a Addr) Errno {
	k.l.enter()
	defer k.l.leave()
	return k.h.Bind(fd, a)
}

func (k *liveKernel) Listen(fd, backlog int) Errno {
	k.l.enter()
	defer k.l.leave()
	return k.h.Listen(fd, backlog)
}

func (k *liveKernel) Accept(fd int) (int, Addr, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.Accept(fd)
}

func (k *liveKernel) Connect(fd int, to Addr) Errno {
	k.l.enter()
	defer k.l.leave()
	return k.h.Connect(fd, to)
}

func (k *liveKernel) LocalAddr(fd int) (Addr, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.LocalAddr(fd)
}

func (k *liveKernel) PeerAddr(fd int) (Addr, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.PeerAddr(fd)
}

func (k *liveKernel) Recv(fd int, p []byte, flags int) (int, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.Recv(fd, p, flags)
}

func (k *liveKernel) RecvFrom(fd int, p []byte, flags int) (int, Addr, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.RecvFrom(fd, p, flags)
}

func (k *liveKernel) Send(fd int, p []byte, flags int) (int, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.Send(fd, p, flags)
}

func (k *liveKernel) SendTo(fd int, p []byte, flags int, to Addr) (int, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.SendTo(fd, p, flags, to)
}

func (k *liveKernel) SendV(fd int, pieces [][]byte) (int, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.SendV(fd, pieces)
}

func (k *liveKernel) RecvBatch(fd int, b *kernel.Batch) (int, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.RecvBatch(fd, b)
}

func (k *liveKernel) RecvMsg(fd int, p *kernel.Packet, flags int) Errno {
	k.l.enter()
	defer k.l.leave()
	return k.h.RecvMsg(fd, p, flags)
}

func (k *liveKernel) SendMsg(fd int, p *kernel.Packet, flags int) Errno {
	k.l.enter()
	defer k.l.leave()
	return k.h.SendMsg(fd, p, flags)
}

func (k *liveKernel) SendBatch(fd int, b *kernel.Batch, n int) (int, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.SendBatch(fd, b, n)
}

func (k *liveKernel) Ready(fd int) (poller.Readiness, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.Ready(fd)
}

func (k *liveKernel) Shutdown(fd, how int) Errno {
	k.l.enter()
	defer k.l.leave()
	return k.h.Shutdown(fd, how)
}

func (k *liveKernel) Close(fd int) Errno {
	k.l.enter()
	defer k.l.leave()
	return k.h.Close(fd)
}

func (k *liveKernel) GetOpt(fd, level, name int) (int, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.GetOpt(fd, level, name)
}

func (k *liveKernel) SetOpt(fd, level, name, value int) Errno {
	k.l.enter()
	defer k.l.leave()
	return k.h.SetOpt(fd, level, name, value)
}

func (k *liveKernel) GetOptBytes(fd, level, name int, p []byte) (int, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.GetOptBytes(fd, level, name, p)
}

func (k *liveKernel) SetOptBytes(fd, level, name int, p []byte) Errno {
	k.l.enter()
	defer k.l.leave()
	return k.h.SetOptBytes(fd, level, name, p)
}

func (k *liveKernel) Unsent(fd int) (int, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.Unsent(fd)
}

func (k *liveKernel) FileID(path string) (kernel.FileID, Errno) {
	k.l.enter()
	defer k.l.leave()
	return k.h.FileID(path)
}

func (k *liveKernel) Unlink(path string) Errno {
	k.l.enter()
	defer k.l.leave()
	return k.h.Unlink(path)
}

func (k *liveKernel) Lookup(ctx context.Context, network, name string) ([]netip.Addr, error) {
	k.l.enter()
	defer k.l.leave()
	return k.h.Lookup(ctx, network, name)
}

func (k *liveKernel) LookupPort(ctx context.Context, network, service string) (int, error) {
	k.l.enter()
	defer k.l.leave()
	return k.h.LookupPort(ctx, network, service)
}

func (k *liveKernel) Interface(name string) (int, error) {
	k.l.enter()
	defer k.l.leave()
	return k.h.Interface(name)
}
