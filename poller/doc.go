// Package poller waits for many descriptors. It uses epoll on Linux, kqueue on macOS and the BSDs,
// and a simulated epoll or kqueue on the simulated kernels of package sim.
//
// An Event is a hint that a descriptor is worth a try. Only the system call shows whether the
// operation succeeds, so a spurious Event costs one EAGAIN. Each of these Pollers promises what
// this package documents, and nothing else.
package poller
