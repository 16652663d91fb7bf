//go:build unix

package reactor

import (
	"sync/atomic"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/timeout"
)

// faults is the host's kernel with functions that can replace its calls. If a function is set and
// returns fail, its result is the result of the call. Otherwise the host makes the call. The
// functions are set before the loop starts, or on the loop.
type faults struct {
	Kernel
	accept    func(fd int) (e kernel.Errno, fail bool)
	connect   func(fd int, to Addr) (e kernel.Errno, fail bool)
	recv      func(fd int, p []byte) (n int, e kernel.Errno, fail bool)
	send      func(fd int, p []byte) (n int, e kernel.Errno, fail bool)
	recvBatch func(fd int) (e kernel.Errno, fail bool)
	sendBatch func(fd, n int) (sent int, e kernel.Errno, fail bool)
	segments  func(p *kernel.Packet) kernel.Errno // returns an error for a packet of a batch
	sendTo    func(fd, n int) (e kernel.Errno, fail bool)
	ctl       func(op string, fd int) error
	wait      func(events []poller.Event, n int) int // can add Events
	waitErr   func() error
	opened    atomic.Int64 // how many descriptors the reactor has open
	late      atomic.Int64 // how many Wakes a closed Poller has got
	told      atomic.Int64 // the last time that the clock has returned
}

func hostWithFaults() *faults { return &faults{Kernel: kernel.Host} }

func (k *faults) NewPoller() (poller.Poller, error) {
	p, err := k.Kernel.NewPoller()
	return &faultyPoller{Poller: p, k: k}, err
}

func (k *faults) Now() timeout.Deadline {
	now := k.Kernel.Now()
	k.told.Store(int64(now))
	return now
}

func (k *faults) Socket(family, typ, proto int) (int, kernel.Errno) {
	fd, e := k.Kernel.Socket(family, typ, proto)
	if e == 0 {
		k.opened.Add(1)
	}
	return fd, e
}

func (k *faults) Accept(fd int) (int, Addr, kernel.Errno) {
	if k.accept != nil {
		if e, fail := k.accept(fd); fail {
			return -1, Addr{}, e
		}
	}
	c, a, e := k.Kernel.Accept(fd)
	if e == 0 {
		k.opened.Add(1)
	}
	return c, a, e
}

func (k *faults) Waiting(fd int) int { return kernel.Waiting(k.Kernel, fd) }

func (k *faults) Close(fd int) kernel.Errno {
	k.opened.Add(-1)
	return k.Kernel.Close(fd)
}

func (k *faults) Connect(fd int, to Addr) kernel.Errno {
	if k.connect != nil {
		if e, fail := k.connect(fd, to); fail {
			return e
		}
	}
	return k.Kernel.Connect(fd, to)
}

func (k *faults) Recv(fd int, p []byte, flags int) (int, kernel.Errno) {
	if k.recv != nil {
		if n, e, fail := k.recv(fd, p); fail {
			return n, e
		}
	}
	return k.Kernel.Recv(fd, p, flags)
}

func (k *faults) Send(fd int, p []byte, flags int) (int, kernel.Errno) {
	if k.send != nil {
		if n, e, fail := k.send(fd, p); fail {
			return n, e
		}
	}
	return k.Kernel.Send(fd, p, flags)
}

// SendV sends only the first piece, as a short write, if the function send is set.
func (k *faults) SendV(fd int, pieces [][]byte) (int, kernel.Errno) {
	if k.send == nil {
		return k.Kernel.SendV(fd, pieces)
	}
	for _, p := range pieces {
		if len(p) > 0 {
			return k.Send(fd, p, 0)
		}
	}
	return 0, 0
}

func (k *faults) SendTo(fd int, p []byte, flags int, to Addr) (int, kernel.Errno) {
	if k.sendTo != nil {
		if e, fail := k.sendTo(fd, len(p)); fail {
			return 0, e
		}
	}
	return k.Kernel.SendTo(fd, p, flags, to)
}

func (k *faults) RecvBatch(fd int, b *kernel.Batch) (int, kernel.Errno) {
	if k.recvBatch != nil {
		if e, fail := k.recvBatch(fd); fail {
			return 0, e
		}
	}
	return k.Kernel.RecvBatch(fd, b)
}

func (k *faults) SendBatch(fd int, b *kernel.Batch, n int) (int, kernel.Errno) {
	if k.sendBatch != nil {
		if sent, e, fail := k.sendBatch(fd, n); fail {
			if sent > 0 {
				return k.Kernel.SendBatch(fd, b, sent)
			}
			return 0, e
		}
	}
	if k.segments != nil {
		for i := range n {
			if e := k.segments(&b.Packets[i]); e != 0 && i == 0 {
				return 0, e
			} else if e != 0 {
				n = i
				break
			}
		}
	}
	return k.Kernel.SendBatch(fd, b, n)
}

type faultyPoller struct {
	poller.Poller
	k      *faults
	closed atomic.Bool
}

func (p *faultyPoller) fault(op string, fd int) error {
	if p.k.ctl == nil {
		return nil
	}
	return p.k.ctl(op, fd)
}

func (p *faultyPoller) Add(fd int, gen uint32, want poller.Interest) error {
	if err := p.fault("add", fd); err != nil {
		return err
	}
	return p.Poller.Add(fd, gen, want)
}

func (p *faultyPoller) Mod(fd int, gen uint32, want poller.Interest) error {
	if err := p.fault("mod", fd); err != nil {
		return err
	}
	return p.Poller.Mod(fd, gen, want)
}

// Del always unregisters, even if it returns an error. Otherwise the registration would still exist
// in the next test.
func (p *faultyPoller) Del(fd int) error {
	err := p.Poller.Del(fd)
	if e := p.fault("del", fd); e != nil {
		return e
	}
	return err
}

func (p *faultyPoller) Wait(events []poller.Event, until timeout.Deadline) (int, error) {
	if p.k.waitErr != nil {
		if err := p.k.waitErr(); err != nil {
			return 0, err
		}
	}
	n, err := p.Poller.Wait(events, until)
	if err == nil && p.k.wait != nil {
		n = p.k.wait(events, n)
	}
	return n, err
}

// Wake counts a call on a closed Poller, because its descriptor number may have another owner by
// then.
func (p *faultyPoller) Wake() error {
	if p.closed.Load() {
		p.k.late.Add(1)
		return nil
	}
	return p.Poller.Wake()
}

func (p *faultyPoller) Close() error {
	p.closed.Store(true)
	return p.Poller.Close()
}
