//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package main

import (
	"strings"
	"testing"
)

// On a system without epoll and kqueue the program says which ones it is for.
func TestUnsupportedSystem(t *testing.T) {
	if line := refused(t); !strings.Contains(line, "linux") {
		t.Error(line)
	}
}
