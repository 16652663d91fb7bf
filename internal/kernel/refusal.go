package kernel

import "sync/atomic"

// Refusal reports whether e may come from a sandbox, or from a kernel that does not have the call
// yet. The same number may also be a real error of the descriptor. To find out, the caller must try
// another call that does the same.
func Refusal(e Errno) bool {
	return e == ENOSYS || e == EPERM || e == EACCES || e == EINVAL || e == ENOTSUP || e == EOPNOTSUPP || e == ENOPROTOOPT
}

// A fallback remembers whether the system refuses a call that can be replaced by another call. If
// the first call succeeds, it is never considered refused later: a later Refusal is probably an
// error of one descriptor.
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
