package kernel

import (
	"net/netip"
	"testing"
)

func TestAddrsAndNetipAgree(t *testing.T) {
	for _, s := range []string{"1.2.3.4:5", "0.0.0.0:0", "[::]:65535", "[2001:db8::1]:80", "[::ffff:1.2.3.4]:80", "[fe80::1%7]:443"} {
		want := netip.MustParseAddrPort(s)
		a := Inet(want)
		if got := a.AddrPort(); got != want || a.String() != s {
			t.Errorf("%s comes back as %v and prints %q", s, got, a.String())
		}
	}
	if a := Inet(netip.MustParseAddrPort("[::ffff:1.2.3.4]:80")); a.Family != AF_INET6 {
		t.Errorf("a mapped address has family %d", a.Family)
	}
	if a := Inet(netip.MustParseAddrPort("[fe80::1%7]:443")); a.Scope != 7 {
		t.Errorf("zone 7 is %d", a.Scope)
	}
}

func TestWhatIsNotIPHasNoAddrPort(t *testing.T) {
	for _, a := range []Addr{{}, Unix("/x"), Inet(netip.AddrPort{})} {
		if a.AddrPort().IsValid() {
			t.Errorf("%+v is %v", a, a.AddrPort())
		}
	}
	if s := Unix("/x").String() + (Addr{}).String(); s != "/x" {
		t.Errorf("they print %q", s)
	}
}

func TestOnlyWildcardsAreUnspecified(t *testing.T) {
	for s, want := range map[string]bool{"0.0.0.0:1": true, "[::]:1": true, "127.0.0.1:0": false, "[::1]:0": false} {
		if got := Inet(netip.MustParseAddrPort(s)).IsUnspecified(); got != want {
			t.Errorf("%s: %v", s, got)
		}
	}
	if (Addr{}).IsUnspecified() || Unix("").IsUnspecified() {
		t.Error("what is not IP is a wildcard")
	}
}
