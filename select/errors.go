package sel

import (
	"errors"

	"github.com/ureactor/ureactor/internal/kernel"
	"github.com/ureactor/ureactor/socket"
)

// An OSError is what calls of a Poll fail with: the one of package socket.
type OSError = socket.OSError

// ErrValue is what an argument that cannot be gives; the error names it. Nothing has happened then.
var ErrValue = socket.ErrValue

// fail is nil for 0.
func fail(op string, e kernel.Errno) error {
	if e == 0 {
		return nil
	}
	return &OSError{Errno: int(e), Op: op}
}

// number is the errno in a Poller's error.
func number(err error) kernel.Errno {
	if err == nil {
		return 0
	}
	var e kernel.Errno
	if !errors.As(err, &e) {
		return kernel.ENOSYS
	}
	return e
}
