// Package eviocompat runs programs that are written for github.com/tidwall/evio v1.0.8 on the event
// loops of package reactor. A program moves by one import:
//
//	import evio "github.com/ureactor/ureactor/eviocompat"
//
// The types are evio's own. doc/moving.md says what behaves better, and how to move on to
// package reactor. evio compiles for Linux, macOS and FreeBSD only. On other systems this package
// is empty.
package eviocompat
