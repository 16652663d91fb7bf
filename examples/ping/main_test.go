//go:build unix

package main

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
)

// ping gets an answer from its own machine, by IPv4 and, if the machine has it, by IPv6. If ping
// may not open such a socket, its error names both kinds of socket.
func TestPingOfThisMachine(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "::1"} {
		var out strings.Builder
		err := ping(&out, netip.MustParseAddr(ip), 3, 10)
		switch {
		case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
			if !strings.Contains(err.Error(), "datagram") || !strings.Contains(err.Error(), "raw") {
				t.Error(err)
			}
		case ip == "::1" && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EAFNOSUPPORT)):
		case err != nil:
			t.Error(err)
		case strings.Count(out.String(), "24 bytes from "+ip) != 3:
			t.Error(out.String())
		}
	}
}
