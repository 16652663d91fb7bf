//go:build cgo

package main

import (
	"os"

	"github.com/ureactor/ureactor/internal/desc"
	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/sim"
	"github.com/ureactor/ureactor/tests/conformance/internal/live"
)

// If MPNET_KERNEL names another kernel, sockets that park goroutines use it from the first call on.
func init() {
	switch name := os.Getenv("MPNET_KERNEL"); name {
	case "", "host", "loop": // see loop.go
	case "simulated":
		simulate(sim.Options{})
	case "freebsd":
		simulate(sim.Options{Kernel: sim.FreeBSD})
	case "netbsd":
		simulate(sim.Options{Kernel: sim.NetBSD})
	default:
		panic("MPNET_KERNEL=" + name + ": must be host, loop, simulated, freebsd or netbsd")
	}
}

func simulate(o sim.Options) {
	kernel.Host = live.New(1, o)
	desc.Parked = desc.NewParker(kernel.Host)
}
