package sim

import (
	"fmt"

	"github.com/ureactor/ureactor/internal/kernel"
)

// Refuse makes every later call of this kind on the host fail with e, as a sandbox or an older
// kernel does: with ENOSYS, EPERM, or any other number. e 0 allows the call again. Refuse is a
// property of the machine and not a fault: Faults does not list it, and Shrink does not remove it.
// Options.Refused refuses calls on every host from the start.
//
// A refused Close or Del still has its effect. EINTR panics, because a kernel repeats a call that a
// signal has interrupted.
func (h *Host) Refuse(c Call, e Errno) {
	checkRefused(c, e)
	h.refused[c] = e
}

func checkRefused(c Call, e Errno) {
	if c >= callCount || e == kernel.EINTR {
		panic(fmt.Sprintf("sim: refused call %d with errno %d: must be one of Calls, with an errno other than EINTR", c, int(e)))
	}
}
