//go:build unix

package reactor

import (
	"slices"
	"testing"
	"unsafe"
)

// A Conn fits in the allocator's size class of 192 bytes. One byte more would cost 16 bytes for
// every idle connection.
func TestConnFitsItsSizeClass(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 192 {
		t.Errorf("a Conn has %d bytes: shorten it, or move what few Conns need behind a pointer", n)
	}
}

// An address that shortAddr has shortened is converted back to the same address.
func TestShortAddrKeepsTheAddress(t *testing.T) {
	for _, a := range []Addr{{}, UnixAddr("/a/path"), UnixAddr("@name"),
		{Family: 10, IP: [16]byte{0xfe, 0x80, 15: 1}, Flow: 1 << 19, Scope: 1 << 31, Port: 65535}} {
		if got := shortAddr(a).addr(); got != a {
			t.Errorf("%v became %v", a, got)
		}
	}
}

// Conns yields each connected Conn once, including those that are closing and not those that are
// dialled. The body may close Conns before and after the present one, and may leave the loop early.
func TestConnsYieldsEachConnectedConnOnce(t *testing.T) {
	twiceAtOnce(t, func(t *lab) {
		at := t.listen("tcp", acceptEcho)
		for range 5 {
			t.dial(at)
		}
		r := t.r
		t.until(func() bool { return r.conns == 5 })
		dials, err := r.Dial("tcp", at.String(), echo{})
		if err != nil {
			t.Fatal(err)
		}
		var list []*Conn
		for c := range r.Conns() {
			list = append(list, c)
		}
		if len(list) != 5 || slices.Contains(list, dials) {
			t.Fatalf("%d Conns", len(list))
		}
		list[3].Close()
		seen := map[*Conn]int{}
		for c := range r.Conns() {
			if seen[c]++; c == list[1] {
				list[0].Abort()
				list[2].Abort()
			}
		}
		for i, times := range []int{1, 1, 0, 1, 1} {
			if seen[list[i]] != times {
				t.Errorf("Conn %d was yielded %d times, not %d", i, seen[list[i]], times)
			}
		}
		n := 0
		for range r.Conns() {
			if n++; n == 2 {
				break
			}
		}
		if n != 2 {
			t.Errorf("%d after break", n)
		}
	})
}
