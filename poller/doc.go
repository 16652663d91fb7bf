// Package poller waits for many descriptors: with epoll on Linux, with kqueue on macOS and the
// BSDs, and with a simulated one on a simulated kernel.
//
// An Event is a hint that a descriptor is worth a try. Only the system call shows whether the
// operation succeeds, so a spurious Event costs one EAGAIN. Each backend promises what this package
// documents, and nothing else.
package poller
