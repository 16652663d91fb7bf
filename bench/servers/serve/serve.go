// Package serve is what every server under test shares: how it tells its port, and how it is asked to collect.
//
// The contract, which the C loop keeps as well: the only argument that is no flag is the port (0: any); the first line
// on standard output is "listening <port>"; at SIGUSR1 the server gives back what memory it can and prints "collected".
package serve

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

// Address is where to listen: loopback, at the port of the command line.
func Address(args []string) string {
	port := "0"
	if len(args) > 0 {
		port = args[0]
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// Listening tells the suite that clients may come, and makes the process answer SIGUSR1.
func Listening(at net.Addr) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go collect(asked)
	_, port, err := net.SplitHostPort(at.String())
	if err != nil {
		Fail(err)
	}
	fmt.Println("listening", port)
}

func collect(asked <-chan os.Signal) {
	for range asked {
		runtime.GC() // twice: what a finalizer or a sync.Pool still held goes with the second
		runtime.GC()
		debug.FreeOSMemory()
		fmt.Println("collected")
	}
}

// Fail ends the process with one line.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, os.Args[0]+":", err)
	os.Exit(1)
}
