//go:build unix

package socket_test

import (
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/poller"
)

// A counted kernel counts the calls, and can refuse some of them.
type counted struct {
	kernel.Kernel
	accepts, connects, recvs, peers int
	connect                         func(fd int) kernel.Errno // instead of the kernel's, if set
	sendMsg                         kernel.Errno              // of SendMsg, if not 0
	pending                         kernel.Errno              // SO_ERROR, if not 0
}

func (k *counted) Accept(fd int) (int, kernel.Addr, kernel.Errno) {
	k.accepts++
	return k.Kernel.Accept(fd)
}

func (k *counted) Connect(fd int, to kernel.Addr) kernel.Errno {
	k.connects++
	if k.connect != nil {
		return k.connect(fd)
	}
	return k.Kernel.Connect(fd, to)
}

func (k *counted) Recv(fd int, p []byte, flags int) (int, kernel.Errno) {
	k.recvs++
	return k.Kernel.Recv(fd, p, flags)
}

func (k *counted) PeerAddr(fd int) (kernel.Addr, kernel.Errno) {
	k.peers++
	if k.pending != 0 {
		return kernel.Addr{}, kernel.ENOTCONN
	}
	return k.Kernel.PeerAddr(fd)
}

func (k *counted) GetOpt(fd, level, name int) (int, kernel.Errno) {
	if k.pending != 0 && level == kernel.SOL_SOCKET && name == kernel.SO_ERROR {
		return int(k.pending), 0
	}
	return k.Kernel.GetOpt(fd, level, name)
}

func (k *counted) Ready(fd int) (poller.Readiness, kernel.Errno) {
	if k.pending != 0 {
		return poller.Out | poller.Err, 0
	}
	return k.Kernel.Ready(fd)
}

func (k *counted) Traits() kernel.Traits {
	t := k.Kernel.Traits()
	t.ConnectReports = t.ConnectReports && k.pending == 0
	return t
}

func (k *counted) SendMsg(fd int, m *kernel.Packet, flags int) kernel.Errno {
	if k.sendMsg != 0 {
		return k.sendMsg
	}
	return k.Kernel.SendMsg(fd, m, flags)
}

// onCounted runs the test in a task on a counted kernel.
func onCounted(t *testing.T, f func(l *lab, k *counted)) {
	k := &counted{Kernel: kernel.Host}
	taskOn(t, t.Context(), k, func(l *lab) { f(l, k) })
}
