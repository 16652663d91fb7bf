//go:build linux

package socket_test

import (
	"syscall"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/socket"
)

// modelKernels are the simulated kernels that the model describes.
var modelKernels = []sim.Kernel{sim.Linux, sim.NetBSD, sim.FreeBSD}

// simulatedTargets is modelTargets in a simulated world. On FreeBSD no queue stays full, because
// FreeBSD resets connections.
func simulatedTargets(l *lab) (stuck, none socket.Addr) {
	none = l.refusing()
	if l.os == "freebsd" {
		return none, none
	}
	stuck, _ = l.stuck()
	return stuck, none
}

// failed waits until e has a pending error. Only the poll(2) of Linux reports that as ERR.
func (w *world) failed(e *end) {
	if w.os == "linux" {
		w.ready(e.s, uint8(poller.Err))
	}
	w.pause()
}

// on returns `linux` on Linux and `bsd` on the other kernels.
func (w *world) on(linux, bsd syscall.Errno) syscall.Errno {
	if w.os == "linux" {
		return linux
	}
	return bsd
}

// spent returns whether e cannot connect again, as on NetBSD after a refusal. It makes e try. If no
// call has returned the refusal yet, the first try does (D17).
func (e *end) spent(w *world) bool {
	if w.os != "netbsd" || e.closed || e.phase != refused && e.phase != refusedTold {
		return false
	}
	err := e.s.Connect(w.none)
	w.note(e, "Connect again: %v", err)
	if e.phase == refused {
		w.want(err, syscall.ECONNREFUSED)
		e.phase = refusedTold
		return true
	}
	w.want(err, syscall.EINVAL)
	return true
}
