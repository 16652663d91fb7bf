// Package kernel is the only package, beside poller, that calls the operating system. The packages
// above it make each system call, and read the clock, through a Kernel. Host is the real one.
// Package sim has simulated ones.
package kernel
