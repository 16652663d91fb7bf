// Package kernel has the types through which the module uses an operating system. Package reactor,
// and every package above it, makes each system call through a Kernel. The default is the Kernel of
// the host. Package sim has simulated Kernels. A program can also pass a Kernel of its own that
// wraps one of these.
package kernel
