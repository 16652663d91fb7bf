//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package main

import (
	"strings"
	"testing"
)

// On a system without epoll and kqueue, the program's error lists the systems that it supports.
func TestUnsupportedSystem(t *testing.T) {
	if line := refused(t); !strings.Contains(line, "linux") {
		t.Error(line)
	}
}
