//go:build linux

package socket_test

import (
	"syscall"

	"github.com/ureactor/ureactor/poller"
	"github.com/ureactor/ureactor/sim"
)

// modelKernels are the simulated kernels that the model describes. FreeBSD's is not one yet: after
// a Shutdown that is ENOTCONN and has its effect, a call of the model waits for ever.
var modelKernels = []sim.Kernel{sim.Linux, sim.NetBSD}

// failed waits until e has a pending error. Only Linux's poll(2) reports it as ERR.
func (w *world) failed(e *end) {
	if w.os == "linux" {
		w.ready(e.s, uint8(poller.Err))
	}
	w.pause()
}

// on is linux on Linux, and bsd on the other kernels.
func (w *world) on(linux, bsd syscall.Errno) syscall.Errno {
	if w.os == "linux" {
		return linux
	}
	return bsd
}

// spent tells whether e cannot connect again (NetBSD, after a refusal), and has it try.
func (e *end) spent(w *world) bool {
	if w.os != "netbsd" || e.closed || e.phase != refused && e.phase != refusedTold {
		return false
	}
	err := e.s.Connect(w.none)
	w.note(e, "Connect again: %v", err)
	w.want(err, syscall.EINVAL)
	return true
}
