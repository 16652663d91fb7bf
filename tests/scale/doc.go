// Package scale tests programs with many loops. A simulation of the kernel's algorithm shows how
// evenly it distributes connections over them. A measurement shows what a second loop gains.
// doc/performance.md has the figures.
package scale
