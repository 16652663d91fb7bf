package netconn

import (
	"errors"
	"testing"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// An error of accept that does not concern the listener is temporary, so http.Serve and similar
// servers continue. errors.Is still matches its Errno. In package net only EMFILE, ENFILE and two
// more are temporary.
func TestPassingErrorsAreTemporary(t *testing.T) {
	s, err := socket.New(socket.AF_INET, socket.SOCK_STREAM, 0)
	if err != nil {
		t.Skip(err)
	}
	defer s.Close()
	b := &base{s: s, net: "tcp"}
	for e, want := range map[kernel.Errno]bool{kernel.ENETDOWN: true, kernel.EPROTO: true, kernel.ENOPROTOOPT: true,
		kernel.EHOSTUNREACH: true, kernel.ENETUNREACH: true, kernel.EPERM: true, kernel.EMFILE: true, kernel.ENFILE: true,
		kernel.ENOBUFS: true, kernel.ENOMEM: true, kernel.ECONNABORTED: true, 12345: true, kernel.EINVAL: false, kernel.ENOTSOCK: false} {
		err := b.fail("accept", e)
		// The test lists the methods of net.Error, because linters report a use of its method
		// Temporary as deprecated. Accept loops still call Temporary.
		var ne interface {
			Temporary() bool
			Timeout() bool
		}
		if !errors.As(err, &ne) || ne.Temporary() != want || ne.Timeout() {
			t.Errorf("%v: temporary %v, timeout %v", err, ne.Temporary(), ne.Timeout())
		}
		var number kernel.Errno
		if !errors.Is(err, e) || !errors.As(err, &number) || number != e {
			t.Errorf("%v is not %d", err, int(e))
		}
	}
}
