package sel

import (
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

// number is the errno in a Poller's error, 0 for none.
func number(err error) kernel.Errno {
	if err == nil {
		return 0
	}
	return kernel.Number(err)
}
