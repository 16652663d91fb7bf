// Package kevent is the seam between package poller's code for kqueues and kevent(2). Package
// poller has the system calls, and package sim has a simulated kevent. So the same code runs on
// both.
package kevent
