//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package kernel

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAddressesComeBackFromXSys(t *testing.T) {
	for _, a := range []Addr{
		{Family: AF_INET, IP: [16]byte{192, 0, 2, 1}, Port: 65535},
		{Family: AF_INET6, IP: [16]byte{0x20, 1, 15: 1}, Port: 1, Scope: 7},
		Unix("/tmp/x"),
		Unix(strings.Repeat("p", 103)),
	} {
		sa, e := toSockaddr(a, 104)
		if got := fromSockaddr(sa); e != 0 || got != a {
			t.Errorf("%+v comes back as %+v, %v", a, got, e)
		}
	}
	if a := fromSockaddr(nil); a != (Addr{}) {
		t.Errorf("no address is %+v", a)
	}
	if a := fromSockaddr(&unix.SockaddrUnix{}); a != Unix("") {
		t.Errorf("an unnamed socket is %+v", a)
	}
}

func TestBadAddressesForXSysHaveAnErrno(t *testing.T) {
	for _, row := range []struct {
		a    Addr
		want Errno
	}{
		{Addr{}, EAFNOSUPPORT},
		{Unix(strings.Repeat("p", 104)), ENAMETOOLONG},
		{Unix(""), EINVAL},
		{Unix("\x00x"), EINVAL},
		{Unix("x\x00y"), EINVAL},
	} {
		if sa, e := toSockaddr(row.a, 104); e != row.want || sa != nil {
			t.Errorf("%+v: %v, %v, want %v", row.a, sa, e, row.want)
		}
	}
}
