//go:build unix

package reactor

import (
	"runtime"
	"runtime/debug"
)

// unwindings are the ways in which a call does not return.
var unwindings = map[string]func(){
	"panic":      func() { panic("boom") },
	"panic(nil)": func() { panic(nil) },
	"Goexit":     runtime.Goexit,
}

var _ = debug.Stack
