package kernel

import "sync/atomic"

// Refusal tells whether e can be the answer of a sandbox, or of a kernel that is older than the
// call, and so says nothing about the descriptor. It may be a real error all the same: only a try
// by another call shows that.
func Refusal(e Errno) bool {
	return e == ENOSYS || e == EPERM || e == EACCES || e == EINVAL || e == ENOTSUP || e == EOPNOTSUPP || e == ENOPROTOOPT
}

// A fallback remembers whether the system refuses a call that another can replace. The first
// success settles it: a call that has worked is tried first ever after, because a Refusal is then
// more likely an error of one descriptor.
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
