//go:build linux || darwin || freebsd

package eviocompat_test

import (
	"fmt"
	"io"
	"log"
	"net"

	evio "github.com/ureactor/ureactor/eviocompat"
)

// This is evio's echo server with another import.
func ExampleServe() {
	var events evio.Events
	events.Serving = func(s evio.Server) (action evio.Action) {
		go func() {
			c, err := net.Dial("tcp", s.Addrs[0].String())
			if err != nil {
				log.Fatal(err)
			}
			defer c.Close()
			fmt.Fprint(c, "hello")
			p := make([]byte, 5)
			_, err = io.ReadFull(c, p)
			fmt.Println(string(p), err)
			fmt.Fprint(c, "bye")
		}()
		return
	}
	events.Data = func(c evio.Conn, in []byte) (out []byte, action evio.Action) {
		if string(in) == "bye" {
			return nil, evio.Shutdown
		}
		return in, evio.None
	}
	if err := evio.Serve(events, "tcp://127.0.0.1:0"); err != nil {
		log.Fatal(err)
	}
	// Output: hello <nil>
}
