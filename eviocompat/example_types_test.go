//go:build linux || darwin || freebsd

package eviocompat_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"time"

	evio "github.com/ureactor/ureactor/eviocompat"
)

// A server answers lines. Its InputStream keeps the beginning of a line until the rest has arrived.
func ExampleInputStream() {
	var events evio.Events
	events.NumLoops = 2
	events.LoadBalance = [...]evio.LoadBalance{evio.Random, evio.RoundRobin, evio.LeastConnections}[1]
	events.Serving = func(s evio.Server) (action evio.Action) {
		go twoHalves(s.Addrs[0])
		return
	}
	events.Opened = func(c evio.Conn) (out []byte, opts evio.Options, action evio.Action) {
		c.SetContext(&evio.InputStream{})
		return nil, evio.Options{ReuseInputBuffer: true, TCPKeepAlive: time.Minute}, evio.None
	}
	events.Data = func(c evio.Conn, in []byte) (out []byte, action evio.Action) {
		stream := c.Context().(*evio.InputStream)
		data := stream.Begin(in)
		defer func() { stream.End(data) }()
		for {
			line, rest, found := bytes.Cut(data, []byte("\n"))
			if !found {
				return out, action
			}
			if string(line) == "stop" {
				return out, evio.Shutdown
			}
			out = append(out, fmt.Sprintf("%d bytes\n", len(line))...)
			data = rest
		}
	}
	if err := evio.Serve(events, "tcp://127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	// Output: 10 bytes
}

// twoHalves sends one line in two parts, and then stops the server.
func twoHalves(addr net.Addr) {
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "01234")
	fmt.Fprint(c, "56789\n")
	answer := make([]byte, len("10 bytes\n"))
	_, _ = io.ReadFull(c, answer)
	fmt.Print(string(answer))
	fmt.Fprint(c, "stop\n")
}
