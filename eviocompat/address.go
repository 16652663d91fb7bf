//go:build linux || darwin || freebsd

package eviocompat

import (
	"io/fs"
	"os"
	"strings"
)

// address is what one of Serve's strings says: network, address, and whether others may share it.
func address(s string) (network, addr string, share bool) {
	network, addr, found := strings.Cut(s, "://")
	if !found {
		network, addr = "tcp", s
	}
	network = strings.TrimSuffix(network, "-net") // package net or not, it is the same loop here
	addr, query, _ := strings.Cut(addr, "?")
	for _, part := range strings.Split(query, "&") {
		if name, value, _ := strings.Cut(part, "="); name == "reuseport" && value != "" {
			share = strings.ContainsRune("123456789TtYy", rune(value[0]))
		}
	}
	if addr == "" && network != "unix" { // as package net has it
		addr = ":0"
	}
	return network, addr, share
}

// unlink removes the file of a socket that was there before, as evio does; it leaves other files alone.
func unlink(path string) {
	if f, err := os.Lstat(path); err == nil && f.Mode()&fs.ModeSocket != 0 {
		_ = os.Remove(path) // if it could not be, the bind says what is the matter
	}
}
