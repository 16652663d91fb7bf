//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package poller

// New returns ErrUnsupported: this system has neither epoll nor kqueue.
func New() (Poller, error) { return nil, ErrUnsupported }
