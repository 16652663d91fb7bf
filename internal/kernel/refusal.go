package kernel

import "sync/atomic"

// Refusal reports whether e may come from a sandbox, or from a kernel that is older than the call.
// Such an error does not concern the descriptor. It may also be a real error: only a try with
// another call shows that.
func Refusal(e Errno) bool {
	return e == ENOSYS || e == EPERM || e == EACCES || e == EINVAL || e == ENOTSUP || e == EOPNOTSUPP || e == ENOPROTOOPT
}

// A fallback remembers whether the system refuses a call that another call can replace. The first
// success is final: the call is then tried first each time. A later Refusal is more likely an error
// of one descriptor.
type fallback struct{ known atomic.Uint32 }

const (
	callWorks = 1 + iota
	callRefused
)

func (f *fallback) refused() bool { return f.known.Load() == callRefused }

func (f *fallback) works() {
	if f.known.Load() == 0 {
		f.known.CompareAndSwap(0, callWorks)
	}
}

func (f *fallback) refuse() { f.known.CompareAndSwap(0, callRefused) }
