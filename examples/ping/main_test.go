//go:build unix

package main

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	_ "github.com/ureactor/ureactor/internal/longtest" // defines the flag -long
)

// ping gets answers from its own machine over IPv4, and over IPv6 if the machine has it. If the
// system permits neither kind of socket, the error names both kinds.
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
