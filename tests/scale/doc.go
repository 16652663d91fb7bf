// Package scale tests many loops: how evenly connections are spread over them, in a simulation of
// the kernel's choice, and what a second loop gains. doc/scale.md has the figures.
package scale
