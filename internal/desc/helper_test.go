//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package desc_test

import (
	"runtime/pprof"
	"testing"
)

// threads returns how many OS threads the process has created so far.
func threads(t *testing.T) int {
	t.Helper()
	return pprof.Lookup("threadcreate").Count()
}
