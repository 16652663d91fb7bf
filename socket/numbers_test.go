//go:build unix

package socket_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// A host may be any text that inet_aton(3) accepts. The test makes such texts of random numbers in
// random notations. The last number fills the rest of the address. A number that does not fit is
// refused.
func TestNumericHostsAreThoseOfInetAton(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(n uint64) string {
		notation := []string{"%d", "0%o", "000%o", "0x%x", "0X%X", "0x00%x"}[random.IntN(6)]
		return fmt.Sprintf(notation, n)
	}
	for range 2000 {
		parts := random.IntN(4) + 1
		var words []string
		var want uint64
		fits := true
		for i := range parts {
			bits := 8
			if i == parts-1 {
				bits = 8 * (5 - parts)
			}
			limit := uint64(1) << bits
			n := []uint64{0, 1, limit / 2, limit - 1, limit, random.Uint64N(limit)}[random.IntN(6)]
			fits = fits && n < limit
			words = append(words, text(n))
			want = want<<bits | n
		}
		host := strings.Join(words, ".")
		list, err := socket.GetAddrInfo(host, "80", inet, stream, 0, socket.AI_NUMERICHOST)
		dotted := fmt.Sprintf("%d.%d.%d.%d", byte(want>>24), byte(want>>16), byte(want>>8), byte(want))
		switch {
		case fits && (err != nil || list[0].Addr != socket.Tuple(dotted, 80)):
			t.Errorf("%s: %v, %v, want %s", host, list, err, dotted)
		case !fits && err == nil:
			t.Errorf("%s: %v", host, list)
		}
	}
	for _, host := range []string{"", "0x", "1.0x", "08", "0b1", "0B1", "1_0", "+1", "-1", "1.", ".1", "1..2", "0xg", "1.2.3.4.5", "0x1x"} {
		if list, err := socket.GetAddrInfo(host, "80", inet, stream, 0, socket.AI_NUMERICHOST); err == nil {
			t.Errorf("%q: %v", host, list)
		}
	}
}

// An OSError with a number of the system is also a syscall.Errno. The numbers of GetAddrInfo and of
// TLS are negative, and are not.
func TestOSErrorIsTheErrnoOfTheSystem(t *testing.T) {
	for _, n := range []int{1, 2, 4, int(kernel.EPIPE), 4095} {
		err := error(&socket.OSError{Errno: n})
		var number syscall.Errno
		if !errors.Is(err, syscall.Errno(n)) || !errors.As(err, &number) || int(number) != n || errors.Unwrap(err) != syscall.Errno(n) {
			t.Errorf("%d is not %v", n, syscall.Errno(n))
		}
	}
	if !errors.Is(&socket.OSError{Errno: 1}, os.ErrPermission) {
		t.Error("EPERM is not os.ErrPermission")
	}
	for _, n := range []int{0, -1, socket.EAI_NONAME, -0x7200, math.MinInt32} {
		err := error(&socket.OSError{Errno: n})
		var number syscall.Errno
		if errors.Is(err, syscall.Errno(n)) || errors.As(err, &number) || errors.Unwrap(err) != nil {
			t.Errorf("%d is %v", n, number)
		}
	}
}

// Temporary is true for calls that may succeed later: a call that has timed out, a call that has
// found nothing, and an Accept whose error concerns one connection.
func TestTemporaryErrors(t *testing.T) {
	for _, c := range []struct {
		op        string
		errno     int
		temporary bool
	}{
		{"recv", int(kernel.EAGAIN), true}, {"recv", int(kernel.ETIMEDOUT), true}, {"getaddrinfo", socket.EAI_AGAIN, true},
		{"recv", int(kernel.ECONNABORTED), false}, {"recv", int(kernel.EPIPE), false}, {"getaddrinfo", socket.EAI_NONAME, false},
		{"accept", int(kernel.ECONNABORTED), true}, {"accept", int(kernel.EMFILE), true}, {"accept", int(kernel.EAGAIN), true},
		{"accept", int(kernel.EBADF), false}, {"accept", int(kernel.EINVAL), false}, {"accept", int(kernel.EOPNOTSUPP), false},
		{"accept", int(kernel.ENOTSOCK), false}, {"accept", 0, false}, {"accept", -1, false},
	} {
		if got := (&socket.OSError{Op: c.op, Errno: c.errno}).Temporary(); got != c.temporary {
			t.Errorf("%s: error %d is temporary: %v", c.op, c.errno, got)
		}
	}
}

// If the number of an error of TLS is unknown, its text has the number. (mbedtls's numbers end at
// -0x10.)
func TestTextOfAnUnknownErrorOfTLS(t *testing.T) {
	for n, want := range map[int]string{-0x6FFF: "MBEDTLS_ERR_UNKNOWN (0x6FFF)", 0: "", 1: "", socket.EAI_NONAME: ""} {
		if got := (&socket.OSError{Errno: n}).Text(); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
