// Package eviocompat runs programs that are written for github.com/tidwall/evio v1.0.8 on the event
// loops of package reactor. A program changes only one import:
//
//	import evio "github.com/ureactor/ureactor/eviocompat"
//
// The types are evio's own types. doc/moving.md lists what works better than in evio, and how to
// move on to package reactor. evio compiles only for Linux, macOS and FreeBSD. On other systems
// this package is empty.
package eviocompat
