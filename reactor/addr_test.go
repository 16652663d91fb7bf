//go:build unix

package reactor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
)

// noNames is a host that knows no name, so that fuzzing asks nobody.
type noNames struct{ Kernel }

var errNoName = errors.New("no such name")

func (noNames) Lookup(context.Context, string, string) ([]netip.Addr, error) { return nil, errNoName }
func (noNames) LookupPort(context.Context, string, string) (int, error)      { return 0, errNoName }
func (noNames) Interface(name string) (int, error)                           { return 0, errNoName }

// Any text as an address of any network: an error, or an address of the family that the network has, which package net
// reads back from its own text to the same.
func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"127.0.0.1:80", "[::1]:0", ":7777", "[fe80::1%1]:65535", "1.2.3.4:65536", "[::ffff:1.2.3.4]:1", "0.0.0.0:0",
		"[::]:9", "x:http", "[::1]", "@abstract", "/tmp/s", "::1:80", "127.0.0.1:+80", "127.0.0.1:", "[::1%]:1", "[::1%25lo]:1", "1.2.3.4%1:1"} {
		for i := range networks {
			f.Add(byte(i), s)
		}
	}
	k := noNames{kernel.Host}
	f.Fuzz(func(t *testing.T, which byte, addr string) {
		n := networks[int(which)%len(networks)]
		a, dual, err := n.binding(k, addr)
		if n.ip == "" {
			if err != nil || a.Family != kernel.AF_UNIX || a.Path != addr {
				t.Fatalf("%s %q: %v, %v", n.name, addr, a, err)
			}
			return
		}
		if err == nil {
			checkAddr(t, n, addr, a)
			if dual && (n.ip != "ip" || a.Family != kernel.AF_INET6 || !a.IsUnspecified()) {
				t.Fatalf("%s %q is dual: %v", n.name, addr, a)
			}
		}
		d := &dialing{net: n, addr: addr}
		lookup, err2 := d.resolve(k)
		if err2 != nil || lookup != nil {
			if err == nil {
				t.Fatalf("%s %q can be listened on and not be dialled: %v", n.name, addr, err2)
			}
			return
		}
		checkAddr(t, n, addr, d.list[0])
	})
}

func checkAddr(t *testing.T, n network, text string, a Addr) {
	t.Helper()
	if n.ip == "ip4" && a.Family != kernel.AF_INET || n.ip == "ip6" && a.Family != kernel.AF_INET6 ||
		a.Family != kernel.AF_INET && a.Family != kernel.AF_INET6 {
		t.Fatalf("%s %q is of family %d", n.name, text, a.Family)
	}
	back, err := netip.ParseAddrPort(a.String())
	if err != nil || kernel.Inet(back) != a {
		t.Fatalf("%s %q is %v, read back as %v, %v", n.name, text, a, back, err)
	}
	host, _, err := net.SplitHostPort(text)
	if ip, e := netip.ParseAddr(host); err == nil && e == nil && ip.Zone() == "" && ip.Unmap() != a.AddrPort().Addr() {
		t.Fatalf("%s %q is %v", n.name, text, a)
	}
}

// The addresses that package net gives of what the kernel says.
func TestAddressesInPackageNetsTypes(t *testing.T) {
	a := kernel.Inet(netip.MustParseAddrPort("[fe80::1%7]:80"))
	for _, row := range []struct {
		got           net.Addr
		network, text string
	}{
		{netAddr(a, false), "tcp", "[fe80::1%7]:80"},
		{netAddr(a, true), "udp", "[fe80::1%7]:80"},
		{netAddr(kernel.Unix("/s"), false), "unix", "/s"},
		{netAddr(kernel.Unix("@s"), true), "unixgram", "@s"},
	} {
		if row.got.Network() != row.network || row.got.String() != row.text {
			t.Errorf("%s %s, want %s %s", row.got.Network(), row.got, row.network, row.text)
		}
	}
}
