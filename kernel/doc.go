// Package kernel has the types of the seam between the runtime and an operating system: each system
// call of package reactor and of what is above it goes through a Kernel. The host's is the default.
// Package sim has simulated ones, and a program can wrap either.
package kernel
