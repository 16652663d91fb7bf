// Package groups has black-box tests of doc/groups.md: several loops, and restarts.
//
// Servers are ended and replaced under load. Each server is a process that runs this test binary
// again. A simulation of the kernel's algorithm shows how evenly it distributes connections over
// the loops. A measurement shows what a second loop gains. doc/performance.md has the figures.
package groups
