// Package eviocompat serves the event functions of github.com/tidwall/evio v1.0.8 on this module's loops. A program moves
// by one import:
//
//	import evio "github.com/ureactor/ureactor/eviocompat"
//
// The types are evio's own. What behaves better, and the way onward, is in doc/from-evio.md. The package is empty on
// systems that evio itself does not compile for: it has Linux, macOS and FreeBSD.
package eviocompat
