// Package serve has what all servers share: the command line, the report of the address, and the
// request to collect. bench/README.md has the contract. The C loop implements only the part of the
// contract that it needs.
package serve

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// Options are the values from the command line.
type Options struct {
	Network string // tcp, udp, unix
	Address string // host:port on loopback, or a path
	Panic   bool   // a message that begins with Bang makes the handler panic
	Stop    bool   // SIGTERM stops in an orderly way, as far as the library can
	Timers  int    // the number of armed timers; each message moves one
	Flood   string // other work without limit: posts, timers, dials or datagrams
	Buffer  int    // size of each connection's buffer, for servers that have such buffers

	Protocol string        // "" is the echo; see bench/README.md
	Patience time.Duration // for a handshake or a request's head; 0: HandshakeTimeout, or no limit
}

// Bang is the first byte of a message that asks for a panic.
const Bang = '!'

// Parse reads the command line.
func Parse() Options {
	var o Options
	flag.StringVar(&o.Network, "network", "tcp", "tcp, udp or unix")
	flag.BoolVar(&o.Panic, "panic", false, "a message that begins with ! panics in the handler")
	flag.BoolVar(&o.Stop, "stop", false, "stop in order at SIGTERM")
	flag.IntVar(&o.Timers, "timers", 0, "arm so many timers, and move one with each message")
	flag.StringVar(&o.Flood, "flood", "", "keep the loop busy with posts, timers, dials or datagrams, where it has them")
	flag.IntVar(&o.Buffer, "buffer", 64<<10, "read buffer of each connection in bytes, where each has one")
	flag.StringVar(&o.Protocol, "protocol", "", "tls: the echo over TLS; http: a greeting; frame: frames; websocket, deflate, room: WebSocket; else the echo")
	flag.DurationVar(&o.Patience, "patience", 0, "how long a peer has for a handshake (0: 10s) or the head of a request (0: for ever)")
	flag.Parse()
	o.Address = "0"
	if flag.NArg() > 0 {
		o.Address = flag.Arg(0)
	}
	if o.Network != "unix" {
		o.Address = net.JoinHostPort("127.0.0.1", o.Address)
	}
	return o
}

// Only ends the process if the library does not support the network.
func (o Options) Only(networks ...string) {
	for _, n := range networks {
		if n == o.Network {
			return
		}
	}
	Fail(fmt.Errorf("no %s", o.Network))
}

// Fixed replaces port 0 by a free port, for libraries that do not report the port that they got.
func (o Options) Fixed() string {
	var at net.Addr
	switch o.Network {
	case "unix":
		return o.Address
	case "udp":
		c, err := net.ListenPacket("udp", o.Address)
		if err != nil {
			Fail(err)
		}
		at = c.LocalAddr()
		c.Close()
	default:
		l, err := net.Listen("tcp", o.Address)
		if err != nil {
			Fail(err)
		}
		at = l.Addr()
		l.Close()
	}
	return at.String()
}

// Listening reports to the suite where clients can connect (a port or a path). From then on the
// process answers SIGUSR1.
func Listening(at string) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go collect(asked)
	if _, port, err := net.SplitHostPort(at); err == nil {
		at = port
	}
	fmt.Println("listening", at)
}

func collect(asked <-chan os.Signal) {
	for range asked {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		threads, _ := runtime.ThreadCreateProfile(nil)
		runtime.GC() // the second one frees the memory that finalizers and sync.Pools kept
		runtime.GC()
		debug.FreeOSMemory()
		fmt.Println("collected", m.Mallocs, runtime.NumGoroutine(), threads, m.NumGC, sizes(&m))
	}
}

// sizes returns the number of allocations of each size that occurred.
func sizes(m *runtime.MemStats) string {
	var b strings.Builder
	for _, class := range m.BySize {
		if class.Mallocs > 0 {
			fmt.Fprintf(&b, "%d:%d ", class.Size, class.Mallocs)
		}
	}
	return b.String()
}

// AtStop calls f at SIGTERM, on another goroutine, if the option Stop is set. f must end the
// process.
func (o Options) AtStop(f func()) {
	if !o.Stop {
		return
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	go func() {
		<-asked
		f()
	}()
}

// Fail ends the process with a message of one line.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, os.Args[0]+":", err)
	os.Exit(1)
}

// Try calls Fail if err is not nil.
func Try(err error) {
	if err != nil {
		Fail(err)
	}
}
