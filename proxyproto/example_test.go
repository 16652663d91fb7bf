package proxyproto_test

import (
	"fmt"
	"net/netip"

	"github.com/ureactor/ureactor/proxyproto"
)

// A proxy writes a header in front of the client's bytes, and the server reads the header.
func ExampleHeader() {
	client := netip.MustParseAddrPort("192.0.2.7:1234")
	asked := netip.MustParseAddrPort("192.0.2.1:443")
	h := proxyproto.Header{Version: 1, Source: client, Destination: asked}
	wire, err := h.Append(nil)
	fmt.Printf("%q, %v\n", wire, err)
	wire = append(wire, "what the client sends"...)

	h, n, err := proxyproto.Parse(wire)
	fmt.Printf("%v asks %v: %q, %v\n", h.Source, h.Destination, wire[n:], err)
	// Output:
	// "PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\r\n", <nil>
	// 192.0.2.7:1234 asks 192.0.2.1:443: "what the client sends", <nil>
}
