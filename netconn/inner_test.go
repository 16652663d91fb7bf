package netconn

import (
	"context"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/ureactor/ureactor/internal/kernel"
)

// An era is a kernel with a date that the test sets.
type era struct {
	kernel.Kernel
	now time.Time
}

func (k *era) Time() time.Time { return k.now }

// On a kernel with its own date, a context ends exactly at its deadline, or earlier if its parent
// ends. At the deadline and later, the time left is one nanosecond, because 0 would mean no limit.
func TestDatedContextEndsAtItsDeadline(t *testing.T) {
	end := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	parent, cancel := context.WithCancel(t.Context())
	k := &era{kernel.Host, end}
	ctx := &dated{parent, k, end}
	for _, row := range []struct {
		before time.Duration
		want   error
		left   time.Duration
	}{{time.Hour, nil, time.Hour}, {1, nil, 1}, {0, context.DeadlineExceeded, 1}, {-time.Hour, context.DeadlineExceeded, 1}} {
		k.now = end.Add(-row.before)
		left, limited := (&Net{k: k}).left(ctx)
		if err := ctx.Err(); err != row.want || left != row.left || !limited {
			t.Errorf("%v before the end: %v, %v left, limited %v", row.before, err, left, limited)
		}
	}
	cancel()
	if err := ctx.Err(); err != context.Canceled {
		t.Errorf("after the end of the parent: %v", err)
	}
}

// For a Unix socket without a name, some systems return an address without a family. netAddr then
// takes the family from the network.
func TestAddressWithoutAFamily(t *testing.T) {
	want := &net.UnixAddr{Name: "@", Net: "unixgram"} // as in package net
	if got := netAddr(kernel.Host, "unixgram", kernel.Addr{}); !reflect.DeepEqual(got, want) {
		t.Errorf("%#v, want %#v", got, want)
	}
}

// firstIPv4 returns the address of the loopback interface. For an interface without an IPv4 address
// it returns an error. Systems without struct ip_mreqn need firstIPv4.
func TestFirstIPv4(t *testing.T) {
	list, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range list {
		if ip, err := firstIPv4(&ifi); ifi.Flags&net.FlagLoopback != 0 && (err != nil || !ip.IsLoopback() || len(ip) != net.IPv4len) {
			t.Errorf("%s: %v, %v", ifi.Name, ip, err)
		}
	}
	if ip, err := firstIPv4(&net.Interface{Index: 1 << 30, Name: "nonesuch"}); err == nil {
		t.Errorf("an interface that does not exist has %v", ip)
	}
}
