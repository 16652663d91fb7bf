//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: the suite reads what a server costs from Linux's /proc and pins to cores; it runs on Linux only")
	os.Exit(1)
}
