// Package kernel calls the operating system. Package poller is the only other package that does so.
// The packages above make their system calls, and read the clock, through a Kernel. Host is the
// Kernel of the real system. Package sim has simulated Kernels.
package kernel
