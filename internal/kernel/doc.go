// Package kernel is the only way to the operating system. The packages above it make each system
// call, and read the clock, through a Kernel. Host is the real one. Package sim has a simulated
// one.
package kernel
