// Package kevent is the interface through which package poller's code for kqueues calls kevent(2).
// Package poller implements the interface by system calls, and package sim by a simulated kevent.
// So the same code runs on real and on simulated kqueues.
package kevent
