package reactor

import (
	"testing"

	"golang.org/x/sys/unix"
)

// With WithReadSize, one Data can get more than 64 KiB. Without it, none does. All bytes arrive.
func TestReadSizeBoundsOneData(t *testing.T) {
	for _, size := range []int{readSize, 4 * readSize} {
		var opts []Option
		if size > readSize {
			opts = append(opts, WithReadSize(size))
		}
		r := manual(t, opts...)
		a, b := pair(t)
		t.Cleanup(func() { unix.Close(b) })
		most, all := 0, 0
		adoptFD(t, r, a, &hooks{data: func(_ *Conn, p []byte) {
			most, all = max(most, len(p)), all+len(p)
		}})
		sent := 0
		for sent < 2*readSize {
			n := fill(b, make([]byte, 2*readSize-sent))
			if sent += n; n == 0 {
				break
			}
		}
		turnUntil(t, r, func() bool { return all == sent })
		if sent <= readSize {
			t.Fatalf("the socket takes only %d bytes", sent)
		}
		if want := min(size, sent); most != want {
			t.Errorf("size %d: of %d bytes the longest Data has %d, want %d", size, sent, most, want)
		}
	}
}
