//go:build linux || darwin || freebsd

package eviocompat

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

// address parses an address of Serve. It returns network, address, and whether other sockets may
// share the address.
func address(s string) (network, addr string, share bool) {
	network, addr, found := strings.Cut(s, "://")
	if !found {
		network, addr = "tcp", s
	}
	// The same loops serve addresses with and without -net.
	network = strings.TrimSuffix(network, "-net")
	addr, query, _ := strings.Cut(addr, "?")
	for _, part := range strings.Split(query, "&") {
		if name, value, _ := strings.Cut(part, "="); name == "reuseport" && value != "" {
			share = strings.ContainsRune("123456789TtYy", rune(value[0]))
		}
	}
	if addr == "" && network != "unix" { // package net writes the wildcard address in this way
		addr = ":0"
	}
	return network, addr, share
}

// unlink removes the socket file of a server that has died, as evio does. It does not remove other
// files, or the socket file of a running process.
func unlink(path string) {
	f, err := os.Lstat(path)
	if err != nil || f.Mode()&fs.ModeSocket == 0 {
		return
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		_ = c.Close()
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		_ = os.Remove(path) // if this fails, the bind returns the error
	}
}
