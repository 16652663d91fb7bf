//go:build unix

package netaddr

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	_ "github.com/ureactor/ureactor/internal/longtest"
)

// noNames is a host that knows no names, so that fuzzing starts no real lookup.
type noNames struct{ kernel.Kernel }

var errNoName = errors.New("no such name")

func (noNames) Lookup(context.Context, string, string) ([]netip.Addr, error) { return nil, errNoName }
func (noNames) LookupPort(context.Context, string, string) (int, error)      { return 0, errNoName }
func (noNames) Interface(name string) (int, error)                           { return 0, errNoName }

// The fuzzer parses any text as an address of any network. The result must be an error, or an
// address of a family that the network allows. Package net must parse the text of that address to
// the same address.
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
		b, err := Listen(k, n, addr)
		a := b.Addr
		if n.Unix() {
			if err != nil || a.Family != kernel.AF_UNIX || a.Path != addr {
				t.Fatalf("%s %q: %v, %v", n.Name, addr, a, err)
			}
			return
		}
		if err == nil {
			checkAddr(t, n, addr, a, b.Any())
			if b.Dual && (n.IP != "ip" || a.Family != kernel.AF_INET6 || !b.Any()) {
				t.Fatalf("%s %q is dual: %v", n.Name, addr, a)
			}
		}
		q, err2 := n.Parse(addr)
		if err2 != nil || q.Asks() {
			if err == nil {
				t.Fatalf("%s %q can be listened on and not be dialled: %v", n.Name, addr, err2)
			}
			return
		}
		list, err2 := q.Targets(k)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%s %q: listen %v, dial %v", n.Name, addr, err, err2)
		}
		for _, e := range list {
			checkAddr(t, n, addr, e.Addr, b.Any())
		}
	})
}

func checkAddr(t *testing.T, n Network, text string, a kernel.Addr, any bool) {
	t.Helper()
	if n.IP == "ip4" && a.Family != kernel.AF_INET || n.IP == "ip6" && a.Family != kernel.AF_INET6 ||
		a.Family != kernel.AF_INET && a.Family != kernel.AF_INET6 {
		t.Fatalf("%s %q is of family %d", n.Name, text, a.Family)
	}
	back, err := netip.ParseAddrPort(a.String())
	if err == nil {
		var again kernel.Addr
		if again, err = Inet(noNames{kernel.Host}, back); again != a {
			t.Fatalf("%s %q is %v, read back as %v", n.Name, text, a, again)
		}
	}
	if err != nil {
		t.Fatalf("%s %q is %v: %v", n.Name, text, a, err)
	}
	host, _, err := net.SplitHostPort(text)
	ip, e := netip.ParseAddr(host)
	if err == nil && e == nil && ip.Zone() == "" && !any && ip.Unmap() != a.AddrPort().Addr() {
		t.Fatalf("%s %q is %v", n.Name, text, a)
	}
}

// NetAddr returns addresses in the form of package net. An IPv4-mapped address becomes an IPv4
// address, and a zone becomes the name of the interface.
func TestAddressesInPackageNetsTypes(t *testing.T) {
	a := inet(t, "[fe80::1%4294967295]:80") // no interface has that number
	mapped := inet(t, "[::ffff:1.2.3.4]:80")
	for _, row := range []struct {
		got           net.Addr
		network, text string
	}{
		{NetAddr(kernel.Host, a, false), "tcp", "[fe80::1%4294967295]:80"},
		{NetAddr(kernel.Host, a, true), "udp", "[fe80::1%4294967295]:80"},
		{NetAddr(kernel.Host, mapped, false), "tcp", "1.2.3.4:80"},
		{NetAddr(kernel.Host, kernel.Unix("/s"), false), "unix", "/s"},
		{NetAddr(kernel.Host, kernel.Unix("@s"), true), "unixgram", "@s"},
	} {
		if row.got.Network() != row.network || row.got.String() != row.text {
			t.Errorf("%s %s, want %s %s", row.got.Network(), row.got, row.network, row.text)
		}
	}
	if got := NetAddr(kernel.Host, mapped, true).(*net.UDPAddr).IP; len(got) != net.IPv4len {
		t.Errorf("an IPv4 address has %d bytes", len(got))
	}
	if list, err := net.Interfaces(); err == nil && len(list) > 0 {
		a.Scope = uint32(list[0].Index)
		if got := NetAddr(kernel.Host, a, false).(*net.TCPAddr).Zone; got != list[0].Name {
			t.Errorf("the zone of interface %d is %q, not %q", a.Scope, got, list[0].Name)
		}
	}
}

func inet(t *testing.T, text string) kernel.Addr {
	t.Helper()
	a, err := Inet(kernel.Host, netip.MustParseAddrPort(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A zone must be the name of an interface, or a number of 32 bits. For any other text, Scope
// returns an error that contains the text, and not the number of another zone.
func TestZones(t *testing.T) {
	for zone, want := range map[string]uint32{"0": 0, "1": 1, "4294967295": math.MaxUint32} {
		if got, err := Scope(kernel.Host, zone); got != want || err != nil {
			t.Errorf("%s: %d, %v", zone, got, err)
		}
	}
	for _, zone := range []string{"4294967296", "99999999999", "99999999999999999999999", "nonesuch0", "-1"} {
		got, err := Scope(noNames{kernel.Host}, zone)
		if err == nil || !strings.Contains(err.Error(), zone) || got != 0 {
			t.Errorf("%s: %d, %v", zone, got, err)
		}
	}
	for _, number := range []int64{-1, 1 << 32} {
		if number != int64(int(number)) {
			continue // the number does not fit in an int of 32 bits
		}
		if got, err := Scope(odd{kernel.Host, int(number)}, "x"); err == nil {
			t.Errorf("an interface with the number %d is scope %d", number, got)
		}
	}
}

// odd is a host whose interfaces have a number that is out of range.
type odd struct {
	kernel.Kernel
	number int
}

func (k odd) Interface(string) (int, error) { return k.number, nil }

// A port is a number from 0 to 65535, or the name of a service. A number out of range is an error
// of package net that contains the text.
func TestPorts(t *testing.T) {
	for text, want := range map[string]uint16{"": 0, "0": 0, "80": 80, "+80": 80, "65535": 65535} {
		if got, err := number(text); got != want || err != nil {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"65536", "-1", "70000", "99999999999999999999"} {
		if got, err := number(text); err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), InvalidPort) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"http", "8o", "0x50", "+", "++1", " 80"} {
		if _, err := number(text); err != errName {
			t.Errorf("%q is taken for a number: %v", text, err)
		}
	}
}

// A listener on an unspecified address receives at all addresses of this machine, in the families
// of the network. A dial to an unspecified address reaches this machine. The table has the results
// of package net. Where package net returns an error, this package does too.
func TestUnspecifiedAddresses(t *testing.T) {
	hosts := []string{"", "0.0.0.0", "[::]", "[::ffff:0.0.0.0]"}
	for network, want := range map[string][4]string{
		"tcp": {"[::]:1 dual", "[::]:1 dual", "[::]:1 dual", "[::]:1 dual"}, "udp": {"[::]:1 dual", "[::]:1 dual", "[::]:1 dual", "[::]:1 dual"},
		"tcp4": {"0.0.0.0:1", "0.0.0.0:1", "0.0.0.0:1", "0.0.0.0:1"}, "udp4": {"0.0.0.0:1", "0.0.0.0:1", "0.0.0.0:1", "0.0.0.0:1"},
		"tcp6": {"[::]:1", "", "[::]:1", ""}, "udp6": {"[::]:1", "", "[::]:1", ""},
	} {
		n, _ := Find(network)
		for i, host := range hosts {
			b, err := Listen(noNames{kernel.Host}, n, host+":1")
			got := b.Addr.String()
			if b.Dual {
				got += " dual"
			}
			if !kernel.MapsIPv4 && n.IP == "ip" {
				continue
			}
			if (err != nil) != (want[i] == "") || got != want[i] {
				t.Errorf("%s %s: %q, %v; want %q", network, host, got, err, want[i])
			}
		}
	}
	for network, want := range map[string][4]string{
		"tcp":  {"[127.0.0.1:1]", "[127.0.0.1:1]", "[[::1]:1 127.0.0.1:1]", "[127.0.0.1:1]"},
		"udp4": {"[127.0.0.1:1]", "[127.0.0.1:1]", "[127.0.0.1:1]", "[127.0.0.1:1]"},
		"tcp6": {"[[::1]:1]", "[]", "[[::1]:1]", "[]"},
	} {
		n, _ := Find(network)
		for i, host := range hosts {
			q, err := n.Parse(host + ":1")
			if err != nil {
				t.Fatal(err)
			}
			targets, err := q.Targets(noNames{kernel.Host})
			list := []kernel.Addr{}
			for _, e := range targets {
				list = append(list, e.Addr)
			}
			if got := fmt.Sprint(list); got != want[i] || (err != nil) != (len(list) == 0) {
				t.Errorf("dial %s %s: %s, %v; want %s", network, host, got, err, want[i])
			}
		}
	}
}
