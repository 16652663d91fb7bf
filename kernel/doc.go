// Package kernel has the types between the runtime and an operating system. Package reactor, and
// every package above it, makes each system call through a Kernel. The host's Kernel is the
// default. Package sim has simulated Kernels. A program can wrap either.
package kernel
