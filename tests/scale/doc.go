// Package scale tests many loops: how evenly connections are spread over them, in a simulation of
// the kernel's choice, and what a second loop gains. doc/performance.md has the figures.
package scale
