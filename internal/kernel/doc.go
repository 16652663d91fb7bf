// Package kernel calls the operating system. Only package poller does so too. The packages above
// make their system calls, and read the clock, through a Kernel. Host is the Kernel of the real
// system. Package sim has simulated Kernels.
package kernel
