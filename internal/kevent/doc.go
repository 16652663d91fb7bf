// Package kevent is the interface between package poller's code for kqueues and kevent(2). Package
// poller implements it by system calls, and package sim by a simulated kevent. So the same code
// runs on both.
package kevent
