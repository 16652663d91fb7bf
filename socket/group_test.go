//go:build unix

package socket

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	_ "github.com/ureactor/ureactor/internal/longtest" // the flag -long
)

// An mreq is a membership: a group, and the address or number of the interface.
func mreq(group string, rest ...byte) []byte {
	return append(netip.MustParseAddr(group).AsSlice(), rest...)
}

// index is the number of an interface as the kernel expects it.
func index(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// The error of a membership has the group and the interface, and says what is wrong with them. The
// errors of other options do not change.
func TestErrorsOfMembershipsNameTheGroup(t *testing.T) {
	address, here := []byte{10, 0, 0, 1}, "the interface with 10.0.0.1"
	for _, x := range []struct {
		level, name int
		value       []byte
		err         error
		want        string // behind the error's own text
	}{
		{IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq("239.1.2.3", address...), nil, ""},
		{SOL_SOCKET, SO_KEEPALIVE, []byte{1}, kernel.EINVAL, ""},
		{IPPROTO_IP, IPV6_JOIN_GROUP, []byte{1}, kernel.EINVAL, ""},
		{IPPROTO_IPV6, IP_ADD_MEMBERSHIP, []byte{1}, kernel.EINVAL, ""},
		{IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq("239.1.2.3", address...), kernel.ENODEV, ": group 239.1.2.3 at " + here},
		{IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq("239.1.2.3", append(address, 1, 2, 3)...), kernel.ENODEV, ": group 239.1.2.3 at " + here},
		{IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq("239.1.2.3", append(address, index(0)...)...), kernel.ENODEV, ": group 239.1.2.3 at " + here},
		{IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq("239.1.2.3", append(address, index(7)...)...), kernel.ENODEV, ": group 239.1.2.3 at interface 7"},
		{IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq("239.1.2.3", address...), kernel.EADDRINUSE, ": the socket is in group 239.1.2.3 at " + here + " already"},
		{IPPROTO_IP, IP_DROP_MEMBERSHIP, mreq("239.1.2.3", address...), kernel.EADDRNOTAVAIL, ": the socket is in no group 239.1.2.3 at " + here},
		{IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq("10.0.0.9", address...), kernel.EINVAL, ": 10.0.0.9 is no multicast group"},
		{IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq("239.1.2.3", 1, 2, 3), kernel.EINVAL, ": a membership of 7 bytes: must be 8, a group and an address of an interface, or 12"},
		{IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq("ff02::1", index(9)...), kernel.ENODEV, ": group ff02::1 at interface 9"},
		{IPPROTO_IPV6, IPV6_LEAVE_GROUP, mreq("ff02::1", index(9)...), kernel.EADDRNOTAVAIL, ": the socket is in no group ff02::1 at interface 9"},
		{IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq("ff02::1", 1, 2, 3), kernel.EINVAL, ": a membership of 19 bytes: must be 20, a group and the number of an interface"},
	} {
		err := groupError(x.level, x.name, x.value, x.err)
		if x.err == nil {
			if err != nil {
				t.Errorf("%v: %v", x.value, err)
			}
			continue
		}
		if !errors.Is(err, x.err) || err.Error() != x.err.Error()+x.want {
			t.Errorf("level %d, option %d, %v: %v, want %q", x.level, x.name, x.value, err, x.want)
		}
	}
	s, err := New(AF_INET, SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.SetSockOpt(IPPROTO_IP, IP_ADD_MEMBERSHIP, []byte{239, 1}); err == nil || !strings.Contains(err.Error(), "a membership of 2 bytes") {
		t.Error(err)
	}
}

// An alert has the same form as the type alert of crypto/tls.
type alert uint8

func (a alert) Error() string { return "an alert" }

// An alert that this side has sent decides the number of the error. An alert without a number of
// its own is a failure of the handshake, and so is an error that is no alert.
func TestNumbersOfAlerts(t *testing.T) {
	for n := range 256 {
		want, ok := ofAlert[uint64(n)]
		if !ok {
			want = sslFailure
		}
		if got := sslNumber(&net.OpError{Op: "local error", Err: alert(n)}); got != want || got >= 0 {
			t.Errorf("alert %d is %#x, want %#x", n, got, want)
		}
		if got := sslNumber(&net.OpError{Op: "remote error", Err: alert(n)}); got != sslAlert {
			t.Errorf("alert %d of the peer is %#x", n, got)
		}
	}
	if got := sslNumber(&net.OpError{Op: "local error", Err: errors.New("x")}); got != sslFailure {
		t.Errorf("another error is %#x", got)
	}
}

// As gives a number of the system, also through the method itself, and no other number.
func TestAsGivesTheNumber(t *testing.T) {
	for n, want := range map[int]bool{1: true, 22: true, 0: false, -1: false, EAI_AGAIN: false} {
		var e kernel.Errno
		if ok := (&OSError{Errno: n}).As(&e); ok != want || ok && int(e) != n {
			t.Errorf("%d: %v, %d", n, ok, e)
		}
	}
	if (&OSError{Errno: 1}).As(new(*OSError)) {
		t.Error("a target of another type was set")
	}
}

// The number that a verify callback has returned is in the text of the error.
func TestTextOfACallbacksNumber(t *testing.T) {
	err := tlsError(opWrap, callbackError(7))
	if want := "socket: wrap_socket: tls: the verify callback returned 7"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// A sealed kernel refuses each call that would move bytes.
func TestASealedKernelMovesNothing(t *testing.T) {
	k := sealed{kernel.Host}
	for name, call := range map[string]func() (int, kernel.Errno){
		"Recv":      func() (int, kernel.Errno) { return k.Recv(-1, nil, 0) },
		"Send":      func() (int, kernel.Errno) { return k.Send(-1, nil, 0) },
		"SendV":     func() (int, kernel.Errno) { return k.SendV(-1, nil) },
		"RecvFrom":  func() (int, kernel.Errno) { n, _, e := k.RecvFrom(-1, nil, 0); return n, e },
		"SendTo":    func() (int, kernel.Errno) { return k.SendTo(-1, nil, 0, kernel.Addr{}) },
		"RecvMsg":   func() (int, kernel.Errno) { return 0, k.RecvMsg(-1, nil, 0) },
		"SendMsg":   func() (int, kernel.Errno) { return 0, k.SendMsg(-1, nil, 0) },
		"RecvBatch": func() (int, kernel.Errno) { return k.RecvBatch(-1, nil) },
		"SendBatch": func() (int, kernel.Errno) { return k.SendBatch(-1, nil, 0) },
	} {
		if n, e := call(); n != 0 || e != kernel.EPROTO {
			t.Errorf("%s: %d, %v, want EPROTO", name, n, e)
		}
	}
}
