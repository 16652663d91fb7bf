//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package netconn_test

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ureactor/ureactor/netconn"
)

// A port, zone or option value that is out of range returns an error, and is never truncated to
// another number. The error names the value. If package net returns EINVAL, the error is EINVAL
// too.
func TestNumbersAreNotCut(t *testing.T) {
	u, err := netconn.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	six, err := netconn.ListenPacket("udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer six.Close()
	c, err := netconn.Dial("tcp4", listen(t, "tcp4").Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	conn := c.(*netconn.Conn)
	here := u.LocalAddr().(*net.UDPAddr)
	refuse := func(what string, value int64, err error, is error) {
		t.Helper()
		switch {
		case err == nil:
			t.Errorf("%s %d: nil", what, value)
		case !strings.Contains(err.Error(), strconv.FormatInt(value, 10)) || is != nil && !errors.Is(err, is):
			t.Errorf("%s %d: %v", what, value, err)
		}
	}
	for _, port := range []int{-1, 1 << 16, here.Port + 1<<16, here.Port - 1<<16, here.Port + min(1<<32, math.MaxInt)} {
		for _, from := range []net.PacketConn{u, six} {
			_, err := from.WriteTo([]byte("x"), &net.UDPAddr{IP: here.IP, Port: port})
			refuse("WriteTo port", int64(port), err, syscall.EINVAL)
		}
	}
	const zone = 99_999_999_999
	link := netip.MustParseAddr("fe80::1").WithZone(strconv.FormatInt(zone, 10))
	_, err = six.WriteTo([]byte("x"), &net.UDPAddr{IP: net.ParseIP("fe80::1"), Port: 1, Zone: link.Zone()})
	refuse("WriteTo zone", zone, err, nil)
	_, err = six.(*netconn.PacketConn).WriteToUDPAddrPort([]byte("x"), netip.AddrPortFrom(link, 1))
	refuse("WriteToUDPAddrPort zone", zone, err, nil)
	_, err = netconn.Dial("tcp", "[fe80::1%"+link.Zone()+"]:1")
	refuse("Dial zone", zone, err, nil)
	_, err = netconn.Listen("tcp", "[fe80::1%"+link.Zone()+"]:1")
	refuse("Listen zone", zone, err, nil)
	if strconv.IntSize == 64 {
		large := math.MaxInt32
		large += 2 // computed at run time, because the constant does not compile on 386
		refuse("SetReadBuffer", int64(large), conn.SetReadBuffer(large), syscall.EINVAL)
		refuse("SetWriteBuffer", int64(large), conn.SetWriteBuffer(large), syscall.EINVAL)
		refuse("SetLinger", int64(large), conn.SetLinger(large), syscall.EINVAL)
	}
	// As in package net, 0 means the default period, and a negative value means no change.
	for _, d := range []time.Duration{0, -1, math.MinInt64} {
		if err := conn.SetKeepAlivePeriod(d); err != nil {
			t.Errorf("SetKeepAlivePeriod(%v): %v", d, err)
		}
	}
	refuse("SetKeepAlivePeriod", math.MaxInt64/int64(time.Second)+1, conn.SetKeepAlivePeriod(math.MaxInt64), syscall.EINVAL)
}

// As in package net, Read of a listener's RawConn returns an error and does not call the function.
func TestAListenersRawConnDoesNotRead(t *testing.T) {
	l, err := netconn.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	never := func(uintptr) bool { t.Error("called"); return true }
	if r, w := raw.Read(never), raw.Write(never); !errors.Is(r, syscall.EINVAL) || !errors.Is(w, syscall.EINVAL) {
		t.Errorf("%v, %v", r, w)
	}
	called := false
	if err := raw.Control(func(uintptr) { called = true }); err != nil || !called {
		t.Errorf("Control: %v, called %t", err, called)
	}
}
