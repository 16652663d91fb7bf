//go:build unix

package reactor_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/netip"

	"github.com/ureactor/ureactor/reactor"
)

// A visitor prints the addresses of a client behind a proxy.
type visitor struct{ echo }

func (visitor) Opened(c *reactor.Conn) {
	header, proxy := c.ProxyHeader()
	fmt.Println(c.RemoteAddr(), "asks", c.LocalAddr(), "in version", header.Version)
	fmt.Println("by a proxy on this machine:", proxy.(*net.TCPAddr).IP.IsLoopback())
	c.Reactor().Close()
}

// A proxy sends a header in front of the client's bytes. In Opened the Conn has the client's
// address.
func ExampleWithProxy() {
	r, err := reactor.New()
	if err != nil {
		log.Fatal(err)
	}
	proxies := netip.MustParsePrefix("127.0.0.0/8")
	l, err := r.Listen("tcp", "127.0.0.1:0", func(*reactor.Conn) reactor.Handler { return visitor{} },
		reactor.WithProxy(proxies))
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			log.Fatal(err)
		}
		_, _ = c.Write([]byte("PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\r\nthe client's bytes"))
		_ = c.Close()
	}()
	_ = r.Run(context.Background())
	// Output:
	// 192.0.2.7:1234 asks 192.0.2.1:443 in version 1
	// by a proxy on this machine: true
}
